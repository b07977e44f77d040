"""Files that a running program holds, on Windows: they can't be removed, but moved.

Rule of this file: what can't go now is moved out of the tree under a name that says that it is trash (``clean --trash``
knows it), and goes the next time that something is removed there. So an environment is gone when it is said to be.
"""

from __future__ import annotations

import os
from contextlib import suppress

_START, _ENDING = ".whipsnake-in-use-", ".trash"


def set_aside(tree: str) -> int:
    """Move what can't be removed out of ``tree``, beside it; returns how many files that were.

    Raises `OSError` for what can be neither removed nor moved.
    """
    beside, count = os.path.dirname(os.path.abspath(tree)), 0
    for directory, _, names in os.walk(tree, topdown=False):
        for name in names:
            path = os.path.join(directory, name)
            try:
                os.unlink(path)
            except PermissionError:
                os.rename(path, os.path.join(beside, f"{_START}{os.urandom(8).hex()}{_ENDING}"))
                count += 1
    return count


def sweep(directory: str) -> None:
    """Remove what was set aside in ``directory`` earlier, if nobody uses it any longer."""
    with suppress(OSError):
        for name in os.listdir(directory):
            if name.startswith(_START) and name.endswith(_ENDING):
                with suppress(OSError):
                    os.unlink(os.path.join(directory, name))
