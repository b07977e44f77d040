"""The package cache on disk, as conda and mamba lay it out, so that all of them share it.

    <pkgs_dir>/urls.txt                                 says that this is a package cache; one address per line
    <pkgs_dir>/<name>-<version>-<build>.conda           an archive
    <pkgs_dir>/<name>-<version>-<build>.conda.partial   as far as it came when the line broke (`.partial`)
    <pkgs_dir>/<name>-<version>-<build>/                the same, unpacked
    <pkgs_dir>/<…>/info/repodata_record.json            written last: this package is complete, and which one it is
    <pkgs_dir>/https/<host>/<channel>/<subdir>/<…>      where another package of that name was first (mamba ≥ 2.6)
    <pkgs_dir>/.whipsnake-<machine>-<process>-<random>/ work in progress, renamed into place when it is verified

Rule of this file: what is found is believed by its marker, what is made appears by one rename. Readers take no lock.
Two processes that make the same package both succeed: the later rename finds the place taken and drops its own.
Nothing is synced to the disk by force: after a power cut a hit that lacks files is noticed by their sizes and healed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from engine.errors import ArchiveError, CacheError, VerificationError
from engine.fetch.archive.verify import check_unpacked
from engine.fetch.cache.entry_lock import EntryLock, remove_dead_locks
from engine.fetch.cache.marker import MARKER, completed, is_same, marked_record, read_marker
from engine.model.records import CachedPackage, RepoDataRecord
from engine.model.url import strip_secrets
from engine.system.file_io import make_file
from engine.system.moving import rename, replace
from engine.system.temporary import dead_leftovers, put_aside, remove_tree, temporary_name

MAGIC = "urls.txt"
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM}
_ATTEMPTS = 8


class PackageCache:
    """All package directories of a configuration: each is read, the first writable one is written."""

    def __init__(self, pkgs_dirs: Sequence[str]) -> None:
        self.pkgs_dirs = tuple(pkgs_dirs)
        self._writable: str | None = None

    def __repr__(self) -> str:
        return f"<PackageCache {list(self.pkgs_dirs)}>"

    # -- reading

    def find(self, record: RepoDataRecord) -> CachedPackage | None:
        """The package if it is there, complete and the right one. Only its marker is read."""
        for base in self._bases(record):
            directory = os.path.join(base, record.stem)
            found = read_marker(directory)
            if found is not None and is_same(record, found[0]):
                try:
                    known = completed(record, found[1])
                except ArchiveError:
                    continue  # a marker without sense: as if there were none
                return CachedPackage(known, directory, os.path.join(base, record.fn))
        return None

    def find_sound(self, record: RepoDataRecord, *, digests: bool = False) -> CachedPackage | None:
        """As `find`, but every file is looked at too (kind and size; sha256 if asked for)."""
        package = self.find(record)
        return package if package is not None and self.is_sound(package, digests=digests) else None

    def is_sound(self, package: CachedPackage, *, digests: bool = False) -> bool:
        """Whether every file of a package that was found is as it should be. If not, the caller fetches it again, and
        `Staging.publish` puts it in this one's place."""
        try:
            check_unpacked(package.directory, digests=digests)
        except (ArchiveError, VerificationError, OSError):
            return False
        return True

    def find_archive(self, record: RepoDataRecord) -> str | None:
        """An archive that may be the package's, by name and size: whoever unpacks it must check its digest."""
        if not (record.sha256 or record.md5):
            return None
        for base in self._bases(record):
            path = os.path.join(base, record.fn)
            try:
                size = os.stat(path).st_size
            except OSError:
                continue
            if record.size in (None, size):
                return path
        return None

    def find_dist(self, dist: str) -> list[RepoDataRecord]:
        """The unpacked packages of a name, version and build, whatever channel they are from."""
        if os.sep in dist:
            return []
        markers = (read_marker(os.path.join(pkgs_dir, dist)) for pkgs_dir in self.pkgs_dirs)
        records = (marked_record(marker[1]) for marker in markers if marker is not None)
        return [record for record in records if record is not None]

    def _bases(self, record: RepoDataRecord) -> Iterator[str]:
        nested = nested_directory(record.url)
        for pkgs_dir in self.pkgs_dirs:
            yield pkgs_dir
            if nested:
                yield os.path.join(pkgs_dir, nested)

    # -- writing

    def writable_dir(self) -> str:
        """The first directory that can be written, made if need be. Raises `CacheError` if there is none.

        Read-only directories are left untouched, even their times.
        """
        if self._writable is None:
            reasons = []
            for pkgs_dir in self.pkgs_dirs:
                try:
                    _open_for_writing(pkgs_dir)
                except OSError as error:
                    reasons.append(f"    {pkgs_dir}: {os.strerror(error.errno or 0)}")
                    continue
                self._writable = pkgs_dir
                return pkgs_dir
            raise CacheError(
                "No package cache can be written:\n" + "\n".join(reasons or ["    none is configured"]),
                hint="Set `pkgs_dirs` (or CONDA_PKGS_DIRS) to a directory that you may write.",
            )
        return self._writable

    def sweep(self) -> None:
        """Remove what dead processes left unfinished in the writable directory, their locks, and old parts."""
        from engine.fetch.cache.partial import remove_old_partials

        for path in dead_leftovers(self.writable_dir()):
            remove_tree(path)
        remove_old_partials(self.writable_dir())
        remove_dead_locks(self.writable_dir())

    def lock(self, record: RepoDataRecord) -> EntryLock:
        """The lock of a package in the writable directory, not yet taken."""
        return EntryLock(self.writable_dir(), record.fn)

    def stage(self, record: RepoDataRecord) -> Staging:
        """A place to make a package in. Raises `OSError`."""
        return Staging(self.writable_dir(), record)

    def discard_archive(self, path: str) -> None:
        """Remove an archive that turned out to be a wrong one, if it is in the directory that we may write."""
        if os.path.join(os.path.dirname(path), "").startswith(os.path.join(self.writable_dir(), "")):
            remove_tree(path)


class Staging:
    """A package in the making: a directory of its own beside its destination, unseen by readers."""

    def __init__(self, pkgs_dir: str, record: RepoDataRecord) -> None:
        self._pkgs_dir, self._record = pkgs_dir, record
        self.directory = os.path.join(pkgs_dir, temporary_name())
        self.archive = os.path.join(self.directory, record.fn + ".partial")
        self.tree = os.path.join(self.directory, "package")
        os.mkdir(self.directory)

    def discard(self) -> None:
        """Remove everything that was not published; as a rule, that is nothing."""
        try:
            os.rmdir(self.directory)
        except OSError:
            remove_tree(self.directory)

    def publish(self, record: RepoDataRecord, marker: bytes) -> CachedPackage:
        """Mark the unpacked package as complete and rename it, and its archive if there is one, into place.

        Where another process was faster, its package is the result and ours is dropped. A broken one is replaced. If
        the place belongs to a different package of the same name, ours goes into the directory of its channel.
        Raises `OSError`, or `CacheError` where even that is taken again and again.
        """
        make_file(os.path.join(self.tree, MARKER), (marker,))
        nested = nested_directory(record.url)
        bases = [self._pkgs_dir, *([os.path.join(self._pkgs_dir, nested)] if nested else [])]
        for base in bases:
            target = os.path.join(base, record.stem)
            if base != self._pkgs_dir:
                os.makedirs(base, exist_ok=True)
            if self._place(target, record, final=base == bases[-1]):
                archive = os.path.join(base, record.fn)
                with suppress(FileNotFoundError):  # it was there already, and stays where it is
                    replace(self.archive, archive)
                self._note_url(strip_secrets(record.url))
                return CachedPackage(record, target, archive)
        raise AssertionError("the last base is always taken")

    def _place(self, target: str, record: RepoDataRecord, *, final: bool) -> bool:
        """Rename the tree to ``target``; False if a different, sound package is there (and ``final`` is not set)."""
        for attempt in range(_ATTEMPTS):
            try:
                rename(self.tree, target)
                return True
            except OSError as error:
                if error.errno not in _TAKEN or not os.path.lexists(target):
                    raise
            found = read_marker(target)
            if found is not None and is_same(record, found[0]) and _is_sound(target):
                return True  # another process was faster
            if found is not None and not is_same(record, found[0]) and not final:
                return False
            try:  # broken, or replaced by the channel: whoever has its files open keeps them
                put_aside(target, os.path.join(self.directory, f"replaced-{attempt}"))
            except FileNotFoundError:
                continue  # and another process just did the same
        raise CacheError(
            f"Could not put {record.fn} into the package cache: {target} is made anew by others all the time"
        )

    def _note_url(self, url: str) -> None:
        """Add a line to urls.txt, in one write, so that lines of several processes don't mix."""
        file = os.open(os.path.join(self._pkgs_dir, MAGIC), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(file, f"{url}\n".encode())
        finally:
            os.close(file)


def nested_directory(url: str) -> str:
    """Where mamba ≥ 2.6 keeps the package of an address, below a package directory; empty for no address.

    ``https://host/channel/noarch/x.conda`` → ``https/host/channel/noarch``, without secrets.
    """
    directory = strip_secrets(url).rpartition("/")[0].rstrip("/")
    path = directory.replace("://", "/", 1).replace(":", "_").replace("\\", "_")
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return os.path.join(*parts) if len(parts) > 1 else ""


def _open_for_writing(pkgs_dir: str) -> None:
    """Make sure that ``pkgs_dir`` is a package cache that we may write. Raises `OSError` if not."""
    magic = os.path.join(pkgs_dir, MAGIC)
    is_new = not os.path.isdir(pkgs_dir)
    os.makedirs(pkgs_dir, exist_ok=True)
    os.close(os.open(magic, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666))
    if is_new:  # conda makes both
        os.close(os.open(os.path.join(pkgs_dir, "urls"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666))
    if not os.access(pkgs_dir, os.W_OK | os.X_OK):  # urls.txt alone may be writable for a group
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), pkgs_dir)


def _is_sound(directory: str) -> bool:
    try:
        check_unpacked(directory)
    except (ArchiveError, VerificationError, OSError):
        return False
    return True
