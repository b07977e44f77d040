"""A new file in one go: open, write, close, and nothing that its mode and time don't ask for.

Rule of this file: the file is new (``O_EXCL``, no soft link is followed) or `FileExistsError`. This is where packages
become files, for the cache and for prefixes alike, tens of thousands a run: every system call counts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from engine.system.file_io import write_all

_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
TIMES_BY_HANDLE = os.utime in os.supports_fd
"""Whether an open file's time can be set (Windows: only once it is closed)."""
_LATEST = (1 << 33) - 1


def write_new(  # noqa: PLR0917 - the facts of a file, each of its own type
    path: str, pieces: Iterable[bytes | memoryview], mode: int, mtime: int, umask: int, dir_fd: int | None = None
) -> None:
    """Make the file ``path``, relative to the directory handle ``dir_fd`` if there is one.

    ``mode`` are its permissions whatever the umask, which is told so that they are only set where it matters (see
    `umask_of`); ``mtime`` is in seconds since the epoch. Raises `OSError`; a file that was begun stays.
    """
    file = os.open(path, _CREATE, mode, dir_fd=dir_fd)
    try:
        for piece in pieces:
            write_all(file, piece)
        if mode & umask and hasattr(os, "fchmod"):
            os.fchmod(file, mode)
        seconds = possible_time(mtime)
        if TIMES_BY_HANDLE:
            os.utime(file, (seconds, seconds))
    finally:
        os.close(file)
    if not TIMES_BY_HANDLE:
        os.utime(path, (seconds, seconds))


def possible_time(mtime: int) -> int:
    """The closest time to ``mtime``, which an archive chose, that every system can give a file."""
    return min(max(mtime, 0), _LATEST)


def package_mode(mode: int, umask: int) -> int:
    """The permissions of a package's file: its own, without set-id bits, and without writing by others where the
    umask forbids that. Its owner can always read it."""
    return mode & 0o777 & ~(0o022 & umask) | 0o400


def umask_of(made: int) -> int:
    """The umask, from the mode of a directory just made with 0o777; asking `os.umask` would change it for all."""
    return 0o777 & ~made


def create(target: str, mode: int) -> int:
    """A new file with exactly these permissions, whatever the umask; returns its descriptor."""
    writing = os.open(target, _CREATE, 0o600)
    if hasattr(os, "fchmod"):
        os.fchmod(writing, stat.S_IMODE(mode) & 0o777)
    return writing
