"""Renaming, on Windows with patience: who looks for viruses or makes an index opens each new file for a moment there.

(And who opens a file while another process replaces it is refused there, too.)

Rule of this file: elsewhere nothing is waited for, and what is refused to the end is the caller's to say.
"""

from __future__ import annotations

import os
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
