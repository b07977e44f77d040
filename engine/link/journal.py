"""The note that a change is under way, ``conda-meta/.whipsnake-journal.json``, and how such a change is undone.

It is written (and synced) before the first file is touched, and its removal is the commit: as long as it is there,
the change has not happened, and `undo_change` brings the old state back, as often as it takes. Every step looks at
the disk, so it does not matter where the process died, or whether that was in the undoing.
"""

from __future__ import annotations

import os
from typing import Literal

import msgspec

from engine.errors import LinkError
from engine.link.disk import leads_inside, storage, sync_dir, write_atomic
from engine.link.meta import META

NAME = ".whipsnake-journal.json"


class Journal(msgspec.Struct, frozen=True):
    """What is being done. All paths are relative to the prefix, apart from ``old``."""

    kind: Literal["create", "change"]
    old: str
    """create: where the replaced environment is, if one is replaced (absolute)."""
    staging: str
    """change: the directory with ``new/`` (files to come, laid out like the prefix) and ``old/`` (files that went)."""
    away: tuple[str, ...] = ()
    """change: paths that go, each to ``old/<its number>``. They all exist when the journal is written."""
    come: tuple[str, ...] = ()
    """change: files that come from ``new/``."""
    links: tuple[str, ...] = ()
    """change: soft links that come from ``new/``, after all files: so no file goes through a link that is new."""
    dirs: tuple[str, ...] = ()
    """change: directories that are made, parents first."""


_decode = msgspec.json.Decoder(Journal).decode


def journal_path(prefix: str) -> str:
    """Where the journal of a prefix is."""
    return os.path.join(prefix, META, NAME)


def write_journal(prefix: str, journal: Journal) -> None:
    """Write it, and wait until it is on the disk."""
    write_atomic(journal_path(prefix), msgspec.json.encode(journal), sync=True)


def read_journal(prefix: str) -> Journal | None:
    """The journal, if a change was cut short."""
    path = journal_path(prefix)
    try:
        with open(path, "rb") as file:
            return _decode(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise LinkError(
            f"Could not read {path}, the journal of an interrupted change: {error}",
            hint="Make the environment anew, or remove the file if you know its state to be sound.",
        ) from error


def drop_journal(prefix: str) -> None:
    """Commit."""
    with storage(f"finish the change of {prefix}"):
        if os.path.lexists(journal_path(prefix)):
            os.unlink(journal_path(prefix))
            sync_dir(os.path.join(prefix, META))


def do_change(prefix: str, journal: Journal) -> None:
    """Carry out the renames. On failure the caller undoes."""
    with storage(f"change the environment {prefix}"):
        for number, path in enumerate(journal.away):
            os.rename(os.path.join(prefix, path), _old(prefix, journal, number))
        for directory in journal.dirs:
            os.mkdir(os.path.join(prefix, directory))
        for path in journal.come:
            os.rename(_new(prefix, journal, path), os.path.join(prefix, path))
        parents = {os.path.dirname(os.path.join(prefix, path)) for path in journal.links}
        ways = {parent: os.path.realpath(parent) for parent in parents}
        for path in journal.links:
            _check_way(prefix, path, ways)
            os.rename(_new(prefix, journal, path), os.path.join(prefix, path))


def _check_way(prefix: str, path: str, ways: dict[str, str]) -> None:
    """A new link may have changed what the path of a later one means (a user's own links lead where they will)."""
    parent = os.path.dirname(os.path.join(prefix, path))
    if os.path.realpath(parent) != ways[parent] and not leads_inside(parent, prefix):
        raise LinkError(
            f"Could not change {prefix}: by a soft link of a new package, {path} would be where no package may write",
            hint="This is a fault of the packages, or an attack: don't install them together.",
        )


def undo_change(prefix: str, journal: Journal) -> None:
    """Bring back the state before `do_change`, wherever that was cut short."""
    with storage(f"undo the change of {prefix}"):
        for path in reversed((*journal.come, *journal.links)):
            end = os.path.join(prefix, path)
            if not os.path.lexists(_new(prefix, journal, path)) and os.path.lexists(end):
                os.rename(end, _new(prefix, journal, path))
        for directory in reversed(journal.dirs):
            _remove_dir(os.path.join(prefix, directory))
        for number in reversed(range(len(journal.away))):
            origin = _old(prefix, journal, number)
            if os.path.lexists(origin):
                os.rename(origin, os.path.join(prefix, journal.away[number]))


def _old(prefix: str, journal: Journal, number: int) -> str:
    return os.path.join(prefix, journal.staging, "old", str(number))


def _new(prefix: str, journal: Journal, path: str) -> str:
    return os.path.join(prefix, journal.staging, "new", path)


def _remove_dir(path: str) -> None:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return  # was not made yet
    except OSError:
        return  # somebody put something there meanwhile; it stays
