"""The installed command finds its own modules, whatever stands in PYTHONPATH."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.demo import ROOT

_START = "import sys; from whipsnake import main; sys.exit(main())"


def run(*places: Path, words: tuple[str, ...] = ("info", "--json")) -> subprocess.CompletedProcess[str]:
    """The command with these directories in PYTHONPATH, the last of which it is found in."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    command = [sys.executable, "-c", _START, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ)


@pytest.mark.parametrize(
    "name", ["cli.py", "engine/__init__.py", "msgspec/__init__.py", "json/__init__.py", "anyio.py"]
)
def test_modules_of_others_are_not_taken_for_ours(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise SystemExit('another one')")
    done = run(tmp_path, ROOT)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_a_module_that_only_others_have_is_found(tmp_path: Path) -> None:
    (tmp_path / "only_here.py").write_text("print('found')")
    code = "import sys; sys.argv = ['whipsnake', '--version']; import whipsnake; whipsnake.main(); import only_here"
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environ)
    assert done.stdout.splitlines()[1:] == ["found"], done.stderr
