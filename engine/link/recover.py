"""Heals an environment whose last change was cut short by a crash. Rule: what was not committed has not happened."""

from __future__ import annotations

import os
import re

from engine.errors import LockError
from engine.link.disk import empty, remove_tree, storage
from engine.link.journal import NAME as JOURNAL
from engine.link.journal import Journal, drop_journal, read_journal, undo_change
from engine.link.lock import unheld
from engine.link.meta import META
from engine.link.staging import clean_leftovers

_STAGING = re.compile(r"\.whipsnake-(\d+)-[0-9a-f]+")


def recover(prefix: str) -> str | None:
    """Undo an interrupted change of ``prefix`` and clear its leftovers; returns what was done, for people.

    To be called before an environment is read or changed, with its lock held if it is to be changed. Raises
    `LockError` if a live process is just making the environment.
    """
    journal = read_journal(prefix)
    note = None
    if journal is not None and journal.kind == "create":
        note = _undo_create(prefix, journal)
    elif journal is not None:
        undo_change(prefix, journal)
        drop_journal(prefix)
        note = f"An interrupted change of {prefix} was undone."
    _clear_staging(prefix)
    clean_leftovers(prefix)
    return note


def _undo_create(prefix: str, journal: Journal) -> str:
    """Its link scripts did not all run: nobody knows what it is, so it goes, and what it replaced comes back."""
    with unheld(prefix, 0) as dead:
        if not dead:
            raise LockError(f"Could not use {prefix}: another process is just making it", hint="Wait until it is done.")
        _take_away(prefix, journal)
    if journal.old:
        return f"The environment {prefix} is the old one again: the process that was to replace it was cut short."
    return f"The unfinished environment {prefix} was removed: the process that made it was cut short."


def _take_away(prefix: str, journal: Journal) -> None:
    if os.path.ismount(prefix) or os.path.islink(prefix) or not os.access(os.path.dirname(prefix), os.W_OK | os.X_OK):
        empty(prefix)  # it was made inside of a directory that must stay
        return
    trash = os.path.join(os.path.dirname(prefix), f".{os.path.basename(prefix)}.whipsnake-{os.getpid()}-0")
    with storage(f"put back {prefix}"):
        os.rename(prefix, trash)
        if journal.old and os.path.isdir(journal.old):
            os.rename(journal.old, prefix)
    remove_tree(trash)


def _clear_staging(prefix: str) -> None:
    meta = os.path.join(prefix, META)
    if not os.path.isdir(meta):
        return
    with storage(f"look into {meta}"):
        names = os.listdir(meta)
    for name in names:
        found = _STAGING.fullmatch(name)
        path = os.path.join(meta, name)
        if name.startswith(f"{JOURNAL}.whipsnake-"):  # died while writing it: nothing had been touched
            with storage(f"remove {path}"):
                os.unlink(path)
        elif found and os.path.isdir(path):
            with unheld(path, int(found[1])) as dead:
                if dead:
                    remove_tree(path)
