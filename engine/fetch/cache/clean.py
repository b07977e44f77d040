"""What the package cache could do without, how many bytes that is, and its removal (`clean`).

Rule of this file: finding and removing are two steps, so that people are asked in between. An unpacked package is in
use if an environment has it in its conda-meta, or if one of its files has a hard link outside of the package; the
others may go, and so may byte-compiled files that no environment has. What goes is renamed out of sight before it is
taken apart, so that no reader ever sees half of it.

The kinds are those of micromamba's `clean`; unlike there, hard links are counted (environments may be unregistered).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Literal, TypeAlias

import msgspec

from engine.errors import StorageError
from engine.fetch.cache.bytecode import ELSEWHERE, PLACE
from engine.fetch.cache.entry_lock import LOCK_PREFIX, EntryLock, LocksDontWork
from engine.fetch.cache.hard_links import has_links_outside, size_given_back
from engine.fetch.cache.package_cache import MAGIC
from engine.fetch.cache.partial import NOTE_SUFFIX, SUFFIX
from engine.model.records import ARCHIVE_EXTENSIONS
from engine.system.moving import is_immovable
from engine.system.temporary import PREFIX, dead_leftovers, remove_tree, temporary_name

PARTIALS = (SUFFIX, NOTE_SUFFIX)

Kind: TypeAlias = Literal["index", "package", "bytecode", "tarball", "lock", "trash", "leftover", "pkgs_dir"]


class Garbage(msgspec.Struct, frozen=True):
    """One thing that may be removed."""

    kind: Kind
    path: str
    bytes: int
    """What the disk gets back: files with other hard links don't count."""


class CleanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for. ``everything`` is `clean --all`: all kinds but ``force_pkgs_dirs``."""

    pkgs_dirs: tuple[str, ...]
    root_prefix: str = ""
    prefixes: tuple[str, ...] = ()
    """All environments known: their packages stay."""
    places: tuple[str, ...] = ()
    """Directories where what ran without a cache and was killed left something."""
    user_cache: str = ""
    """Where conda and mamba keep what belongs to no package directory (``~/.cache/conda``); part of ``everything``."""
    owned_files: Callable[[str], Collection[str]] = lambda prefix: ()
    """The files of an environment that belong to packages, whatever they are called: they are no trash."""
    everything: bool = False
    index: bool = False
    packages: bool = False
    tarballs: bool = False
    locks: bool = False
    trash: bool = False
    force_pkgs_dirs: bool = False


def find_garbage(request: CleanRequest) -> list[Garbage]:
    """What the request may remove, sorted by kind and path. Directories that we may not write are passed over."""
    found: list[Garbage] = []
    wanted = request.everything
    installed = _installed(request.prefixes) if wanted or request.packages else frozenset()
    user_pkgs = os.path.join(request.user_cache, "pkgs") if wanted and request.user_cache else ""
    if user_pkgs and os.path.isdir(request.user_cache):
        found += _user_cache(request.user_cache, user_pkgs, installed)
    for pkgs_dir in dict.fromkeys(request.pkgs_dirs):
        if pkgs_dir == user_pkgs:
            continue
        if not os.path.isdir(pkgs_dir) or not os.access(pkgs_dir, os.W_OK | os.X_OK):
            continue
        if request.force_pkgs_dirs:
            found += _whole(pkgs_dir)
            continue
        if wanted or request.index:
            found += _existing("index", os.path.join(pkgs_dir, "cache"))
        if wanted or request.packages:
            unused = list(_unused(pkgs_dir, installed))
            found += [*unused, *_bytecode(pkgs_dir, {item.path for item in unused})]
        if wanted or request.tarballs:
            found += _tarballs(pkgs_dir)
        if wanted or request.locks:
            found += _locks(pkgs_dir)
        if wanted or request.packages or request.tarballs:
            found += [Garbage("leftover", path, size_given_back(path)) for path in dead_leftovers(pkgs_dir)]
    if wanted or request.trash:
        found += _beside(request.places)
    if (wanted or request.trash) and request.root_prefix:
        found += _trash(dict.fromkeys([request.root_prefix, *request.prefixes]), request)
    return sorted(found, key=lambda item: (item.kind, item.path))


def remove_garbage(items: Iterable[Garbage]) -> tuple[int, list[StorageError]]:
    """Remove what was found: (bytes given back, what could not be removed). Goes on after a failure.

    A package that was put to use since it was found stays.
    """
    freed = 0
    problems: list[StorageError] = []
    for item in items:
        try:
            freed += _remove(item)
        except OSError as error:
            problems.append(StorageError.from_os_error(f"remove {item.path}", error))
    return freed, problems


def _remove(item: Garbage) -> int:
    if item.kind in ("package", "bytecode"):
        aside = os.path.join(_cache_of(item.path), temporary_name())
        try:
            os.rename(item.path, aside)
        except FileNotFoundError:
            return 0
        except OSError as error:
            if not is_immovable(error):
                raise
            aside = item.path
        if has_links_outside(aside):  # an environment was made of it in between
            if aside != item.path:
                os.rename(aside, item.path)
            return 0
        remove_tree(aside)
    elif (package := _guarded_by(item)) is not None:
        lock = EntryLock(os.path.dirname(item.path), package)
        try:
            if not lock.try_acquire():
                return 0  # somebody is at work
        except LocksDontWork:
            pass
        try:
            if item.kind != "lock" or not lock.is_held:
                remove_tree(item.path)
        finally:
            lock.release()
    else:
        remove_tree(item.path)
    return item.bytes


def _guarded_by(item: Garbage) -> str | None:
    """The archive whose lock must be ours before the thing goes: of lock files, and of archives that still arrive."""
    name = os.path.basename(item.path)
    if item.kind == "lock" and name.startswith(LOCK_PREFIX):
        return name.removeprefix(LOCK_PREFIX)
    end = next((end for end in PARTIALS if name.endswith(end)), None)
    return name.removesuffix(end) if end else None


def _cache_of(path: str) -> str:
    """The package directory that holds ``path``: the nearest one above it with urls.txt, else the one it is in."""
    above = os.path.dirname(path)
    nearest = above
    while above != os.path.dirname(above):
        if os.path.exists(os.path.join(above, MAGIC)):
            return above
        above = os.path.dirname(above)
    return nearest


# -- what there is


def _installed(prefixes: Sequence[str]) -> frozenset[str]:
    """The distributions (``name-version-build``) that environments have in their conda-meta."""
    found: set[str] = set()
    for prefix in prefixes:
        try:
            names = os.listdir(os.path.join(prefix, "conda-meta"))
        except OSError:
            continue  # no longer an environment
        found.update(name.removesuffix(".json") for name in names if name.endswith(".json"))
    return frozenset(found)


def _whole(pkgs_dir: str) -> list[Garbage]:
    """The directory itself, if it says that it is a package cache: a wrong setting must not cost a home directory."""
    return _existing("pkgs_dir", pkgs_dir) if os.path.isfile(os.path.join(pkgs_dir, MAGIC)) else []


def _existing(kind: Kind, path: str) -> list[Garbage]:
    return [Garbage(kind, path, size_given_back(path))] if os.path.lexists(path) else []


def _entries(pkgs_dir: str) -> Iterator[os.DirEntry[str]]:
    """All that stands in a package directory and in its directories for single channels, index and work apart."""
    stack = [pkgs_dir]
    while stack:
        directory = stack.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.startswith(PREFIX) or (directory == pkgs_dir and entry.name in ("cache", ELSEWHERE)):
                    continue
                yield entry
                if entry.is_dir(follow_symlinks=False) and not _is_package(entry.path):
                    stack.append(entry.path)


def _is_package(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, "info", "index.json"))


def _unused(pkgs_dir: str, installed: Collection[str]) -> Iterator[Garbage]:
    for entry in _entries(pkgs_dir):
        if (
            entry.is_dir(follow_symlinks=False)
            and _is_package(entry.path)
            and entry.name not in installed
            and not has_links_outside(entry.path)
        ):
            yield Garbage("package", entry.path, size_given_back(entry.path))


def _bytecode(pkgs_dir: str, unused: Collection[str]) -> Iterator[Garbage]:
    """Byte-compiled files of packages that stay, and of those in other directories, if no environment has them."""
    packages = (entry.path for entry in _entries(pkgs_dir) if entry.is_dir(follow_symlinks=False))
    places = [os.path.join(path, PLACE) for path in packages if path not in unused and _is_package(path)]
    for place in [*places, *_directories(os.path.join(pkgs_dir, ELSEWHERE))]:
        for path in _directories(place):
            if not has_links_outside(path):
                yield Garbage("bytecode", path, size_given_back(path))


def _directories(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _tarballs(pkgs_dir: str) -> Iterator[Garbage]:
    for entry in _entries(pkgs_dir):
        if entry.name.endswith((*ARCHIVE_EXTENSIONS, *PARTIALS)) and entry.is_file(follow_symlinks=False):
            yield Garbage("tarball", entry.path, size_given_back(entry.path))


def _locks(pkgs_dir: str) -> Iterator[Garbage]:
    """Our lock files, and those that conda and mamba leave behind."""
    for directory in (pkgs_dir, os.path.join(pkgs_dir, "cache")):
        try:
            names = sorted(os.listdir(directory))
        except FileNotFoundError:
            continue
        for name in names:
            path = os.path.join(directory, name)
            if name.startswith(LOCK_PREFIX) or (name.endswith(".lock") and os.path.isfile(path)):
                yield Garbage("lock", path, size_given_back(path))


def _user_cache(directory: str, pkgs_dir: str, installed: Collection[str]) -> Iterator[Garbage]:
    """The user's cache: all of it, unless a package in it is in use (by soft links, say); then what may go."""
    packages = list(_unused(pkgs_dir, installed)) if os.path.isdir(pkgs_dir) else []
    there = [entry for entry in _entries(pkgs_dir) if _is_package(entry.path)] if os.path.isdir(pkgs_dir) else []
    if len(packages) == len(there):
        yield from _existing("index", directory)
        return
    yield from packages
    yield from _tarballs(pkgs_dir)
    for name in sorted(os.listdir(directory)):
        if name != "pkgs":
            yield from _existing("index", os.path.join(directory, name))
    yield from _existing("index", os.path.join(pkgs_dir, "cache"))


def _beside(places: Iterable[str]) -> Iterator[Garbage]:
    for place in places:
        with suppress(OSError):  # not there, or not ours to read
            for path in dead_leftovers(place):
                yield Garbage("leftover", path, size_given_back(path))


_TRASH_RE = re.compile(r".*(?:\.mamba_trash\d*|\.conda_trash(?:_\d+)?|\.c~|\.trash)")
"""Files that could not be removed while they were in use, as conda and mamba rename them."""
_TRASH_LIST = "mamba_trash.txt"


def _trash(prefixes: Iterable[str], request: CleanRequest) -> Iterator[Garbage]:
    """What conda and mamba left behind in environments, and their list of it; downloads that were never finished."""
    others = {*request.prefixes, *request.pkgs_dirs}
    for prefix in prefixes:
        found = [path for path in _walk(prefix, others - {prefix}) if _TRASH_RE.fullmatch(os.path.basename(path))]
        owned = set(request.owned_files(prefix)) if found else ()
        for path in found:
            if os.path.relpath(path, prefix).replace(os.sep, "/") not in owned:
                yield Garbage("trash", path, size_given_back(path))
        yield from _existing("trash", os.path.join(prefix, "conda-meta", _TRASH_LIST))
    for pkgs_dir in request.pkgs_dirs:
        if os.access(pkgs_dir, os.W_OK | os.X_OK):
            for entry in _entries(pkgs_dir):
                if entry.name.endswith(".partial") and time.time() - entry.stat(follow_symlinks=False).st_mtime > _DAY:
                    yield Garbage("trash", entry.path, size_given_back(entry.path))


_DAY = 24 * 3600.0
"""Seconds without a change after which nobody goes on with a download."""


def _walk(prefix: str, others: Collection[str]) -> Iterator[str]:
    """The files of an environment, without those of others that lie in it."""
    for base, directories, names in os.walk(prefix):
        directories[:] = [name for name in directories if os.path.join(base, name) not in others]
        yield from (os.path.join(base, name) for name in names)
