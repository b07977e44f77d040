"""`run` in the background, `ps` and `ps stop`."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from engine.commands import ps
from engine.system import process
from engine.system.process import is_alive
from tests.shell.sessions import make_environment, whipsnake

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is detached there")


def test_a_process_is_started_listed_and_stopped(tmp_path: Path) -> None:
    prefix = str(make_environment(tmp_path / "root" / "envs" / "server"))
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MAMBA_ROOT_PREFIX": str(tmp_path / "root")}

    def said(*words: str, code: int = 0) -> str:
        ran = whipsnake(words, environ)
        assert ran.returncode == code, ran.stderr
        return os.fsdecode(ran.stdout or ran.stderr)

    assert said("ps") == "No running processes\n"
    for label in ("first", "second"):
        assert "in the background" in said("run", "-n", "server", "-d", "--label", label, "sleep", "600")
    found = json.loads(said("ps", "list", "--json"))["processes"]
    pids = {one["name"]: one["pid"] for one in found}
    try:
        assert [(one["prefix"], one["command"]) for one in found] == [(prefix, ["sleep", "600"])] * 2
        lines = said("ps").splitlines()
        assert lines[0].split() == ["PID", "Name", "Environment", "Command"]
        assert sorted(line.split()[1:] for line in lines[1:]) == [
            ["first", "server", "sleep", "600"],
            ["second", "server", "sleep", "600"],
        ]
        assert said("ps", "stop", "first") == f"Stopping first [{pids['first']}]\n"
        assert said("ps", "stop", str(pids["second"])) == f"Stopping second [{pids['second']}]\n"
    finally:
        for pid in pids.values():
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
    assert said("ps", "stop", "third").startswith("Did not find any matching process")
    assert json.loads(said("ps", "stop", "third", "--json"))["stopped"] == []


def test_a_program_that_can_not_be_started_leaves_no_record(tmp_path: Path) -> None:
    make_environment(tmp_path / "root" / "envs" / "a")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MAMBA_ROOT_PREFIX": str(tmp_path / "root")}
    assert whipsnake(["run", "-n", "a", "no-such-program"], environ).returncode == 127
    assert list((tmp_path / ".cache/mamba/proc").iterdir()) == []


@pytest.mark.parametrize("ended", [True, False])
def test_on_windows_the_program_is_ended_too(ended: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There it is a child of ours. (The stand-in for the system's program says what it was asked.)"""
    tool = tmp_path / "taskkill"
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(process, "is_alive", lambda pid: not ended)
    if ended:
        ps._end_with_children(4711)
    else:
        with pytest.raises(PermissionError):
            ps._end_with_children(4711)
    assert (tmp_path / "asked").read_text() == "/PID 4711 /T /F\n"
