"""Records in, cached packages out: download, verification and unpacking of many packages at once, overlapped.

Rule of this file: it decides what is done when; how one package is made is `engine.fetch.packages.unpack`, by whom is
`engine.fetch.packages.unpackers`; one worker thread sees to each. What is cached goes out first, then the biggest
downloads begin, so that none of them is last and alone. The first failure stops the rest, and is the one that comes
out.

Memory: `download_threads` packages are in work at once, each with a pipe of a few MiB and a decoder; what waits is
only its record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
import msgspec
from anyio.streams.memory import MemoryObjectSendStream

from engine.events import (
    Notice,
    Phase,
    PhaseFinished,
    PhaseStarted,
    Report,
    WorkFinished,
    WorkStarted,
)
from engine.fetch.cache.entry_lock import EntryLock
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.beginning import Beginning, Begun, Item
from engine.fetch.packages.grouping import with_more
from engine.fetch.packages.order import Rank, all_alike, biggest_first, in_order
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.unpackers import Unpackers
from engine.flow import delivering, in_thread
from engine.model.records import CachedPackage, RepoDataRecord

if TYPE_CHECKING:  # the modules for the network and for archives are heavy, and not needed where all is cached
    from engine.fetch.http.transport import Transport
    from engine.fetch.packages.download import Downloads
    from engine.fetch.packages.unpack import Unpacked

Result = TypeVar("Result")
Subject = TypeVar("Subject")
_Found = tuple[RepoDataRecord, CachedPackage]
"""What was asked for, and what the cache has of it."""

_LOCK_POLL = 0.05
"""Seconds between two looks at a lock that another process holds."""


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
    own = unpackers or Unpackers(cache, settings, anyio.from_thread.check_cancelled)
    run = _Preparation(cache, transport, settings, report, sink, own)
    async with delivering(sink):
        try:
            await run.run(records, rank)
        finally:
            if unpackers is None:
                await in_thread(own.close)


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
        self._beginning = Beginning(cache, settings, report, unpackers)
        self._send, self._receive = anyio.create_memory_object_stream[Item](float("inf"))
        self._left = 0
        self._fetched = self._bytes = 0

    async def run(self, records: Sequence[RepoDataRecord], rank: Rank) -> None:
        """Everything, from looking into the cache to the last package."""
        begun = time.monotonic()
        with self._send, self._receive:
            found, missing = await anyio.to_thread.run_sync(self._look_up, records, rank, limiter=self._limiter)
            self._report(PhaseStarted(Phase.FETCH, len(missing), sum(record.size or 0 for record in missing)))
            self._left = len(records)
            for record in missing:
                self._queue(record)
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
                self._queue(record)

    def _queue(self, record: RepoDataRecord) -> None:
        self._send.send_nowait(Item(record, self._cache.lock(record)))

    def _is_sound(self, package: CachedPackage) -> bool:
        return self._cache.is_sound(package, digests=self._settings.extra_safety_checks)

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

    # -- one worker

    async def _work(self) -> None:
        with self._receive.clone() as items:
            async for item in items:
                together, alone = with_more(item, items, lambda one: one.record)
                try:
                    if together:
                        await self._some(together)
                    for one in alone:
                        await self._one(one)
                finally:
                    held = [one.lock for one in (*together, *alone) if one.lock.is_held]
                    if held:
                        await in_thread(_release, held)

    async def _one(self, item: Item) -> None:
        """Fetch a package."""
        begun = await self._in_thread(self._beginning.begin, item)
        if begun is None:
            await self._put_back(item)
        else:
            await self._finish_begun(item, begun)

    async def _some(self, items: Sequence[Item]) -> None:
        """Fetch some small packages together: what a thread does for one of them takes less than the way to it."""
        begun = await self._in_thread(lambda those: [self._beginning.begin(one, small=True) for one in those], items)
        arrived: list[tuple[Item, bytes]] = []
        taken: list[Item] = []
        for item, state in zip(items, begun, strict=True):
            if state is None:
                taken.append(item)
            elif state.is_there or state.keep:
                await self._finish_begun(item, state)
            else:
                arrived.append((item, await self._downloads.whole(item.record)))
        made = await self._in_thread(self._unpack_some, arrived)
        for (item, _), one in zip(arrived, made, strict=True):
            if one is None:
                await self._finish_begun(item, Begun())  # alone, to be told what is wrong with it
            else:
                await self._finish_made(item.record, one)
        for item in taken:
            await self._put_back(item)

    async def _put_back(self, item: Item) -> None:
        """Another process is at it: look again later."""
        await anyio.sleep(_LOCK_POLL if item.looks > 1 else 0)
        self._send.send_nowait(item)

    async def _finish_begun(self, item: Item, begun: Begun) -> None:
        """Make one package: from what is there, or else from afar."""
        if begun.package is not None:
            await self._finish(begun.package)
            return
        record = item.record
        if begun.made is None:
            work = partial(self._unpack_arriving, record)
            place = self._cache.writable_dir() if begun.keep else None
            begun.made = await self._downloads.fetch(record, work, place, begun.part, item.lock.release)
        await self._finish_made(record, begun.made)

    async def _finish_made(self, record: RepoDataRecord, made: Unpacked) -> None:
        self._fetched += 1
        self._bytes += made.package.record.size or 0
        self._report(WorkFinished("extract", record.name or record.stem, made.files, made.bytes))
        await self._finish(made.package)

    @cached_property
    def _downloads(self) -> Downloads:
        from engine.fetch.packages.download import Downloads  # not needed where all is cached

        return Downloads(self._transport, self._report, self._limiter)

    # -- in worker threads

    def _unpack_arriving(self, record: RepoDataRecord, pieces: Iterable[bytes], kept: str | None) -> Unpacked:
        """What the worker thread does for one download."""
        self._report(WorkStarted("extract", record.name or record.stem))
        return self._unpackers.arriving(record, pieces, kept)

    def _unpack_some(self, arrived: Sequence[tuple[Item, bytes]]) -> list[Unpacked | None]:
        """The same for small ones; None for what is not as it should be."""
        for item, _ in arrived:
            self._report(WorkStarted("extract", item.record.name or item.record.stem))
        made = self._unpackers.whole([(item.record, data) for item, data in arrived])
        _release([item.lock for (item, _), one in zip(arrived, made, strict=True) if one is not None])
        return made


def _release(locks: Iterable[EntryLock]) -> None:
    for lock in locks:
        lock.release()
