"""Whether a process lives, and whether more of them would help."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engine.system.process import can_help, is_alive


def test_the_living_and_the_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_alive(child.pid) and is_alive(os.getpid()) and is_alive(os.getppid())
    child.communicate(b"\n")
    assert not is_alive(child.pid)
    assert not is_alive(1 << 70), "a number that no system gives"


@pytest.mark.skipif(os.name != "posix", reason="there are no such processes on Windows")
@pytest.mark.parametrize("locked", [True, False])
def test_processes_help_where_there_is_an_interpreter_lock(locked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: locked, raising=False)
    assert can_help() is locked
