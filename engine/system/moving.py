"""Renaming, on Windows with patience: who looks for viruses or makes an index opens each new file for a moment there.

(And who opens a file while another process replaces it is refused there, too.)

Rule of this file: elsewhere nothing is waited for, and what is refused to the end is the caller's to say. What can be
known before is known here too: which directories can't be renamed.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

PATIENCE: Final = 1.0
"""Seconds."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.1
Other = TypeVar("Other")
Result = TypeVar("Result")


def rename(old: str, new: str) -> None:
    """As `os.rename`."""
    _patiently(os.rename, old, new)


def replace(old: str, new: str) -> None:
    """As `os.replace`."""
    _patiently(os.replace, old, new)


def is_immovable(error: OSError) -> bool:
    """Whether a directory can't be renamed although all that is in it can: it came with a lower layer of an overlay, as
    what an image brings does in Docker (overlayfs renames no such directory unless ``redirect_dir`` is on)."""
    return error.errno == errno.EXDEV


def is_mount(path: str) -> bool:
    """Whether a file system is mounted there; also, on Linux, a part of the same one (a bind mount)."""
    return os.path.ismount(path) or os.path.realpath(path) in _mounts()


def _mounts() -> set[str]:
    """The fifth words of ``/proc/self/mountinfo`` (proc(5)), in which blanks are written as octal numbers."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            words = [line.split(b" ")[4] for line in file]
    except (OSError, IndexError):  # not Linux
        return set()
    return {os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), word)) for word in words}


def open_file(path: str, flags: int) -> int:
    """As `os.open`, of what others may be replacing."""
    return _patiently(os.open, path, flags)


def _patiently(act: Callable[[str, Other], Result], path: str, other: Other) -> Result:
    end, pause = 0.0, _FIRST_PAUSE
    while True:
        try:
            return act(path, other)
        except PermissionError:
            end = end or time.monotonic() + PATIENCE
            if os.name != "nt" or time.monotonic() > end:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
