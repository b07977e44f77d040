"""An archive that is kept, compressed and verified, until somebody makes its files (direct mode).

Rule of this file: nothing of an archive is handed out before its digest was compared. Its metadata is read first,
because it says what is to be rewritten: in a ``.conda`` that is a matter of order, a ``.tar.bz2`` whose list comes
behind its files is read twice. Small archives stay in memory, larger ones in a file that has no name, unless another
process is to read it.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, cast

import msgspec

from engine.errors import ArchiveError, UnsafeArchive
from engine.fetch.archive.extract import INDEX, MAX_INDEX, PATHS, Contents, hashed
from engine.fetch.archive.file_list import MAX_LIST, read_paths
from engine.fetch.archive.members import Budget, Member, read_conda_file, read_package
from engine.fetch.archive.paths import check_softlinks, safe_path
from engine.fetch.archive.verify import Digests, check_listed
from engine.fetch.packages.unpack import UnpackOptions, bunzip_for, extract_options, known_record, worded
from engine.model.records import PathEntry, RepoDataRecord
from engine.model.url import mask_secrets
from engine.system.temporary import temporary_name

IN_MEMORY = 4 << 20
"""Bytes of an archive that are kept in memory; of a larger one, none."""
NAMED = 8 << 10
"""Where others are to read archives, those of so many bytes are files with a name."""
_PIECE = 1 << 18


class Spooled(msgspec.Struct, frozen=True):
    """An archive that another process can read: what `reopened` must know."""

    path: str
    record: RepoDataRecord
    options: UnpackOptions
    size: int
    info: dict[str, bytes]
    """Of its metadata, what its files are compared with."""


def reopened(spooled: Spooled) -> SpooledArchive:
    """The archive that another process has spooled and verified, for its members alone, in a process that does nothing
    else. Raises `OSError`."""
    digests = Digests()
    digests.size = spooled.size
    file = open(spooled.path, "rb")  # noqa: SIM115 - outlives us
    place = os.path.dirname(spooled.path)
    options = msgspec.structs.replace(spooled.options, alone=True)
    archive = SpooledArchive(file, spooled.record, digests, options, place)
    archive.info = spooled.info
    return archive


def spool(
    pieces: Iterable[bytes], record: RepoDataRecord, place: str, options: UnpackOptions, *, named: bool = False
) -> SpooledArchive:
    """Keep the bytes of an archive, below the directory ``place`` if there are many. With ``named``, other processes
    can read all but the small ones.

    Raises `VerificationError` where they are not those of ``record``, `StorageError`, and what ``pieces`` raises.
    """
    digests = Digests(md5=not record.sha256)
    name = f"{record.fn} ({mask_secrets(record.url)})"
    with worded(record, lambda: place):
        path = os.path.join(place, temporary_name()) if named and (record.size or 0) >= NAMED else None
        file = _new_file(path, place)
        try:
            for piece in digests.watch(pieces):
                if record.size is not None and digests.size > record.size:
                    digests.check(record, name)
                file.write(piece)
            digests.check(record, name)
        except BaseException:
            _let_go(file, path)
            raise
    return SpooledArchive(file, record, digests, options, place, path)


def _new_file(path: str | None, place: str) -> IO[bytes]:
    if path is not None:
        return open(path, "x+b")
    import tempfile  # only here: processes that unpack have named files

    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(IN_MEMORY, dir=place))


def _let_go(file: IO[bytes], path: str | None) -> None:
    file.close()
    if path is not None:
        with suppress(FileNotFoundError):
            os.unlink(path)


class SpooledArchive:
    """One archive (a `Payload`). Use it from one thread at a time; `close` it."""

    def __init__(  # noqa: PLR0917 - each of its own type
        self,
        file: IO[bytes],
        record: RepoDataRecord,
        digests: Digests,
        options: UnpackOptions,
        place: str,
        path: str | None = None,
    ) -> None:
        """``path`` is where others can read it; it is removed in the end."""
        self._file, self._place, self._path = file, place, path
        self._let_go = weakref.finalize(self, _let_go, file, path)  # also where a failure elsewhere drops us
        self._record, self._digests, self._options = record, digests, options
        self._how = extract_options(record, options)
        self._contents = Contents()
        self._rest: Iterator[Member] | None = None
        self._next: Member | None = None
        self.info: dict[str, bytes] = {}

    def close(self) -> None:
        """Let go of the bytes."""
        self._rest = self._next = None
        self.info.clear()
        self._let_go()

    def spooled(self) -> Spooled | None:
        """What another process must know to read the members; None if it can't."""
        if self._path is None or PATHS not in self.info:
            return None
        self._file.flush()
        known = {name: self.info[name] for name in (PATHS, INDEX) if name in self.info}
        return Spooled(self._path, self._record, self._options, self._digests.size, known)

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the archive."""
        self._file.seek(0)
        return iter(lambda: self._file.read(_PIECE), b"")

    def known(self) -> RepoDataRecord:
        """The record, with all that is known now. Raises `ArchiveError`."""
        with worded(self._record, lambda: self._place):
            return known_record(self._record, self._digests, self.info.get(INDEX, b"{}"))[0]

    def open(self) -> bool:
        """Read the metadata; false if these are of an old kind, which says too little. Raises `ArchiveError`."""
        with worded(self._record, lambda: self._place):
            self._rest = self._read()
            for member in self._rest:
                if not self._is_info(member):
                    self._next = member
                    if PATHS in self.info:
                        break
                    self._rest = None  # the list comes later: all over again, for the files
                    self._gather()
                    break
            if self._path is not None:
                self._rest = self._next = None  # whoever makes the files begins anew: a decoder takes megabytes
            return PATHS in self.info

    def entries(self) -> list[PathEntry]:
        """What the package lists."""
        with worded(self._record, lambda: self._place):
            return read_paths(self.info[PATHS])

    def lists(self, word: bytes) -> bool:
        """Whether a path with a word in it may be in the list; no if that is sure without understanding it."""
        text = self.info[PATHS]
        return word in text or b"\\u" in text

    def members(self) -> Iterator[Member]:
        """Every file, link and directory that is not below info/, checked; at the end they are compared with the list.

        Raises `ArchiveError`, `UnsafeArchive`, `FilesDiffer`.
        """
        with worded(self._record, lambda: self._place):
            rest, first = self._rest, self._next
            if rest is None:
                rest, first = self._read(), None
            self._rest = self._next = None
            if first is not None:
                yield self._noted(first)
            for member in rest:
                if not self._is_info(member):
                    yield self._noted(member)
            self._check()

    def raw(self, path: str) -> Member:
        """A file again, by reading the archive anew."""
        with worded(self._record, lambda: self._place):
            found: Member | None = None
            for member in self._read():
                if member.kind == "file" and safe_path(member.path, windows=self._how.windows) == path:
                    data = b"".join(member.data)
                    found = msgspec.structs.replace(member, path=path, data=(memoryview(data),))
            if found is None:
                raise ArchiveError(f"{path!r} is gone from it")
            return found

    def _gather(self) -> None:
        """Read on for metadata, and pass over the files."""
        for member in self._read():
            self._is_info(member)

    def _read(self) -> Iterator[Member]:
        self._file.seek(0)
        budget = Budget(self._options.limits, self._digests.size)
        if self._record.fn.endswith(".conda"):
            return read_conda_file(self._file, budget, info_first=True)  # type: ignore[arg-type]
        return read_package(self.pieces(), self._record.fn, budget, bunzip_for(self._options, self._digests.size))

    def _is_info(self, member: Member) -> bool:
        """Keep a file below info/; false for everything else."""
        member.path = safe_path(member.path, windows=self._how.windows)
        if not member.path.startswith("info/"):
            return member.path == "info"
        if member.kind == "file" and member.path.count("/") == 1 and member.path not in self.info:
            if member.size > (MAX_INDEX if member.path != PATHS else MAX_LIST):
                raise ArchiveError(f"its {member.path} has {member.size} bytes")
            self.info[member.path] = b"".join(member.data)
        return True

    def _noted(self, member: Member) -> Member:
        """Remember a member, and refuse it where it is at odds with an earlier one."""
        path, contents = member.path, self._contents
        parent = path.rpartition("/")[0]
        if parent and parent not in contents.directories:
            self._note_directory(parent)
        if member.kind == "directory":
            self._note_directory(path)
            return member
        if not path:
            raise UnsafeArchive("the package itself is no directory in it")
        if path in contents.directories or path in (
            contents.files if member.kind == "softlink" else contents.softlinks
        ):
            raise ArchiveError(f"{path!r} appears twice, as different things")
        if member.kind == "softlink":
            self._note_softlink(member)
        elif member.kind == "hardlink":
            self._note_hardlink(member)
        else:
            contents.files[path] = member.size
            if not isinstance(member.data, tuple):  # it is read later, by who makes the file
                member.data = self._passing(member.data)
            if self._options.digests:
                member.data = hashed(path, member.data, self._contents.digests)
        return member

    def _note_directory(self, path: str) -> None:
        contents = self._contents
        while path and path not in contents.directories:
            if path in contents.softlinks:
                raise UnsafeArchive(f"{path!r} is a soft link, and another member wants to write through it")
            if path in contents.files:
                raise ArchiveError(f"{path!r} appears both as a file and as a directory")
            contents.directories.add(path)
            path = path.rpartition("/")[0]

    def _note_softlink(self, member: Member) -> None:
        if not member.target or "\0" in member.target:
            raise UnsafeArchive(f"{member.path!r} is a soft link with a NUL in its target, or without one")
        self._contents.softlinks[member.path] = member.target

    def _note_hardlink(self, member: Member) -> None:
        contents = self._contents
        member.target = safe_path(member.target, windows=self._how.windows)
        if member.target not in contents.files or member.target == member.path:
            raise UnsafeArchive(f"{member.path!r} is a hard link to {member.target!r}, which is no earlier file of it")
        contents.files[member.path] = contents.files[member.target]
        if member.target in contents.digests:
            contents.digests[member.path] = contents.digests[member.target]

    def _passing(self, pieces: Iterable[memoryview]) -> Iterator[memoryview]:
        with worded(self._record, lambda: self._place):
            yield from pieces

    def _check(self) -> None:
        if INDEX not in self.info:
            raise ArchiveError("it has no info/index.json: this is no conda package")
        if not self._how.external_links:
            check_softlinks(self._contents.softlinks, windows=self._how.windows)
        if self._options.check_files:
            listed = read_paths(self.info[PATHS])
            check_listed([entry for entry in listed if not entry.path.startswith("info/")], self._contents)
