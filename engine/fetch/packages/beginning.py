"""What can be done of a package without the network: its lock is taken, and it is looked for once more.

Rule of this file: it runs in worker threads, and all that a package needs is done in one turn of a thread: each hop
costs more than what is done there.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from engine.errors import VerificationError
from engine.events import Notice, Report, WorkStarted
from engine.fetch.archive.verify import FilesDiffer
from engine.fetch.cache.entry_lock import EntryLock, LocksDontWork
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.unpackers import Unpackers
from engine.model.records import CachedPackage, RepoDataRecord

if TYPE_CHECKING:
    from engine.fetch.cache.partial import Partial
    from engine.fetch.packages.settings import FetchSettings
    from engine.fetch.packages.unpack import Unpacked


class Item(msgspec.Struct):
    """A package that must be fetched."""

    record: RepoDataRecord
    lock: EntryLock
    looks: int = 0
    """How often we found another process at it, """
    waiting_since: float | None = None
    """and when first."""


class Begun(msgspec.Struct):
    """What could be done of a package without the network; neither of the first two if it has to be fetched."""

    package: CachedPackage | None = None
    made: Unpacked | None = None
    part: Partial | None = None
    """The archive as far as an earlier run got it, or an empty file to begin with."""
    keep: bool = False
    """Whether what arrives of the archive may be kept."""

    @property
    def is_there(self) -> bool:
        """Whether nothing has to be fetched."""
        return self.package is not None or self.made is not None


class Beginning:
    """Serves the threads of one run."""

    def __init__(self, cache: PackageCache, settings: FetchSettings, report: Report, unpackers: Unpackers) -> None:
        self._cache, self._settings, self._report, self._unpackers = cache, settings, report, unpackers
        self._locking = settings.use_lockfiles
        self._telling = threading.Lock()

    def begin(self, item: Item, *, small: bool = False) -> Begun | None:
        """Begin with a package; None if another process has its lock. Of a ``small`` one no part is opened: it has one
        only if somebody left that."""
        record = item.record
        if not self._acquire(item):
            self._wait_for(item)
            return None
        package = self._usable(record)  # another process may have made it meanwhile
        made = None if package is not None else self._from_archive(record)
        if package is not None or made is not None:
            return Begun(package, made)
        if not item.lock.is_held or record.url.startswith("file:"):
            return Begun()
        from engine.fetch.cache.partial import SUFFIX, open_partial  # not needed where all is cached

        place = self._cache.writable_dir()
        if small:
            return Begun(keep=os.path.lexists(os.path.join(place, record.fn + SUFFIX)))
        return Begun(part=open_partial(place, record), keep=True)

    def _acquire(self, item: Item) -> bool:
        """Whether we may go on: with the lock, or without where there are no locks or our patience ended."""
        if not self._locking:
            return True
        limit, since = self._settings.lock_timeout, item.waiting_since
        try:
            if item.lock.try_acquire():
                return True
        except (LocksDontWork, OSError) as error:
            self._go_without_locks(error)
            return True
        return limit > 0 and since is not None and time.monotonic() - since > limit

    def _wait_for(self, item: Item) -> None:
        """Say once for whom."""
        item.looks += 1
        if item.waiting_since is None:
            item.waiting_since = time.monotonic()
            text = f"Waiting for {item.record.fn}, which {item.lock.holder()} is fetching"
            self._report(Notice("info", text))

    def _go_without_locks(self, error: Exception) -> None:
        """Say so once, although several threads find it out at the same moment."""
        with self._telling:
            was_locking, self._locking = self._locking, False
        if was_locking:
            text = f"The package cache can't be locked ({error}): other processes may fetch the same packages again"
            self._report(Notice("warning", text))

    def _usable(self, record: RepoDataRecord) -> CachedPackage | None:
        if self._settings.safety_checks == "disabled":
            return self._cache.find(record)
        return self._cache.find_sound(record, digests=self._settings.extra_safety_checks)

    def _from_archive(self, record: RepoDataRecord) -> Unpacked | None:
        """Unpack an archive that is cached; None if there is none, or a wrong one."""
        path = self._cache.find_archive(record)
        if path is None:
            return None
        self._report(WorkStarted("extract", record.name or record.stem))
        try:
            return self._unpackers.file(path, record)
        except FilesDiffer:
            raise  # its digest is right: fetching it again would bring the same
        except VerificationError as error:
            self._report(Notice("info", f"The cached archive {path} is of no use: {error.message.splitlines()[0]}"))
            self._cache.discard_archive(path)
            return None
