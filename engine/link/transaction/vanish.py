"""Lets a whole environment disappear. Rule: at once, by one rename out of sight; the deleting comes after that.

Where it can't be renamed (it is a mount point, or the directory above is not ours to write), it is emptied in its
place; a journal says so first, and whoever comes next goes on with it.
"""

from __future__ import annotations

import os

from engine.link.prefix.disk import empty, remove_tree, storage
from engine.link.prefix.lock import hold_directory
from engine.link.prefix.meta import beside, own_name
from engine.link.transaction.journal import Journal, read_journal, write_journal


def vanish(prefix: str) -> None:
    """Remove the environment, and the soft link if ``prefix`` is one."""
    real = os.path.realpath(prefix)
    parent, name = os.path.split(real)
    if os.path.ismount(real) or not os.access(parent, os.W_OK | os.X_OK):
        if read_journal(real) is None:
            write_journal(real, Journal(kind="remove"))
        empty(real)
        return
    trash = os.path.join(parent, beside(name) + own_name())
    with storage(f"remove {prefix}"):
        holds = hold_directory(real)  # the lock moves along: nobody takes the trash for that of a dead process
    try:
        with storage(f"remove {prefix}"):
            os.rename(real, trash)
            if os.path.islink(prefix):
                os.unlink(prefix)
        remove_tree(trash)
    finally:
        for opened in holds:
            os.close(opened)
