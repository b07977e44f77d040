"""Open files as Windows has them: neither they nor a directory above them can be moved, replaced or removed.

Only files that this process has open count, and of those only regular ones: nothing there opens directories.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

DESCRIPTORS = "/proc/self/fd"
"""Where Linux shows what a process has open; elsewhere nothing here works."""
_MOVES, _REMOVALS = ("rename", "replace"), ("unlink", "remove", "rmdir")


@contextmanager
def held_fast() -> Iterator[None]:
    """As long as this lasts."""
    real = {name: getattr(os, name) for name in (*_MOVES, *_REMOVALS)}
    hold_fast()
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def hold_fast() -> None:
    """From now on."""
    for name in _MOVES:
        setattr(os, name, _guarded(getattr(os, name), "src_dir_fd", "dst_dir_fd"))
    for name in _REMOVALS:
        setattr(os, name, _guarded(getattr(os, name), "dir_fd"))


def _guarded(real: Callable[..., None], *handles: str) -> Callable[..., None]:
    def checked(*paths: Any, **options: Any) -> None:
        for path, handle in zip(paths, handles, strict=False):
            whole = _whole(os.fspath(path), options.get(handle))
            for opened in _opened():
                if opened == whole or opened.startswith(f"{whole}/"):
                    raise PermissionError(13, f"Permission denied ({opened} is open)", path)
        real(*paths, **options)

    return checked


def _whole(path: str | bytes, handle: int | None) -> str:
    text = os.fsdecode(path)
    start = os.getcwd() if handle is None else os.readlink(f"{DESCRIPTORS}/{handle}")
    directory, name = os.path.split(os.path.join(start, text))
    return os.path.join(os.path.realpath(directory), name)


def _opened() -> Iterator[str]:
    for number in os.listdir(DESCRIPTORS):
        try:
            path = os.readlink(f"{DESCRIPTORS}/{number}")
            if path.startswith("/") and stat.S_ISREG(os.fstat(int(number)).st_mode):
                yield path
        except OSError:  # the one of the listing itself
            continue
