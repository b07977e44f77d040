"""Files that a running program holds, on Windows: they can't be removed, but moved.

Rule of this file: what can't go now is moved out of the tree under a name that says that it is trash (``clean --trash``
knows it), and goes the next time that something is removed there. So an environment is gone when it is said to be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

_START, _ENDING = ".whipsnake-in-use-", ".trash"


def set_aside(tree: str, beside: str = "") -> int:
    """Remove the files of ``tree`` (a directory or a file), and move those that can't go into the directory ``beside``,
    which is the one above it unless told; returns how many these were.

    Raises `OSError` for what can be neither removed nor moved.
    """
    beside, count = beside or os.path.dirname(os.path.abspath(tree)), 0
    for path in _files(tree):
        try:
            os.unlink(path)
        except PermissionError:
            os.rename(path, os.path.join(beside, f"{_START}{os.urandom(8).hex()}{_ENDING}"))
            count += 1
    return count


def _files(tree: str) -> Iterator[str]:
    if not os.path.isdir(tree) or os.path.islink(tree):
        yield tree
    for directory, _, names in os.walk(tree, topdown=False):
        yield from (os.path.join(directory, name) for name in names)


def sweep(directory: str) -> None:
    """Remove what was set aside in ``directory`` earlier, if nobody uses it any longer."""
    with suppress(OSError):
        for name in os.listdir(directory):
            if name.startswith(_START) and name.endswith(_ENDING):
                with suppress(OSError):
                    os.unlink(os.path.join(directory, name))
