"""Byte-compiled files of cached packages: made once, hard-linked into every environment with that kind of Python.

    <package>/info/whipsnake/python           of a python package: the kind of Python it is ("cpython-312.cb0d0d0a")
    <package>/info/whipsnake/<kind>/list      what was made of which source; written with the rest, renamed as a whole
    <package>/info/whipsnake/<kind>/<number>  one byte-compiled file

A kind is the implementation with its version (the cache tag, PEP 3147) and the magic number of its byte code: whoever
has the same loads the same files. That the source's path is written in them does no harm, since Python puts it right
when it imports one (``_fix_co_filename``); the source's time and size, which it checks, are kept by hard links.

Rule of this file: it is a cache and no more. What is absent, damaged or of another package's making is as if it were
not there; what can't be written is not kept. It lies in the package, so whoever removes that (conda, mamba, we) removes
it too, and no list of packages mentions it. Only packages in a directory that can't be written have it elsewhere, in
``<first writable pkgs_dir>/.bytecode/<digest>/``.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

import msgspec

from engine.errors import CacheError
from engine.fetch.cache.entry_lock import EntryLock, LocksDontWork
from engine.fetch.cache.package_cache import PackageCache
from engine.model.records import Bytecode, CachedPackage, CompiledFiles, RepoDataRecord
from engine.system.file_io import write_atomic
from engine.system.moving import rename
from engine.system.temporary import put_aside, remove_tree, temporary_name

PLACE = "info/whipsnake"
"""In a package."""
ELSEWHERE = ".bytecode"
"""In a package directory: of packages in directories that can't be written."""
_LIST, _PYTHON = "list", "python"
_KIND = re.compile(r"[a-z][a-z0-9_-]*\.[0-9a-f]+")
_MAX_LIST = 64 << 20

_decode = msgspec.json.Decoder(CompiledFiles).decode


class BytecodeCache:
    """The byte-compiled files beside the packages of a cache."""

    def __init__(self, cache: PackageCache) -> None:
        """``cache`` tells where to write."""
        self._cache = cache

    def kind(self, python: RepoDataRecord) -> str | None:
        """The kind of a Python that is cached and was asked before."""
        package = self._cache.find(python)
        if package is None:
            return None
        for place in self._places(package):
            text = _read(os.path.join(place, _PYTHON), 100).decode("ascii", "replace")
            if _KIND.fullmatch(text):
                return text
        return None

    def remember_kind(self, python: RepoDataRecord, kind: str) -> None:
        """Keep what a Python said of itself."""
        package = self._cache.find(python)
        place = self._writable_place(package) if package and _KIND.fullmatch(kind) else None
        if place is None:
            return
        with suppress(OSError):
            os.makedirs(place, exist_ok=True)
            write_atomic(os.path.join(place, _PYTHON), [kind.encode("ascii")])

    def find(self, package: CachedPackage, kind: str) -> Bytecode | None:
        """What was compiled of a package; the files themselves are not looked at."""
        if not _KIND.fullmatch(kind):
            return None
        for place in self._places(package):
            directory = os.path.join(place, kind)
            data = _read(os.path.join(directory, _LIST), _MAX_LIST)
            if data:
                try:
                    files = _decode(data)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue
                if len(files.sources) == len(files.pycs) == len(files.sizes):
                    return Bytecode(directory, files)
        return None

    def claim(self, package: CachedPackage, kind: str) -> EntryLock | None:
        """The right to compile a package; None while somebody else has it. Where there are no locks all have it: work
        done twice is no harm."""
        try:
            lock = EntryLock(self._cache.writable_dir(), f"{package.record.stem}.{kind}")
            return lock if lock.try_acquire() else None
        except (LocksDontWork, OSError, CacheError):
            return EntryLock("", "")

    def stage(self, package: CachedPackage) -> str | None:
        """A new empty directory to compile into, on the disk of the place where it will be; None if there is none."""
        place = self._writable_place(package)
        if place is None:
            return None
        try:
            staged = os.path.join(self._base(package, place), temporary_name())
            os.mkdir(staged)
        except (OSError, CacheError):
            return None
        return staged

    def publish(self, package: CachedPackage, kind: str, staged: str, files: CompiledFiles) -> Bytecode:
        """Rename a staged directory into place. Where that fails, or another process was faster, it stays staged, and
        the caller discards it after use."""
        place = self._writable_place(package)
        made = Bytecode(staged, files)
        if place is None or not _KIND.fullmatch(kind):
            return made
        target = os.path.join(place, kind)
        try:
            with open(os.path.join(staged, _LIST), "xb") as file:
                file.write(msgspec.json.encode(files))
            os.makedirs(place, exist_ok=True)
            if os.path.lexists(target) and self.find(package, kind) is None:
                self._remove(target)
            rename(staged, target)
        except OSError:
            return made
        return Bytecode(target, files)

    def discard(self, staged: str) -> None:
        """Remove a staged directory that was not published."""
        remove_tree(staged)

    def drop(self, bytecode: Bytecode) -> None:
        """Remove what turned out to be damaged."""
        try:
            self._remove(bytecode.directory)
        except OSError:
            return  # not ours to write: it will be found damaged again

    def _remove(self, directory: str) -> None:
        """Out of sight first, so that nobody meets half of it."""
        aside = os.path.join(os.path.dirname(directory), temporary_name())
        put_aside(directory, aside)
        remove_tree(aside)

    def _base(self, package: CachedPackage, place: str) -> str:
        """The package directory on whose disk ``place`` is; there, left-overs of the dead are found."""
        own = os.path.join(package.directory, "")
        above = (one for one in self._cache.pkgs_dirs if own.startswith(os.path.join(one, "")))
        return next(above, self._cache.writable_dir()) if place.startswith(own) else self._cache.writable_dir()

    def _places(self, package: CachedPackage) -> list[str]:
        found = [os.path.join(package.directory, PLACE)]
        digest = package.record.sha256 or package.record.md5
        if digest and re.fullmatch("[0-9a-f]+", digest):
            found += [os.path.join(pkgs_dir, ELSEWHERE, digest) for pkgs_dir in self._cache.pkgs_dirs]
        return found

    def _writable_place(self, package: CachedPackage) -> str | None:
        beside, *_ = places = self._places(package)
        if os.access(os.path.join(package.directory, "info"), os.W_OK | os.X_OK):
            return beside
        try:
            start = os.path.join(self._cache.writable_dir(), ELSEWHERE)
        except CacheError:
            return None
        return next((place for place in places[1:] if place.startswith(start)), None)


def _read(path: str, limit: int) -> bytes:
    """A small file; nothing if it isn't there, is no file, or is too long."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return b""
    with open(file, "rb") as opened:
        try:
            data = opened.read(limit + 1)
        except OSError:
            return b""
    return data if len(data) <= limit else b""
