"""Entry points: what is accepted, what is refused, and that the scripts run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import LinkError
from engine.link.plan.entry_points import EntryPoint, parse_entry_point, script_body, unix_script
from engine.link.plan.shebang import python_shebang


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tool = pkg.mod:main", EntryPoint("tool", "pkg.mod", "main")),
        ("bsdiff4=bsdiff4.cli:main_bsdiff4", EntryPoint("bsdiff4", "bsdiff4.cli", "main_bsdiff4")),
        ("jupyter-lab = jupyterlab.labapp:App.launch", EntryPoint("jupyter-lab", "jupyterlab.labapp", "App.launch")),
        ("2to3-3.12 = lib2to3.main:main", EntryPoint("2to3-3.12", "lib2to3.main", "main")),
    ],
)
def test_accepted(text: str, expected: EntryPoint) -> None:
    assert parse_entry_point(text, "p-1-0") == expected


@pytest.mark.parametrize(
    "text",
    [
        "tool",
        "tool = mod",
        "tool = :main",
        "= mod:main",
        "../evil = mod:main",
        "a/b = mod:main",
        "a\\b = mod:main",
        ".hidden = mod:main",
        "two words = mod:main",
        "a\nb = mod:main",
        "tool = mod\nimport os:main",
        "tool = mod:main\nimport os",
        "tool = mod:main()",
        "tool = mod:main'",
        'tool = mod":main',
        "tool = os;evil:main",
        "tool = mod.class:main",
        "tool = mod:main #",
        "C: = mod:main",
    ],
)
def test_refused_by_name(text: str) -> None:
    with pytest.raises(LinkError, match="p-1-0") as caught:
        parse_entry_point(text, "p-1-0")
    assert caught.value.hint


def test_short_shebang() -> None:
    assert python_shebang("/env/bin/python3.12", "linux-64") == "#!/env/bin/python3.12\n"


@pytest.mark.parametrize("length", [126, 127, 128])
def test_shebang_at_the_limit(length: int) -> None:
    python = "/" + "p" * (length - 3)
    assert python_shebang(python, "linux-64").startswith("#!/bin/sh") == (length > 127)


@pytest.mark.skipif(os.name == "nt", reason="shebangs")
@pytest.mark.parametrize("folder", ["plain", "with space", "x" * 150])
def test_scripts_run(tmp_path: Path, folder: str) -> None:
    home = tmp_path / folder
    home.mkdir()
    (home / "python").symlink_to(sys.executable)
    (home / "mod.py").write_text("import sys\nclass A:\n    def go(): print(sys.argv); return 3\n")
    script = home / "tool-script.py"
    script.write_text(unix_script(EntryPoint("tool", "mod", "A.go"), str(home / "python"), "linux-64"))
    script.chmod(0o755)
    done = subprocess.run([script, "x y"], capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "'x y'" in done.stdout and "-script" not in done.stdout


def test_body_is_python() -> None:
    compile(script_body(EntryPoint("t", "a.b", "c.d")), "t", "exec")
