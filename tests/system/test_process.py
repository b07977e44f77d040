"""Whether a process lives."""

from __future__ import annotations

import os
import subprocess
import sys

from engine.system.process import is_alive


def test_the_living_and_the_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_alive(child.pid) and is_alive(os.getpid()) and is_alive(os.getppid())
    child.communicate(b"\n")
    assert not is_alive(child.pid)
    assert not is_alive(1 << 70), "a number that no system gives"
