"""Files named relative to an open directory: with handles of directories where the system has them, by paths elsewhere.

Rule of this file: callers see one set of functions. A handle is a number; on Windows, which can't open directories, it
stands for a path. What handles are for (no name on the way is followed as a link) the extractor guards itself too, by
remembering every soft link that it made.
"""

from __future__ import annotations

import itertools
import os
import stat
import threading

_BINARY = getattr(os, "O_BINARY", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)

HAS_HANDLES = os.open in os.supports_dir_fd
"""Whether this system knows handles of directories."""


class _Paths:
    """What stands for handles where there are none: negative numbers, so that nothing else takes them for files."""

    def __init__(self) -> None:
        self._paths: dict[int, str] = {}
        self._numbers = itertools.count(2)
        self._lock = threading.Lock()

    def add(self, path: str, *, links: bool) -> int:
        if not stat.S_ISDIR((os.stat if links else os.lstat)(path).st_mode):
            raise NotADirectoryError(20, os.strerror(20), path)
        with self._lock:
            number = -next(self._numbers)
            self._paths[number] = path
        return number

    def join(self, handle: int, name: str) -> str:
        return os.path.join(self._paths[handle], name)

    def remove(self, handle: int) -> None:
        with self._lock:
            del self._paths[handle]


_paths = _Paths()


def open_directory(path: str, *, parent: int | None = None) -> int:
    """A handle of a directory, to be given back by `close`; below ``parent`` a soft link is refused."""
    if HAS_HANDLES:
        return os.open(path, _DIRECTORY if parent is None else _DIRECTORY | _NO_LINK, dir_fd=parent)
    return _paths.add(path if parent is None else _paths.join(parent, path), links=parent is None)


def close(handle: int) -> None:
    """Give a handle of a directory back."""
    if HAS_HANDLES:
        os.close(handle)
    else:
        _paths.remove(handle)


def missing_bits(handle: int) -> int:
    """The permissions that a directory, just made, did not get: the umask, as far as it can be seen."""
    if HAS_HANDLES:
        return 0o777 & ~os.fstat(handle).st_mode
    return 0


def open_file(parent: int, name: str, flags: int = os.O_RDONLY, mode: int = 0o777) -> int:
    """Open a file, as `os.open` does, in binary mode."""
    if HAS_HANDLES:
        return os.open(name, flags, mode, dir_fd=parent)
    return os.open(_paths.join(parent, name), flags | _BINARY, mode)


def finish(file: int, parent: int, name: str, seconds: float) -> None:
    """Close a file that was written, and give it a modification time."""
    if HAS_HANDLES:
        try:
            os.utime(file, (seconds, seconds))
        finally:
            os.close(file)
    else:  # closing a file there changes its time once more
        os.close(file)
        os.utime(_paths.join(parent, name), (seconds, seconds))


def make_directory(parent: int, name: str) -> None:
    """As `os.mkdir`."""
    if HAS_HANDLES:
        os.mkdir(name, 0o777, dir_fd=parent)
    else:
        os.mkdir(_paths.join(parent, name))


def soft_link(target: str, parent: int, name: str) -> None:
    """As `os.symlink`."""
    if HAS_HANDLES:
        os.symlink(target, name, dir_fd=parent)
    else:
        os.symlink(target, _paths.join(parent, name))


def hard_link(source_parent: int, source: str, parent: int, name: str) -> None:
    """As `os.link`; no soft link is followed."""
    if HAS_HANDLES:
        os.link(source, name, src_dir_fd=source_parent, dst_dir_fd=parent, follow_symlinks=False)
    else:
        os.link(_paths.join(source_parent, source), _paths.join(parent, name))


def remove(parent: int, name: str) -> None:
    """As `os.unlink`."""
    if HAS_HANDLES:
        os.unlink(name, dir_fd=parent)
    else:
        os.unlink(_paths.join(parent, name))


def look(parent: int, path: str) -> os.stat_result:
    """As `os.lstat`; ``path`` may have several parts."""
    if HAS_HANDLES:
        return os.lstat(path, dir_fd=parent)
    return os.lstat(_paths.join(parent, path))


def set_link_time(parent: int, path: str, seconds: float) -> None:
    """Give a soft link a modification time, where the system can."""
    if HAS_HANDLES:
        os.utime(path, (seconds, seconds), dir_fd=parent, follow_symlinks=False)
    elif os.utime in os.supports_follow_symlinks:
        os.utime(_paths.join(parent, path), (seconds, seconds), follow_symlinks=False)
