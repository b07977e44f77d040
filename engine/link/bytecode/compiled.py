"""Byte-compiled files that are in the cache: which of them a package gets, and how they come to where Python looks.

Rule of this file: what is in the cache is believed no more than a package. Its list must be of the very files that are
to be compiled, its results have the names that Python gives them, and their sizes are looked at before they are linked.
"""

from __future__ import annotations

import errno
import os

import msgspec

from engine.link.files.batch import LINK_AT, Done, Files, carry_out, find_damage
from engine.link.files.modes import NO_LINK_ERRORS, Mode, copy_file
from engine.link.linked import Linked
from engine.link.plan.noarch import PythonInfo
from engine.link.plan.package_plan import pyc_source
from engine.model.records import Bytecode, CompiledFiles

_START = len("site-packages")


class Cached(msgspec.Struct):
    """What the cache has of a package, and where it goes in the prefix."""

    bytecode: Bytecode
    files: list[Files]
    paths: list[str]

    @property
    def directories(self) -> list[str]:
        """Where the files go."""
        return [files[1] for files in self.files]


def _belong(files: CompiledFiles) -> bool:
    """Whether each result has the name that Python gives to that of its source."""
    pairs = [(source, pyc) for source, pyc in zip(files.sources, files.pycs, strict=True) if pyc]
    if not pairs:
        return True
    first = pairs[0][1]
    if pyc_source(first) != pairs[0][0] or "/__pycache__/" not in first:
        return all(pyc_source(pyc) == source for source, pyc in pairs)
    ending = ".".join(first.rsplit(".", 2)[1:])  # of all of them, with hardly an exception
    for source, pyc in pairs:
        folder, _, name = source.rpartition("/")
        if pyc != f"{folder}/__pycache__/{name[:-2]}{ending}" and pyc_source(pyc) != source:
            return False
    return True


class Placer:
    """Puts byte-compiled files into one prefix."""

    def __init__(self, python: PythonInfo, staging: str) -> None:
        self._site_packages, self._staging = python.site_packages, staging

    def in_package(self, path: str) -> str:
        """A path of the prefix as the package has it."""
        return "site-packages" + path[len(self._site_packages) :]

    def covers(self, found: Bytecode, sources: list[str]) -> bool:
        """Whether all that is wanted (``sources``, in the prefix) is there, and nothing else."""
        start, files = len(self._site_packages), found.files
        if files.sources != ["site-packages" + path[start:] for path in sources]:
            return False
        return _belong(files)

    def cached(self, found: Bytecode, lost: set[str]) -> Cached:
        """Where its files go, apart from those whose source is of another package (``lost``)."""
        placed: list[Files] = []
        paths: list[str] = []
        start, current, files = self._site_packages, "", found.files
        names: list[str] = []
        others: list[str] = []
        sizes: list[int | None] = []
        for number, (source, pyc, size) in enumerate(zip(files.sources, files.pycs, files.sizes, strict=True)):
            if not pyc or (lost and start + source[_START:] in lost):
                continue
            path = start + pyc[_START:]
            folder, _, name = path.rpartition("/")
            if folder != current:
                current, names, others, sizes = folder, [], [], []
                placed.append((found.directory, f"{self._staging}/{folder}", names, others, sizes))
            paths.append(path)
            names.append(str(number))
            others.append(name)
            sizes.append(size)
        return Cached(found, placed, paths)

    def link(self, cached: Cached, linked: Linked, *, check: bool) -> bool:
        """Put them there; false if they are damaged, and none is."""
        if linked.mode is Mode.HARD and LINK_AT:
            problem, done, _ = carry_out((cached.directories, [[(check, cached.files)]], ("", "", [])))
            if problem is not None:
                raise OSError(problem[0], os.strerror(problem[0]), problem[2])
            return take_in(done[0][0], cached, linked)
        if check and any(map(find_damage, cached.files)):
            return False
        for origin, folder, names, new, _ in cached.files:
            os.makedirs(folder, exist_ok=True)
            for name, other in zip(names, new or names, strict=True):
                _put_over(f"{origin}/{name}", f"{folder}/{other}", linked.mode)
        _note(cached, linked)
        return True


def take_in(done: Done, cached: Cached, linked: Linked) -> bool:
    """Note what `engine.link.files.batch` linked; false if the files are damaged, and none is linked."""
    damaged, _, problems = done
    if damaged is not None:
        return False
    for number, source, end in problems:
        if not source or number not in (errno.EEXIST, *NO_LINK_ERRORS):
            raise OSError(number, os.strerror(number), source or end)
        _put_over(source, end, linked.mode)
    _note(cached, linked)
    return True


def _note(cached: Cached, linked: Linked) -> None:
    linked.compiled += cached.paths
    linked.placed = cached.files


def _put_over(origin: str, end: str, mode: Mode) -> None:
    """Put one file somewhere, in place of what is there."""
    try:
        _put(origin, end, mode)
    except FileExistsError:
        os.unlink(end)
        _put(origin, end, mode)


def _put(origin: str, end: str, mode: Mode) -> None:
    if mode is Mode.HARD:
        try:
            os.link(origin, end)
            return
        except OSError as error:
            if error.errno not in NO_LINK_ERRORS:
                raise
    copy_file(origin, end, reflink=mode is Mode.REFLINK)
