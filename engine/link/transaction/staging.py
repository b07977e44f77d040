"""Where a new prefix is built before anyone can see it, and how it then appears. Rule: one rename, or nothing.

The place is a sibling of the prefix, ``<parent>/.<name>.whipsnake-<pid>-<random>``, so that the rename stays in one
file system. An environment that is replaced changes places with the new one, and goes when that is surely there.
Where the file system can't do that in one step, it is moved to ``….old`` first; a process that dies between the two
renames leaves a gap that `clean_leftovers` closes. One that came with an image, and so can't be moved at all, is copied
to ``….old`` and then emptied in its place. Where no sibling can be (the prefix is a mount point, or only the
prefix is ours to write), the place is inside the empty prefix, and its parts are moved up one by one, ``conda-meta``
last: that is what makes an environment of a directory. A journal says which, until all are there.

The maker holds a lock on the directory itself as long as it lives; what nobody holds is a leftover.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from engine.errors import PrefixError
from engine.link.prefix.disk import copy_tree, empty, make_parents, remove_empty, remove_tree, storage, sync_dir
from engine.link.prefix.lock import LOCK_NAME, hold_directory, let_go, make_held, unheld
from engine.link.prefix.meta import META, beside, own_name
from engine.link.prefix.present import check_new_prefix
from engine.link.transaction.exchange import exchange
from engine.link.transaction.journal import Journal, drop_journal, read_journal, write_journal
from engine.system.moving import is_immovable, is_mount, rename

OLD = ".old"
GONE = ".gone"
"""The name of an empty directory beside an environment that is being removed in its place ends so: of that one the last
thing to go is a directory, in which no journal can be any more."""
_MARK = "whipsnake-"


class Staging(msgspec.Struct):
    """A prefix in the making."""

    prefix: str
    path: str
    old: str
    """Where the replaced environment is while the new one appears."""
    inside: bool
    """Whether ``path`` is in the prefix itself."""
    replaces: bool
    made: list[str]
    """Parent directories that were made for it."""
    holds: list[int]
    """Open directories with our locks."""


def open_staging(prefix: str, *, replace: bool) -> Staging:
    """Make the place. Raises `PrefixError` if there is something at ``prefix`` that must stay."""
    found = check_new_prefix(prefix, replace=replace)
    made = make_parents(prefix)
    parent, name = os.path.split(prefix)
    token = own_name()
    sibling = os.path.join(parent, beside(name) + token)
    fixed = is_mount(prefix) or os.path.islink(prefix) or not os.access(parent, os.W_OK | os.X_OK)
    if fixed and found == "environment":
        raise PrefixError(
            f"Could not replace the environment {prefix}: the directory itself can't be moved away (it is a mount "
            "point or a soft link, or the one above is not yours to write)",
            hint="Empty it first with `whipsnake env remove`, or change what is in it with `whipsnake install`.",
        )
    inside = fixed and found == "empty"
    path = os.path.join(prefix, token) if inside else sibling
    with storage(f"make the environment {prefix}"):
        try:
            holds = make_held(path)
            os.mkdir(os.path.join(path, META))
        except OSError:
            remove_empty([*made, path])
            raise
    return Staging(prefix, path, sibling + OLD, inside, found == "environment", made, holds)


def publish(staging: Staging) -> None:
    """Let the prefix appear. On failure everything is as before, and the staged files are still staged."""
    with storage(f"move the new environment to {staging.prefix}"):
        if staging.inside or staging.replaces:
            staging.holds += hold_directory(staging.prefix)
        if staging.inside:
            _move_up(staging)
        elif staging.replaces:
            _replace(staging)
        else:
            _appear(staging)


def _appear(staging: Staging) -> None:
    try:
        rename(staging.path, staging.prefix)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise _appeared(staging.prefix) from error
        raise


def _replace(staging: Staging) -> None:
    let_go(staging.prefix)
    try:
        _change_places(staging)
    except OSError as error:
        if not is_immovable(error):
            raise
        _copy_and_empty(staging)
    with suppress(OSError):  # it is so for every process; only a power failure could still undo it
        sync_dir(os.path.dirname(staging.prefix))  # before the old one is deleted


def _change_places(staging: Staging) -> None:
    if exchange(staging.path, staging.prefix):
        staging.old = staging.path
        return
    rename(staging.prefix, staging.old)
    try:
        _appear(staging)
    except BaseException:
        rename(staging.old, staging.prefix)
        raise


def _copy_and_empty(staging: Staging) -> None:
    """Before the first file goes there is a copy of all, and a journal that lets `recover` end the emptying, upon which
    the copy takes the place."""
    staging.holds += make_held(staging.old)
    try:
        copy_tree(staging.prefix, staging.old)
    except BaseException:
        remove_tree(staging.old)
        raise
    write_journal(staging.prefix, Journal(kind="remove"))
    try:
        empty(staging.prefix)
        _appear(staging)
    except BaseException:
        empty(staging.prefix)
        rename(staging.old, staging.prefix)
        raise


def _appeared(prefix: str) -> PrefixError:
    return PrefixError(
        f"Could not make the environment {prefix}: something else was put there meanwhile",
        hint="Another process may have made the same environment. Look at it, and try again if need be.",
    )


def _move_up(staging: Staging) -> None:
    names = sorted(os.listdir(staging.path), key=lambda name: (name == META, name))
    marked = read_journal(staging.path)
    write_journal(staging.path, msgspec.structs.replace(marked or Journal(kind="create"), come=tuple(names)))
    try:
        for name in names:
            rename(os.path.join(staging.path, name), os.path.join(staging.prefix, name))
    except OSError:
        _move_down(staging.path, staging.prefix, names)
        raise
    with suppress(OSError):  # empty, and of no harm
        os.rmdir(staging.path)
    if marked is None:
        drop_journal(staging.prefix)


def _move_down(staging: str, prefix: str, names: Iterable[str]) -> None:
    """Put back what was moved up, ``conda-meta`` first: the journal is in it."""
    for name in reversed(list(names)):
        if not os.path.lexists(os.path.join(staging, name)) and os.path.lexists(os.path.join(prefix, name)):
            rename(os.path.join(prefix, name), os.path.join(staging, name))


def take_back(staging: Staging) -> None:
    """After `publish`: remove what appeared, and put back what was there before."""
    with storage(f"remove the failed environment {staging.prefix}"):
        if staging.inside:
            empty(staging.prefix)
            return
        if staging.old == staging.path:
            exchange(staging.path, staging.prefix)
        else:
            rename(staging.prefix, staging.path)
            if staging.replaces:
                rename(staging.old, staging.prefix)
    remove_tree(staging.path)


def discard(staging: Staging) -> None:
    """Before `publish`, or after `take_back`: leave nothing."""
    remove_tree(staging.path)
    remove_empty(staging.made)
    close(staging)


def finish(staging: Staging) -> None:
    """After `publish`: the new prefix stays; what it replaced goes."""
    remove_tree(staging.old)
    close(staging)


def close(staging: Staging) -> None:
    """Let go of the locks."""
    while staging.holds:
        os.close(staging.holds.pop())


def clean_leftovers(prefix: str) -> list[str]:
    """Remove what dead processes left beside (or in) ``prefix``; returns the paths.

    An environment that was moved away, and whose successor did not appear, is moved back.
    """
    done: list[str] = []
    parent, name = os.path.split(prefix)
    pattern = re.compile(rf"{re.escape(beside(name))}\.{_MARK}(\d+)-[0-9a-f]+({re.escape(OLD)}|{re.escape(GONE)})?")
    for found, path in _matching(parent, pattern):
        with unheld(path, int(found[1])) as dead:
            if dead:
                if found[2]:  # it was emptied in its place
                    _remove_hollow(prefix)
                _clean(path, back_to=prefix if found[2] == OLD else None)
                done.append(path)
    _clean_lock(os.path.join(parent, beside(name) + LOCK_NAME))
    for found, path in _matching(prefix, re.compile(rf"\.{_MARK}(\d+)-[0-9a-f]+")):
        with unheld(path, int(found[1])) as dead:
            if dead:
                _take_down(path, prefix)
                done.append(path)
    return done


def _take_down(path: str, prefix: str) -> None:
    """A staging directory inside the prefix. What was moved up out of it goes; no ``conda-meta`` says what it is of."""
    journal = None if os.path.lexists(os.path.join(prefix, META)) else read_journal(path)
    if journal is not None:
        with storage(f"empty {prefix}"):
            _move_down(path, prefix, journal.come)
    remove_tree(path)


def interrupted_in(directories: Iterable[str]) -> list[str]:
    """The prefixes in these directories beside which something of ours is.

    Where a name was too long for that (`beside`) the shorter one stands for it: what must go is found by it, what must
    come back is left to the next command that names the prefix.
    """
    pattern = re.compile(
        rf"\.(.+)\.{_MARK}\d+-[0-9a-f]+(?:{re.escape(GONE)})?|\.(.+(?<!~[0-9a-f]{{32}}))\.{_MARK}\d+-[0-9a-f]+{re.escape(OLD)}"
    )
    found = ((parent, found) for parent in directories for found, _ in _matching(parent, pattern))
    return [os.path.join(parent, names[1] or names[2]) for parent, names in found]


def is_hollow(prefix: str) -> bool:
    """Whether there is a directory, and nothing in it but perhaps a ``conda-meta``, empty but for our lock."""
    meta = os.path.join(prefix, META)
    try:
        return set(os.listdir(prefix)) <= {META} and (not os.path.lexists(meta) or set(os.listdir(meta)) <= {LOCK_NAME})
    except OSError:
        return False


def _remove_hollow(prefix: str) -> None:
    if is_hollow(prefix):
        with suppress(OSError):
            os.unlink(os.path.join(prefix, META, LOCK_NAME))
        for path in (os.path.join(prefix, META), prefix):
            with suppress(OSError):
                os.rmdir(path)


def _clean_lock(path: str) -> None:
    with unheld(path, os.getpid()) as dead:
        if dead:
            with storage(f"remove {path}"):
                os.unlink(path)


def _clean(path: str, *, back_to: str | None) -> None:
    if back_to is not None and not os.path.lexists(back_to):
        with storage(f"put back {back_to}"):
            rename(path, back_to)
    else:
        remove_tree(path)


def _matching(directory: str, pattern: re.Pattern[str]) -> list[tuple[re.Match[str], str]]:
    try:
        names = sorted(os.listdir(directory), reverse=True)  # ".old" before the staged one it belongs to
    except OSError:  # not there, or not ours to look into: then there is nothing of ours in it
        return []
    matches = ((pattern.fullmatch(name), name) for name in names)
    return [(found, os.path.join(directory, name)) for found, name in matches if found]
