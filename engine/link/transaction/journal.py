"""The note that something is being done to an environment, ``conda-meta/.whipsnake-journal.json``.

It is written (and synced) before the first file is touched. As long as it is there the deed has not happened, or has
not ended: `recover` undoes a creation or a change and finishes a removal or a renaming, as often as it takes. Every
step looks at the disk, so it does not matter where the process died, or whether that was in the healing.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

import os
import stat
from contextlib import suppress
from typing import Literal

import msgspec

from engine.errors import LinkError
from engine.link.prefix.disk import leads_inside, storage, sync_dir, write_atomic
from engine.link.prefix.meta import JOURNAL, META
from engine.system.moving import is_immovable, rename

Kind = Literal["create", "change", "remove", "rename", "moved"]


class Journal(msgspec.Struct, frozen=True):
    """What is being done. All paths are relative to the prefix, apart from ``old``, ``source`` and ``target``.

    create: its link scripts have not all run. Undone.
    change: files go and come. Undone.
    remove: it is emptied in its place. Finished.
    rename: it is being built anew at ``target``. Undone, unless the journal there says that it is finished.
    moved: it was built from ``source``, which goes. Finished.
    """

    kind: Kind
    old: str = ""
    """create: where the replaced environment is, if one is replaced."""
    source: str = ""
    """create, moved: the environment that this one is the new place of."""
    target: str = ""
    """rename: where the environment will be."""
    staging: str = ""
    """change: the directory with ``new/`` (files to come, laid out like the prefix) and ``old/`` (files that went)."""
    away: tuple[str, ...] = ()
    """change: paths that go, each to ``old/<its number>``. They all exist when the journal is written."""
    come: tuple[str, ...] = ()
    """change: files that come from ``new/``. create: what is moved up out of a staging directory inside."""
    links: tuple[str, ...] = ()
    """change: soft links that come from ``new/``, after all files: so no file goes through a link that is new."""
    dirs: tuple[str, ...] = ()
    """change: directories that are made, parents first."""
    pid: int = 0
    """Whose it is, for file systems without locks."""


_decode = msgspec.json.Decoder(Journal).decode


def journal_path(prefix: str) -> str:
    """Where the journal of a prefix is."""
    return os.path.join(prefix, META, JOURNAL)


def write_journal(prefix: str, journal: Journal) -> None:
    """Write it, and wait until it is on the disk."""
    mine = msgspec.structs.replace(journal, pid=os.getpid())
    write_atomic(journal_path(prefix), msgspec.json.encode(mine), sync=True)


def read_journal(prefix: str) -> Journal | None:
    """The journal, if something was cut short."""
    return _read(journal_path(prefix))


def _read(path: str) -> Journal | None:
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
    """What it says did not happen, or is done altogether: forget it."""
    with storage(f"finish the change of {prefix}"):
        if os.path.lexists(journal_path(prefix)):
            os.unlink(journal_path(prefix))
            _sync(prefix)


def commit_change(prefix: str, journal: Journal) -> None:
    """A change is done: its journal goes into the staging directory, where it tells what is left to tidy up."""
    with storage(f"finish the change of {prefix}"):
        rename(journal_path(prefix), os.path.join(prefix, journal.staging, JOURNAL))
        _sync(prefix)


def committed_change(staging: str) -> Journal | None:
    """The journal of the change that a staging directory was for, if that change happened."""
    return _read(os.path.join(staging, JOURNAL))


def _sync(prefix: str) -> None:
    """For every process it is decided already; only after a power failure could the journal be there again, and then
    all that it speaks of has the same fate. So a disk that can't sync is not worth an error."""
    with suppress(OSError):
        sync_dir(os.path.join(prefix, META))


def do_change(prefix: str, journal: Journal) -> None:
    """Carry out the renames. On failure the caller undoes."""
    with storage(f"change the environment {prefix}"):
        for number, path in enumerate(journal.away):
            _move(os.path.join(prefix, path), _old(prefix, journal, number))
        for directory in journal.dirs:
            os.mkdir(os.path.join(prefix, directory))
        for path in journal.come:
            rename(_new(prefix, journal, path), os.path.join(prefix, path))
        parents = {os.path.dirname(os.path.join(prefix, path)) for path in journal.links}
        ways = {parent: os.path.realpath(parent) for parent in parents}
        for path in journal.links:
            _check_way(prefix, path, ways)
            rename(_new(prefix, journal, path), os.path.join(prefix, path))


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
    if not os.path.isdir(os.path.join(prefix, journal.staging)):
        return  # it goes after the journal, so this is nothing that we left behind; and there is nothing to undo from
    with storage(f"undo the change of {prefix}"):
        for path in reversed((*journal.come, *journal.links)):
            end = os.path.join(prefix, path)
            if not os.path.lexists(_new(prefix, journal, path)) and os.path.lexists(end):
                rename(end, _new(prefix, journal, path))
        for directory in reversed(journal.dirs):
            _remove_dir(os.path.join(prefix, directory))
        for number in reversed(range(len(journal.away))):
            origin = _old(prefix, journal, number)
            if os.path.lexists(origin):
                _move_back(origin, os.path.join(prefix, journal.away[number]))


def _move(path: str, target: str) -> None:
    """A directory that can't be renamed goes name by name."""
    try:
        rename(path, target)
    except OSError as error:
        if not is_immovable(error):
            raise
        mode = stat.S_IMODE(os.stat(path).st_mode)
        os.mkdir(target)
        for name in os.listdir(path):
            _move(os.path.join(path, name), os.path.join(target, name))
        os.rmdir(path)
        os.chmod(target, mode)


def _move_back(path: str, target: str) -> None:
    """What `_move` has moved so far. Where both are directories, that was cut short."""
    if not all(os.path.isdir(place) and not os.path.islink(place) for place in (path, target)):
        rename(path, target)
        return
    for name in os.listdir(path):
        _move_back(os.path.join(path, name), os.path.join(target, name))
    os.rmdir(path)


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
