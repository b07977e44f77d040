"""Lets a whole environment disappear. Rule: at once, by one rename out of sight; the deleting comes after that.

Where it can't be renamed (it is a mount point, it came with an image, the directory above is not ours to write, or
Windows and a program of it runs), it is emptied in its place; a journal says so first, and whoever comes next goes on
with it.
"""

from __future__ import annotations

import os

from engine.link.prefix.disk import empty, remove_empty, remove_in_use, remove_tree, storage
from engine.link.prefix.lock import hold_directory, let_go, make_held
from engine.link.prefix.meta import beside, own_name
from engine.link.transaction.journal import Journal, read_journal, write_journal
from engine.link.transaction.staging import GONE
from engine.system.moving import is_immovable, is_mount, rename


def vanish(prefix: str) -> None:
    """Remove the environment, and the soft link if ``prefix`` is one."""
    real = os.path.realpath(prefix)
    parent, name = os.path.split(real)
    let_go(prefix)
    if is_mount(real) or not os.access(parent, os.W_OK | os.X_OK):
        _announce(real)
        empty(real)
        return
    trash = os.path.join(parent, beside(name) + own_name())
    with storage(f"remove {prefix}"):
        holds = hold_directory(real)  # the lock moves along: nobody takes the trash for that of a dead process
    try:
        with storage(f"remove {prefix}"):
            gone = _move(real, trash)
            if gone and os.path.islink(prefix):
                os.unlink(prefix)
        if gone:
            remove_tree(trash)
        else:
            _take_down(real, prefix, trash + GONE)
    finally:
        for opened in holds:
            os.close(opened)


def _move(real: str, trash: str) -> bool:
    """False where Windows does not because something in it is in use, or where a directory can't be renamed."""
    try:
        rename(real, trash)
    except OSError as error:
        if is_immovable(error) or (isinstance(error, PermissionError) and os.name == "nt"):
            return False
        raise
    return True


def _take_down(real: str, prefix: str, mark: str) -> None:
    """In its place."""
    if os.name == "nt":
        _announce(real)
        remove_in_use(real)
        return
    with storage(f"remove {prefix}"):
        holds = make_held(mark)
    try:
        _announce(real)
        empty(real)
        with storage(f"remove {prefix}"):
            os.rmdir(real)
            if os.path.islink(prefix):
                os.unlink(prefix)
        remove_empty([mark])
    finally:
        for opened in holds:
            os.close(opened)


def _announce(real: str) -> None:
    """Say that it goes."""
    if read_journal(real) is None:
        write_journal(real, Journal(kind="remove"))
