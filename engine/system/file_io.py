"""The few ways in which the index cache touches files: read at a place, write aside and rename."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterable
from typing import Final

BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_cursor = threading.Lock()
"""Where the system can't read at a place, a file's one cursor is moved by one thread at a time."""


def read_at(fd: int, size: int, offset: int) -> bytes:
    """``size`` bytes from ``offset``; fewer only where the file ends. Raises `OSError`."""
    data = _read_at(fd, size, offset)
    if len(data) == size or not data:
        return data
    pieces = [data]  # a system may hand over less at once, some 2 GiB at most
    done = len(data)
    while done < size and (data := _read_at(fd, size - done, offset + done)):
        pieces.append(data)
        done += len(data)
    return b"".join(pieces)


if sys.platform == "win32":

    def _read_at(fd: int, size: int, offset: int) -> bytes:
        with _cursor:
            os.lseek(fd, offset, os.SEEK_SET)
            return os.read(fd, size)

else:
    _read_at = os.pread


def temporary(path: str) -> str:
    """A name beside ``path`` that nobody else takes; what is left of it is swept away after a day."""
    return f"{path}.{os.urandom(6).hex()}.tmp"


def write_atomic(path: str, pieces: Iterable[bytes]) -> None:
    """Make a file, or replace it, in one step. Raises `OSError` and then leaves nothing."""
    aside = temporary(path)
    try:
        with open(aside, "xb", buffering=0) as file:
            for piece in pieces:
                write_all(file.fileno(), piece)
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise


def write_all(fd: int, data: bytes) -> None:
    """All of ``data``, however much the system takes at once. Raises `OSError`."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
