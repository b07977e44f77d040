"""One package, from its bytes to its place in the cache: the whole work of one worker thread.

Rule of this file: bytes are hashed, kept and unpacked in one pass, in a place of their own; only what was verified is
published, by renaming; whatever goes wrong, that place is removed and the cache is as before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import FileIO

import msgspec

from engine.errors import ArchiveError, StorageError, UnsafeArchive
from engine.fetch.archive import bzip2_library, handles
from engine.fetch.archive.bzip2 import bunzip
from engine.fetch.archive.extract import INDEX, MAX_INDEX, Contents, ExtractOptions, extract
from engine.fetch.archive.members import Budget, Limits, NotStreamable, read_conda_file, read_package
from engine.fetch.archive.verify import Digests, FilesDiffer, check_contents
from engine.fetch.cache.marker import completed, marker_text
from engine.fetch.cache.package_cache import PackageCache, Staging
from engine.model.records import CachedPackage, RepoDataRecord
from engine.model.url import mask_secrets
from engine.system.file_io import write_all
from engine.system.temporary import remove_tree

_PIECE = 1 << 20


class UnpackOptions(msgspec.Struct, frozen=True):
    """What to check, and how far a package may go."""

    limits: Limits = Limits()
    digests: bool = False
    """Compare the sha256 of every file with the package's own list."""
    check_files: bool = True
    """Compare kind and size of every file with the package's own list."""
    external_links: bool = False
    alone: bool = False
    """This process does nothing but unpack: what needs the interpreter's lock for long may be used."""


class Unpacked(msgspec.Struct, frozen=True, tag=True):
    """A package that arrived, and what it amounts to."""

    package: CachedPackage
    files: int
    bytes: int


def unpack_stream(
    pieces: Iterable[bytes],
    record: RepoDataRecord,
    cache: PackageCache,
    options: UnpackOptions,
    *,
    kept: str | None = None,
) -> Unpacked:
    """Make a cached package of the bytes of its archive, which are kept beside it.

    ``kept`` is the file, in the same directory, that the pieces are written into while they pass, where the caller
    does that (see `engine.fetch.packages.download`); the finished package takes it along.

    Raises `VerificationError` where they are not those of ``record``, `ArchiveError` where they are no sound package,
    `StorageError`, and whatever ``pieces`` raises.
    """
    if kept is not None:
        with _staged(record, cache) as staging:
            staging.archive = kept
            return _Job(iter(pieces), record, staging, options, kept).run()
    with _staged(record, cache) as staging, open(staging.archive, "xb", buffering=0) as archive:
        return _Job(kept_in(archive, pieces), record, staging, options, staging.archive).run()


def unpack_file(path: str, record: RepoDataRecord, cache: PackageCache, options: UnpackOptions) -> Unpacked:
    """The same from an archive that is already in a cache; it stays where it is. Raises the same errors."""
    with _staged(record, cache) as staging, open(path, "rb", buffering=0) as archive:
        return _Job(iter(lambda: archive.read(_PIECE), b""), record, staging, options, path).run()


@contextmanager
def _staged(record: RepoDataRecord, cache: PackageCache) -> Iterator[Staging]:
    """A place to work in, that is gone afterwards."""
    with worded(record, cache.writable_dir):
        staging = cache.stage(record)
        try:
            yield staging
        finally:
            staging.discard()


@contextmanager
def worded(record: RepoDataRecord, place: Callable[[], str]) -> Iterator[None]:
    """Say of which package an error is, and what follows; ``place`` is where it is unpacked."""
    try:
        with on_disk(record, place):
            yield
    except (ArchiveError, FilesDiffer) as error:
        text = f"Could not unpack {record.fn} ({mask_secrets(record.url)}): {error.message}"
        hint = error.hint or _HINTS[isinstance(error, UnsafeArchive)]
        raise type(error)(text, hint=hint, data={"name": record.fn, **error.data}) from error


@contextmanager
def on_disk(record: RepoDataRecord, place: Callable[[], str]) -> Iterator[None]:
    """The same for errors of the disk alone."""
    try:
        yield
    except OSError as error:
        raise StorageError.from_os_error(f"unpack {record.fn} into {place()}", error) from error


_HINTS = {
    False: "The package itself is broken; choose another build, and tell those who publish it.",
    True: "This is a fault of the package, or an attack: don't install it, and tell those who publish it.",
}


def kept_in(file: FileIO, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Write the pieces to a file while they pass. It is closed behind the last one: Windows moves no open file."""
    for piece in pieces:
        write_all(file.fileno(), piece)
        yield piece
    file.close()


def bunzip_for(options: UnpackOptions, size: int | None) -> Callable[[Iterable[bytes]], Iterator[bytes]]:
    """How bzip2 is decoded of an archive of ``size`` bytes."""
    if options.alone and size is not None and bzip2_library.is_installed():
        return partial(bzip2_library.bunzip, size=size)
    return bunzip


def extract_options(record: RepoDataRecord, options: UnpackOptions) -> ExtractOptions:
    """How the files of a package are to be looked at."""
    return ExtractOptions(
        windows=os.name == "nt" or record.subdir.startswith("win-"),
        digests=options.digests,
        external_links=options.external_links,
    )


def known_record(record: RepoDataRecord, digests: Digests, index_json: bytes) -> tuple[RepoDataRecord, bytes]:
    """All that is known of a package whose archive was read, and the text of its marker."""
    known = msgspec.structs.replace(record, size=digests.size, sha256=digests.sha256, md5=digests.md5 or record.md5)
    text = marker_text(known, index_json)
    return completed(known, text), text


class _Job:
    """The unpacking of one archive. ``archive`` is where it is complete once all of it has passed."""

    def __init__(
        self, pieces: Iterator[bytes], record: RepoDataRecord, staging: Staging, options: UnpackOptions, archive: str
    ) -> None:
        self._record, self._staging, self._options, self._archive = record, staging, options, archive
        self._digests = Digests(md5=not record.sha256)
        self._passing = self._bounded(pieces)
        self._name = f"{record.fn} ({mask_secrets(record.url)})"

    def run(self) -> Unpacked:
        """Unpack, verify, publish."""
        try:
            try:
                contents, index_json = self._unpack(complete=False)
            except NotStreamable:
                self._check_digests()
                remove_tree(self._staging.tree)
                contents, index_json = self._unpack(complete=True)
        except ArchiveError:
            if self._record.sha256 or self._record.md5:
                self._check_digests()  # other bytes than promised explain a broken archive better than any detail
            raise
        record, text = known_record(self._record, self._digests, index_json)
        package = self._staging.publish(record, text)
        return Unpacked(package, len(contents.files) + len(contents.softlinks), sum(contents.files.values()))

    def _bounded(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Hash the pieces while they pass; stop where there are more than the index says."""
        promised = self._record.size
        for piece in pieces:
            self._digests.update(piece)
            if promised is not None and self._digests.size > promised:
                self._digests.check(self._record, self._name)
            yield piece

    def _check_digests(self) -> None:
        """Let the rest pass, to be hashed and kept, then compare. Raises `VerificationError`."""
        for _ in self._passing:
            pass
        self._digests.check(self._record, self._name)

    def _unpack(self, *, complete: bool) -> tuple[Contents, bytes]:
        """Unpack from the passing bytes, or from the completed archive: (what there is, info/index.json)."""
        # Not the size that the index tells, which may be any number: what has arrived counts.
        budget = Budget(self._options.limits, os.stat(self._archive).st_size if complete else None)
        os.mkdir(self._staging.tree)
        root = handles.open_directory(self._staging.tree)
        try:
            if complete:
                with open(self._archive, "rb") as file:
                    contents = extract(read_conda_file(file, budget), root, budget, self._how())
            else:
                members = read_package(
                    self._passing, self._record.fn, budget, bunzip_for(self._options, self._record.size)
                )
                contents = extract(members, root, budget, self._how())
                self._check_digests()
            return contents, self._verified(contents, root)
        finally:
            handles.close(root)

    def _verified(self, contents: Contents, root: int) -> bytes:
        """Check the files against the package's own list; its info/index.json."""
        if contents.files.get(INDEX, MAX_INDEX + 1) > MAX_INDEX:
            raise ArchiveError("it has no info/index.json, or an endless one: this is no conda package")
        if self._options.check_files:
            check_contents(contents, root)
        known = contents.info.get(INDEX)
        if known is not None:
            return known
        with open(handles.open_file(root, INDEX), "rb") as file:  # a hard link to another file of the package
            return file.read()

    def _how(self) -> ExtractOptions:
        return extract_options(self._record, self._options)
