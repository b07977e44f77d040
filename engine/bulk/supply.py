"""The union of all packages of a run: each is looked up, fetched, checked and unpacked once, for all who wait for it.

Packages join as solutions come in. What is wanted by most goes first, and of those the biggest: the end of the run then
has small ones, for few. A package that can't be had is an error of those who need it; the rest goes on.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from engine.errors import WhipsnakeError
from engine.events import Event, Phase, PhaseFinished, PhaseStarted, Report
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.fetch.packages.prepare import prepare
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.unpackers import Unpackers
from engine.flow import first_error, in_thread
from engine.model.records import CachedPackage, RepoDataRecord
from engine.system.failure import Failure


class Parcel:
    """A package on its way to those who want it."""

    def __init__(self, record: RepoDataRecord) -> None:
        self.record = record
        self.package: CachedPackage | None = None
        self.failure: Failure | None = None
        self.wanted = 0
        """How many environments want it, all in all."""
        self.waiting: list[MemoryObjectSendStream[Parcel]] = []
        self.scope = anyio.CancelScope()
        """Of its download."""

    @property
    def is_settled(self) -> bool:
        """Whether it is there, or known not to come."""
        return self.package is not None or self.failure is not None

    def __lt__(self, other: Parcel) -> bool:
        """Whether it is the one to begin with."""
        return self._rank < other._rank

    @property
    def _rank(self) -> tuple[int, int, str]:
        return (-self.wanted, -(self.record.size or 0), self.record.fn)


class Supply:
    """All parcels of a run. `want` them, `run` it in a task of its own, `stop` it when nobody will want any more."""

    def __init__(self, cache: PackageCache, transport: Transport, settings: FetchSettings, report: Report) -> None:
        self._cache, self._transport, self._settings, self._report = cache, transport, settings, report
        self._unpackers = Unpackers(cache, settings)
        self._parcels: dict[str, Parcel] = {}
        self._queue: list[Parcel] = []
        self._news = anyio.Event()
        self._stopped = False
        self.fetched = self.bytes = 0
        """Packages that were not in the cache, and their size."""

    def want(self, records: Sequence[RepoDataRecord], sink: MemoryObjectSendStream[Parcel]) -> list[Parcel]:
        """Ask for packages: each is sent to ``sink``, which must have room for all, when it is settled."""
        parcels = [self._parcels.setdefault(record.url, Parcel(record)) for record in records]
        for parcel in parcels:
            parcel.wanted += 1
            if parcel.is_settled:
                sink.send_nowait(parcel)
                continue
            parcel.waiting.append(sink)
            if parcel.wanted == 1:
                self._queue.append(parcel)
        heapq.heapify(self._queue)
        self._wake()
        return parcels

    def leave(self, parcels: Sequence[Parcel], sink: MemoryObjectSendStream[Parcel]) -> None:
        """Whoever reads ``sink`` has failed, and waits no more: what nobody else wants is given up."""
        for parcel in parcels:
            if sink in parcel.waiting:
                parcel.waiting.remove(sink)
                if not parcel.waiting:
                    self._parcels.pop(parcel.record.url, None)  # who wants it later asks anew
                    parcel.scope.cancel()

    def stop(self) -> None:
        """Let `run` end when all is settled."""
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()

    async def run(self) -> None:
        """Fetch what is wanted until `stop`."""
        try:
            async with anyio.create_task_group() as group:
                for _ in range(max(1, self._settings.download_threads)):
                    group.start_soon(self._work)
        finally:
            await in_thread(self._unpackers.close)

    async def _work(self) -> None:
        while True:
            parcel = self._next()
            if parcel is not None:
                await self._settle(parcel)
            elif self._stopped:
                return
            else:
                await self._news.wait()

    def _next(self) -> Parcel | None:
        while self._queue:
            parcel = heapq.heappop(self._queue)
            if parcel.waiting:
                return parcel
        return None

    async def _settle(self, parcel: Parcel) -> None:
        """Fetch it and tell all who wait; if they all leave meanwhile, the download stops."""
        try:
            with parcel.scope:
                parcel.package = await self._fetch(parcel.record)
        except Exception as error:
            found = first_error(error)
            if not isinstance(found, WhipsnakeError):
                raise
            parcel.failure = Failure.of(found)
        waiting, parcel.waiting = parcel.waiting, []
        for sink in waiting:
            sink.send_nowait(parcel)

    async def _fetch(self, record: RepoDataRecord) -> CachedPackage:
        send, receive = anyio.create_memory_object_stream[CachedPackage](1)
        with receive:
            shared, hear = self._unpackers, self._hear
            await prepare([record], self._cache, self._transport, self._settings, hear, send, unpackers=shared)
            return receive.receive_nowait()

    def _hear(self, event: Event) -> None:
        """Phases are ours to tell of; here each is about one package."""
        match event:
            case PhaseStarted():
                return
            case PhaseFinished(phase=Phase.FETCH):
                self.fetched += event.items
                self.bytes += event.bytes
            case _:
                self._report(event)
