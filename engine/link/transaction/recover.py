"""Heals an environment at which something was cut short by a crash. Rule: what was not committed has not happened.

A creation or a change is undone, a removal or a renaming is finished; leftovers of dead processes go. The journal
says which (see `engine.link.transaction.journal`), and the text that is returned says what was done.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

from engine.errors import LockError
from engine.link.prefix.disk import empty, remove_empty, remove_tree, storage
from engine.link.prefix.lock import LOCK_NAME, let_go, lock_nowait, unheld
from engine.link.prefix.meta import JOURNAL, META, OURS, beside, is_in_work
from engine.link.transaction.exchange import exchange
from engine.link.transaction.journal import Journal, committed_change, drop_journal, read_journal, undo_change
from engine.link.transaction.staging import OLD, clean_leftovers, is_hollow
from engine.link.transaction.vanish import vanish
from engine.system.moving import is_mount, rename

_STAGING = re.compile(rf"\{OURS}-(\d+)-[0-9a-f]+")


def recover(prefix: str) -> str | None:
    """Heal ``prefix`` and clear its leftovers; returns what was done, for people.

    To be called with its lock held. Raises `LockError` if a live process is just making the environment.
    """
    notes = [] if os.path.lexists(prefix) else _close_gap(prefix)
    journal = read_journal(prefix)
    if journal is not None:
        notes.append(_heal(prefix, journal))
    _clear_staging(prefix)
    notes[:0] = _close_gap(prefix)
    return next(filter(None, notes), None)


def _close_gap(prefix: str) -> list[str | None]:
    """Left-overs go. An environment was moved aside for its successor, which did not come: it comes back."""
    gap = not os.path.isdir(prefix) or is_hollow(prefix)
    left = clean_leftovers(prefix)
    back = gap and os.path.isdir(prefix) and any(path.endswith(OLD) for path in left)
    return [f"The environment {prefix} was put back."] if back else []


def heal(prefix: str) -> str | None:
    """`recover`, for those who only want to look: nothing happens as long as a live process works there.

    Costs two listings of directories where nothing was cut short. Raises what `recover` raises.
    """
    if not is_in_work(prefix):
        return None
    meta = os.path.join(prefix, META)
    if not os.path.isdir(meta):
        return recover(prefix)
    with lock_nowait(os.path.join(meta, LOCK_NAME)) as ours, suppress(LockError):
        return recover(prefix) if ours else None
    return None


def _heal(prefix: str, journal: Journal) -> str | None:
    with unheld(prefix, journal.pid) as dead:
        if not dead and journal.kind in ("create", "moved"):
            raise LockError(f"Could not use {prefix}: another process is just making it", hint="Wait until it is done.")
        if journal.kind == "create":
            return _undo_create(prefix, journal)
    if journal.kind == "remove":
        empty(prefix)
        remove_empty([prefix])
        return f"The removal of {prefix} had been cut short, and was finished."
    if journal.kind == "moved":
        return _finish_move(prefix, journal)
    if journal.kind == "rename":
        return _undo_rename(prefix, journal)
    undo_change(prefix, journal)
    drop_journal(prefix)
    return f"An interrupted change of {prefix} was undone."


def _undo_create(prefix: str, journal: Journal) -> str:
    """Its link scripts did not all run: nobody knows what it is, so it goes, and what it replaced comes back."""
    old = next((path for path in (journal.old + OLD, journal.old) if journal.old and os.path.isdir(path)), None)
    if is_mount(prefix) or os.path.islink(prefix) or not os.access(os.path.dirname(prefix), os.W_OK | os.X_OK):
        empty(prefix)  # it was made inside of a directory that must stay
    else:
        _take_away(prefix, old)
    if old:
        return f"The environment {prefix} is the old one again: the process that was to replace it was cut short."
    return f"The unfinished environment {prefix} was removed: the process that made it was cut short."


def _take_away(prefix: str, old: str | None) -> None:
    parent, name = os.path.split(prefix)
    trash = os.path.join(parent, f"{beside(name)}{OURS}-{os.getpid()}-0")
    let_go(prefix)
    with storage(f"put back {prefix}"):
        if old is not None and exchange(old, prefix):
            trash = old
        else:
            rename(prefix, trash)
            if old is not None:
                rename(old, prefix)
    remove_tree(trash)


def _finish_move(prefix: str, journal: Journal) -> str:
    """It is complete; the place that it came from goes, if that is still what it was."""
    source = journal.source
    found = read_journal(source)
    if found is not None and found.kind == "rename" and found.target == prefix:
        vanish(source)
    clean_leftovers(source)
    drop_journal(prefix)
    return f"The renaming of {source} to {prefix} had been cut short, and was finished."


def _undo_rename(prefix: str, journal: Journal) -> str | None:
    """Unless the new place is complete: then it is the truth."""
    found = read_journal(journal.target)
    if found is not None and found.kind == "moved" and found.source == prefix:
        return _finish_move(journal.target, found)
    if found is not None and found.kind == "create" and found.source == prefix:
        _undo_create(journal.target, found)
    clean_leftovers(journal.target)
    drop_journal(prefix)
    return f"An interrupted renaming of {prefix} was undone."


def _clear_staging(prefix: str) -> None:
    meta = os.path.join(prefix, META)
    if not os.path.isdir(meta):
        return
    with storage(f"look into {meta}"):
        names = os.listdir(meta)
    for name in names:
        found = _STAGING.fullmatch(name)
        path = os.path.join(meta, name)
        if name.startswith(f"{JOURNAL}{OURS}-"):  # died while writing it: nothing had been touched
            with storage(f"remove {path}"):
                os.unlink(path)
        elif found and os.path.isdir(path):
            with unheld(path, int(found[1])) as dead:
                if dead:
                    _finish_change(prefix, committed_change(path))
                    remove_tree(path)
        elif name == LOCK_NAME:  # ours, unless the environment was elsewhere when we took the lock
            with unheld(path, os.getpid()) as dead, storage(f"remove {path}"):
                if dead:
                    os.unlink(path)


def _finish_change(prefix: str, journal: Journal | None) -> None:
    if journal is not None:
        sweep(prefix, journal.away)


def sweep(prefix: str, away: tuple[str, ...]) -> None:
    """Remove the directories of files that went, where they are empty now, deepest first."""
    found: set[str] = set()
    for path in away:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    for directory in sorted(found, key=lambda path: path.count("/"), reverse=True):
        remove_empty([os.path.join(prefix, directory)])
