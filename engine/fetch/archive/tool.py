"""Package archives outside of any cache: to take one apart, to make one, to turn one format into the other.

Rule of this file: what is made appears whole or not at all, and errors name both places.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from engine.errors import ArchiveError, StorageError, UsageError
from engine.fetch.archive import handles
from engine.fetch.archive.bzip2 import bunzip
from engine.fetch.archive.extract import Contents, ExtractOptions, extract
from engine.fetch.archive.members import Budget, Limits, NotStreamable, read_conda_file, read_package
from engine.fetch.archive.pack import pack
from engine.fetch.archive.tar import Member, read_tar
from engine.model.records import ARCHIVE_EXTENSIONS
from engine.system.temporary import remove_tree, temporary_name

_PIECE = 1 << 20


def ending_of(path: str) -> str:
    """``.conda`` or ``.tar.bz2``; `UsageError` for anything else."""
    for ending in ARCHIVE_EXTENSIONS:
        if path.lower().endswith(ending):
            return ending
    raise UsageError(f"{path} is no package: expected a name that ends in {' or '.join(ARCHIVE_EXTENSIONS)}.")


def extract_archive(path: str, destination: str) -> Contents:
    """Unpack a package into a directory, among what is there already. Raises `ArchiveError` and `StorageError`."""
    ending = ending_of(path)

    def members(budget: Budget) -> Iterable[Member]:
        return read_package(_pieces(file), f"x{ending}", budget)

    with _words(f"unpack {path} into {destination}"), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            return _extract_aside(members, destination, Budget(Limits(), size))
        except NotStreamable:
            file.seek(0)
            return _extract_aside(lambda budget: read_conda_file(file, budget), destination, Budget(Limits(), size))


def extract_tarball(stream: BinaryIO, destination: str) -> Contents:
    """Unpack a ``.tar.bz2`` that comes from a stream. Raises `ArchiveError` and `StorageError`."""

    def members(budget: Budget) -> Iterable[Member]:
        return budget.members(read_tar(budget.plain(bunzip(budget.arriving(_pieces(stream))))))

    with _words(f"unpack the archive into {destination}"):
        return _extract_aside(members, destination, Budget(Limits(), None), package=False)


def create_archive(directory: str, path: str, level: int, threads: int) -> None:
    """Make a package of a directory; a file that is in the way is replaced. Raises `ArchiveError`, `StorageError`."""
    ending = ending_of(path)
    if not os.path.isdir(directory):
        raise UsageError(f"Could not make {path}: there is no directory {directory}.")
    aside = f"{path}{temporary_name()}"
    with _words(f"make {path} of {directory}"):
        try:
            pack(directory, aside, ending=ending, level=level, threads=threads)
            os.replace(aside, path)
        finally:
            remove_tree(aside)


def transmute_archive(path: str, destination: str, level: int, threads: int) -> None:
    """Turn a package of one format into one of the other. Raises `ArchiveError`, `StorageError`."""
    work = os.path.join(os.path.dirname(destination) or ".", temporary_name())
    try:
        extract_archive(path, work)
        create_archive(work, destination, level, threads)
    finally:
        remove_tree(work)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read(_PIECE), b"")


@contextmanager
def _words(doing: str) -> Iterator[None]:
    try:
        yield
    except ArchiveError as error:
        raise type(error)(f"Could not {doing}: {error.message}", hint=error.hint, data=error.data) from error
    except OSError as error:
        raise StorageError.from_os_error(doing, error) from error


def _extract_aside(
    members: Callable[[Budget], Iterable[Member]], destination: str, budget: Budget, *, package: bool = True
) -> Contents:
    """Unpack beside the destination, then move: a broken archive leaves nothing."""
    os.makedirs(destination, exist_ok=True)
    aside = os.path.join(destination, temporary_name())
    os.mkdir(aside)
    try:
        root = handles.open_directory(aside)
        try:
            how = ExtractOptions(package=package, external_links=not package, all_modes=package)
            times: dict[str, int] = {}
            contents = extract(_noting_links(members(budget), times), root, budget, how)
            for path in contents.softlinks.keys() & times.keys():
                handles.set_link_time(root, path, times[path])
        finally:
            handles.close(root)
        _merge(aside, destination)
        return contents
    finally:
        remove_tree(aside)


def _noting_links(members: Iterable[Member], times: dict[str, int]) -> Iterator[Member]:
    """Remember when soft links were made: a cache does without, but a package made of the files shall be the same."""
    for member in members:
        if member.kind == "softlink":
            times[member.path] = member.mtime
        yield member


def _merge(source: str, destination: str) -> None:
    """Move everything in ``source``; files that are in the way are replaced, directories are joined."""
    with os.scandir(source) as entries:
        found = list(entries)
    for entry in found:
        target = os.path.join(destination, entry.name)
        joins = entry.is_dir(follow_symlinks=False) and os.path.isdir(target) and not os.path.islink(target)
        if joins:
            _merge(entry.path, target)
        else:
            os.replace(entry.path, target)
