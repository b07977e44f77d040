"""Files in few system calls: read whole or at a place, write aside and rename.

Python's own `open` asks four things of a file that nobody here wants to know; and each call gives other threads a turn
at the interpreter, for which its thread then waits.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterable
from typing import Final

from engine.system.moving import replace

BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_READING = os.O_RDONLY | BINARY | getattr(os, "O_CLOEXEC", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY | getattr(os, "O_CLOEXEC", 0)
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


def read_file(path: str) -> tuple[bytes, os.stat_result]:
    """All of a file, and what the system says of it. Raises `OSError`."""
    file = os.open(path, _READING)
    try:
        facts = os.fstat(file)
        data = os.read(file, facts.st_size + 1)
        if len(data) != facts.st_size:  # it grows, or a system that hands over less at once
            pieces = [data]
            while piece := os.read(file, 1 << 20):
                pieces.append(piece)
            data = b"".join(pieces)
        return data, facts
    finally:
        os.close(file)


def temporary(path: str) -> str:
    """A name beside ``path`` that nobody else takes; what is left of it is swept away after a day."""
    return f"{path}.{os.urandom(6).hex()}.tmp"


def write_atomic(path: str, pieces: Iterable[bytes]) -> None:
    """Make a file, or replace it, in one step. Raises `OSError` and then leaves nothing."""
    aside = temporary(path)
    try:
        make_file(aside, pieces)
        replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise


def make_file(path: str, pieces: Iterable[bytes]) -> None:
    """Make a file that is not there yet. Raises `OSError`; what was begun stays."""
    file = os.open(path, _NEW, 0o666)
    try:
        for piece in pieces:
            write_all(file, piece)
    finally:
        os.close(file)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """All of ``data``, however much the system takes at once (a disk that is nearly full takes less, and the next call
    says why). Raises `OSError`."""
    done = os.write(fd, data)
    while done < len(data):
        done += os.write(fd, memoryview(data)[done:])
