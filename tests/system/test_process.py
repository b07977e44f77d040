"""Whether a process lives, and whether more of them would help."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

from engine.system import process
from engine.system.process import can_help, is_alive


def test_the_living_and_the_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_alive(child.pid) and is_alive(os.getpid()) and is_alive(os.getppid())
    child.communicate(b"\n")
    assert not is_alive(child.pid)
    assert not is_alive(1 << 70), "a number that no system gives"


@pytest.mark.skipif(sys.platform != "linux", reason="says it by /proc")
def test_who_has_ended_and_was_not_asked_for_is_dead() -> None:
    """In a container, what was left in the background may stay so for ever."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    os.kill(child.pid, 0)  # it is there
    assert not is_alive(child.pid)
    child.wait()


@pytest.mark.skipif(os.name != "posix", reason="there are no such processes on Windows")
@pytest.mark.parametrize("locked", [True, False])
def test_processes_help_where_there_is_an_interpreter_lock(locked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: locked, raising=False)
    assert can_help() is locked


def test_windows_is_not_asked_for_a_number_that_it_can_not_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that somebody wrote may hold any."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        importlib.reload(process)
        alive = process.is_alive(1 << 70)
    importlib.reload(process)
    assert not alive
