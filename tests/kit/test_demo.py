"""The demo runs, whole: the main job on a real channel, over a real socket, with real programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.demo import ROOT, clean_environment
from tests.kit.relocate import NoCompiler, compiler


@pytest.mark.skipif(sys.platform == "win32", reason="packs POSIX interpreters only")
def test_runs_and_leaves_nothing(tmp_path: Path) -> None:
    try:
        compiler()
    except NoCompiler:
        pytest.skip("no C compiler")
    env = {**clean_environment(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.kit.demo"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "create, full cache" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONDA_PREFIX", "/x")
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", "/x")
    env = clean_environment(tmp_path)
    assert not any(name.startswith(("CONDA_", "MAMBA_")) for name in env)
    assert env["HOME"] == str(tmp_path)
