"""Other processes of this machine: whether one lives, whether more of them would help, and how one of ours starts.

Rule of this file: nothing is done to a process. (On Windows `os.kill` with signal 0 would end the process.)
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

if sys.platform == "win32":
    _QUERY_LIMITED_INFORMATION = 0x1000
    _ACCESS_DENIED = 5
    _STILL_ACTIVE = 259
    _LARGEST = (1 << 32) - 1

    def is_alive(pid: int) -> bool:
        """Whether there is a process with this number; true as well if it is somebody else's."""
        import ctypes

        if pid > _LARGEST:
            return False
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        handle = kernel.OpenProcess(_QUERY_LIMITED_INFORMATION, False, pid)
        if not handle:
            return ctypes.get_last_error() == _ACCESS_DENIED
        code = ctypes.c_ulong()
        try:
            return bool(kernel.GetExitCodeProcess(handle, ctypes.byref(code))) and code.value == _STILL_ACTIVE
        finally:
            kernel.CloseHandle(handle)

else:

    def is_alive(pid: int) -> bool:
        """Whether a process with this number runs; true as well if it is somebody else's.

        One that has ended is there until its parent asks for its exit code. In containers nobody may ever do so.
        """
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass  # somebody else's
        return not _has_ended(pid)

    def _has_ended(pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                state = file.read().rpartition(b")")[2].split()[0]  # behind the name, which may hold anything
        except (OSError, IndexError):
            return False  # systems without /proc don't say
        return state in (b"Z", b"X")


def available_cores() -> int:
    """The cores that this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_help() -> bool:
    """Whether processes can be started, and are needed: without an interpreter lock, threads do as well."""
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    return bool(locked and sys.executable and not getattr(sys, "frozen", False) and os.name == "posix")


def home() -> str:
    """The directory that our modules are found in."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def spawn(*words: str) -> subprocess.Popen[bytes] | None:
    """A Python like ours that runs ``words`` (a file, or ``-c`` and a text) and talks by its standard streams; None
    where there can be none. It starts without what it doesn't need."""
    import subprocess

    command = [sys.executable, "-I", "-S", "-X", f"utf8={sys.flags.utf8_mode}", *words]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return None
