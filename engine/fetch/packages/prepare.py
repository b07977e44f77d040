"""Records in, cached packages out: download, verification and unpacking of many packages at once, overlapped.

Rule of this file: it decides what is done when; how one package is made is `engine.fetch.packages.unpack`, by whom is
`engine.fetch.packages.unpackers`; one worker thread sees to each. What is cached goes out first, then the biggest
downloads begin, so that none of them is last and alone. The first failure stops the rest, and is the one that comes
out.

Memory: `download_threads` packages are in work at once, each with a pipe of a few MiB and a decoder; what waits is
only its record.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
import msgspec
from anyio.streams.memory import MemoryObjectSendStream

from engine.errors import VerificationError
from engine.events import (
    Notice,
    Phase,
    PhaseFinished,
    PhaseStarted,
    Report,
    WorkFinished,
    WorkStarted,
)
from engine.fetch.archive.verify import FilesDiffer
from engine.fetch.cache.entry_lock import EntryLock, LocksDontWork
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.order import Rank, all_alike, biggest_first, in_order
from engine.fetch.packages.unpackers import Unpackers
from engine.flow import delivering, in_thread
from engine.model.records import CachedPackage, RepoDataRecord
from engine.system.process import available_cores

if TYPE_CHECKING:  # the modules for the network and for archives are heavy, and not needed where all is cached
    from engine.fetch.archive.members import Limits
    from engine.fetch.cache.partial import Partial
    from engine.fetch.http.transport import Transport
    from engine.fetch.packages.download import Downloads
    from engine.fetch.packages.unpack import Unpacked

Result = TypeVar("Result")
Subject = TypeVar("Subject")
_Found = tuple[RepoDataRecord, CachedPackage]
"""What was asked for, and what the cache has of it."""

_LOCK_POLL = 0.05
"""Seconds between two looks at a lock that another process holds."""


class FetchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How packages are fetched; the names are those of the configuration."""

    download_threads: int = 5
    """Packages in work at once."""
    extract_threads: int = 0
    """Of these, how many may unpack at the same moment (those that wait for the network don't count); 0: one for
    each processor."""
    safety_checks: str = "enabled"
    """Compare the files of a package with its own list: ``enabled`` | ``warn`` | ``disabled``. Only ``disabled``
    leaves it out; what is broken is never merely warned of."""
    extra_safety_checks: bool = False
    """Compare the sha256 of every file as well."""
    check_cached: bool = True
    """Compare what was found in the cache with its own list here. If not, whoever links it does so, who has to read
    that list and touch those files anyway (sizes only: digests are always compared here)."""
    use_lockfiles: bool = True
    lock_timeout: float = 0.0
    """Seconds to wait while another process fetches the same package, before fetching it too; 0: as long as it does."""
    limits: Limits | None = None
    """How far an archive may go; None: as far as is usual."""
    allow_external_links: bool = False
    """Accept packages with soft links that lead out of them."""

    @property
    def threads(self) -> int:
        """`extract_threads`, with what 0 means."""
        return self.extract_threads if self.extract_threads > 0 else available_cores()


async def prepare(  # noqa: PLR0917  (the engine's parts, each of its own type)
    records: Sequence[RepoDataRecord],
    cache: PackageCache,
    transport: Transport,
    settings: FetchSettings,
    report: Report,
    sink: MemoryObjectSendStream[CachedPackage],
    rank: Rank = all_alike,
    unpackers: Unpackers | None = None,
) -> None:
    """Send the cached package of each of ``records`` to ``sink`` as soon as it is ready, in no order; then close it.

    Packages of a lower ``rank`` are begun first, and among equals the biggest. ``unpackers`` are given where several
    calls share them.

    Raises the first failure (`FetchError`, `StorageError`, `CacheError`) after all that was in work has stopped and
    cleaned up after itself; what was published before stays in the cache. If the receiver leaves, the rest is given up
    without an error: whoever left has one of its own.
    """
    own = unpackers or Unpackers(cache, settings)
    run = _Preparation(cache, transport, settings, report, sink, own)
    async with delivering(sink):
        try:
            await run.run(records, rank)
        finally:
            if unpackers is None:
                await in_thread(own.close)


class _Item(msgspec.Struct):
    """A package that must be fetched."""

    record: RepoDataRecord
    waiting_since: float | None = None
    """When we first found another process at it."""


class _Begun(msgspec.Struct):
    """What could be done of a package without the network; neither of the first two if it has to be fetched."""

    package: CachedPackage | None = None
    made: Unpacked | None = None
    part: Partial | None = None
    """The archive as far as an earlier run got it, or an empty file to begin with."""
    keep: bool = False
    """Whether what arrives of the archive may be kept."""


class _Preparation:
    """One call of `prepare`."""

    def __init__(  # noqa: PLR0917 - as `prepare`
        self,
        cache: PackageCache,
        transport: Transport,
        settings: FetchSettings,
        report: Report,
        sink: MemoryObjectSendStream[CachedPackage],
        unpackers: Unpackers,
    ) -> None:
        self._cache, self._transport, self._settings = cache, transport, settings
        self._report, self._sink = report, sink
        self._workers = max(1, settings.download_threads)
        self._limiter = anyio.CapacityLimiter(self._workers + 2)
        self._unpackers = unpackers
        self._checks = settings.safety_checks != "disabled"
        self._send, self._receive = anyio.create_memory_object_stream[_Item](float("inf"))
        self._left = 0
        self._downloads: Downloads | None = None
        self._locking = settings.use_lockfiles
        self._telling = threading.Lock()
        self._fetched = self._bytes = 0

    async def run(self, records: Sequence[RepoDataRecord], rank: Rank) -> None:
        """Everything, from looking into the cache to the last package."""
        begun = time.monotonic()
        with self._send, self._receive:
            found, missing = await anyio.to_thread.run_sync(self._look_up, records, rank, limiter=self._limiter)
            self._report(PhaseStarted(Phase.FETCH, len(missing), sum(record.size or 0 for record in missing)))
            self._left = len(records)
            for record in missing:
                self._send.send_nowait(_Item(record))
            async with anyio.create_task_group() as group:
                group.start_soon(self._deliver, found)
                for _ in range(min(self._workers, len(records))):
                    group.start_soon(self._work)
        cached = len(records) - self._fetched
        note = f"{cached} cached" if cached else ""
        self._report(PhaseFinished(Phase.FETCH, time.monotonic() - begun, self._fetched, self._bytes, note))

    def _look_up(self, records: Sequence[RepoDataRecord], rank: Rank) -> tuple[list[_Found], list[RepoDataRecord]]:
        """Which are cached, going by their markers, and which are not, in the order to begin with them."""
        found: list[_Found] = []
        missing: list[RepoDataRecord] = []
        for record in biggest_first(records, rank):
            package = self._cache.find(record)
            if package is None:
                missing.append(record)
            else:
                found.append((record, package))
        if missing:
            self._unpackers.expect(sum(record.size or 0 for record in missing))
            self._cache.writable_dir()  # before the first byte is fetched: there must be a place for it
            try:
                self._cache.sweep()
            except OSError as error:
                self._report(Notice("debug", f"Left-overs of earlier runs could not be removed: {error}"))
        return found, in_order(missing, rank, self._workers)

    async def _deliver(self, found: Iterable[_Found]) -> None:
        """Send out what is cached, once its files were looked at; what is broken joins the queue."""
        later = self._checks and not self._settings.check_cached and not self._settings.extra_safety_checks
        for record, package in found:
            if later:
                await self._finish(msgspec.structs.replace(package, unchecked=True))
            elif not self._checks or await self._in_thread(self._is_sound, package):
                await self._finish(package)
            else:
                self._report(Notice("info", f"{record.fn} is broken in the package cache and will be fetched again"))
                self._send.send_nowait(_Item(record))

    def _is_sound(self, package: CachedPackage) -> bool:
        return self._cache.is_sound(package, digests=self._settings.extra_safety_checks)

    def _usable(self, record: RepoDataRecord) -> CachedPackage | None:
        if not self._checks:
            return self._cache.find(record)
        return self._cache.find_sound(record, digests=self._settings.extra_safety_checks)

    async def _finish(self, package: CachedPackage) -> None:
        try:
            self._sink.send_nowait(package)
        except anyio.WouldBlock:
            await self._sink.send(package)
        self._left -= 1
        if not self._left:
            self._send.close()  # ends the workers

    async def _in_thread(self, work: Callable[[Subject], Result], subject: Subject) -> Result:
        return await anyio.to_thread.run_sync(work, subject, limiter=self._limiter)

    async def _work(self) -> None:
        with self._receive.clone() as items:
            async for item in items:
                package = await self._locked(item)
                if package is not None:
                    await self._finish(package)

    async def _locked(self, item: _Item) -> CachedPackage | None:
        """Fetch a package under its lock; None where another process has that: the item was put back."""
        lock = self._cache.lock(item.record)
        try:
            begun = await anyio.to_thread.run_sync(self._begin, lock, item, limiter=self._limiter)
            if begun is not None:
                return await self._fetch(item.record, lock, begun)
        finally:
            if lock.is_held:
                await in_thread(lock.release)
        again = item.waiting_since is not None
        if not again:
            item.waiting_since = time.monotonic()
            holder = await anyio.to_thread.run_sync(lock.holder, limiter=self._limiter)
            self._report(Notice("info", f"Waiting for {item.record.fn}, which {holder} is fetching"))
        await anyio.sleep(_LOCK_POLL if again else 0)
        self._send.send_nowait(item)
        return None

    def _begin(self, lock: EntryLock, item: _Item) -> _Begun | None:
        """All that can be done of a package without the network, in one thread's turn; None if another process has its
        lock."""
        record = item.record
        if not self._acquire(lock, item):
            return None
        package = self._usable(record)  # another process may have made it meanwhile
        made = None if package is not None else self._from_archive(record)
        if package is not None or made is not None:
            return _Begun(package, made)
        if not lock.is_held or record.url.startswith("file:"):
            return _Begun()
        from engine.fetch.cache.partial import open_partial  # not needed where all is cached

        return _Begun(part=open_partial(self._cache.writable_dir(), record), keep=True)

    def _acquire(self, lock: EntryLock, item: _Item) -> bool:
        """Whether we may go on: with the lock, or without where there are no locks or our patience ended."""
        if not self._locking:
            return True
        limit, since = self._settings.lock_timeout, item.waiting_since
        try:
            if lock.try_acquire():
                return True
        except (LocksDontWork, OSError) as error:
            self._go_without_locks(error)
            return True
        return limit > 0 and since is not None and time.monotonic() - since > limit

    def _go_without_locks(self, error: Exception) -> None:
        """Say so once, although several threads find it out at the same moment."""
        with self._telling:
            was_locking, self._locking = self._locking, False
        if was_locking:
            text = f"The package cache can't be locked ({error}): other processes may fetch the same packages again"
            self._report(Notice("warning", text))

    async def _fetch(self, record: RepoDataRecord, lock: EntryLock, begun: _Begun) -> CachedPackage:
        """Make one package: from what is there, or else from afar."""
        if begun.package is not None:
            return begun.package
        made = begun.made or await self._download(record, lock, begun)
        self._fetched += 1
        self._bytes += made.package.record.size or 0
        self._report(WorkFinished("extract", record.name or record.stem, made.files, made.bytes))
        return made.package

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

    async def _download(self, record: RepoDataRecord, lock: EntryLock, begun: _Begun) -> Unpacked:
        if self._downloads is None:
            from engine.fetch.packages.download import Downloads

            self._downloads = Downloads(self._transport, self._report, self._limiter)
        work = partial(self._unpack_arriving, record)
        pkgs_dir = self._cache.writable_dir() if begun.keep else None
        return await self._downloads.fetch(record, work, pkgs_dir, begun.part, lock.release)

    def _unpack_arriving(self, record: RepoDataRecord, pieces: Iterable[bytes], kept: str | None) -> Unpacked:
        """What the worker thread does for one download."""
        self._report(WorkStarted("extract", record.name or record.stem))
        return self._unpackers.arriving(record, pieces, kept)
