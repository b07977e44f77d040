"""Packages for direct mode: fetched and verified, not unpacked, and not kept.

Rule of this file: as `engine.fetch.packages.prepare`, without a cache. What can't be unpacked straight into a prefix
(packages of the old kind without a list of their files, those with scripts that run before linking, those that list
their own metadata, and on Windows those with soft links) is unpacked into a directory that is removed in the end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine.errors import FetchError
from engine.events import Phase, PhaseFinished, PhaseStarted, Report
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.grouping import with_more
from engine.fetch.packages.order import Rank, all_alike, in_order
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.spooled import SpooledArchive, spool
from engine.fetch.packages.unpack import unpack_stream
from engine.fetch.packages.unpackers import unpack_options
from engine.flow import delivering, in_thread
from engine.model.records import CachedPackage, RepoDataRecord

if TYPE_CHECKING:
    from engine.fetch.http.transport import Transport

_LINKS_MAY_BE_REFUSED: Final = os.name == "nt"
"""Windows lets only some users make soft links."""


async def prepare_direct(  # noqa: PLR0917  (the engine's parts, each of its own type)
    records: Sequence[RepoDataRecord],
    place: str,
    transport: Transport,
    settings: FetchSettings,
    report: Report,
    sink: MemoryObjectSendStream[CachedPackage],
    rank: Rank = all_alike,
    *,
    named: bool = False,
) -> None:
    """Send each of ``records`` to ``sink`` as soon as it is here; then close it. Those of a lower ``rank`` are begun
    first, and among equals the biggest.

    ``place`` is a directory for what is under way, on the file system of the prefix; with ``named``, archives lie there
    so that other processes can read them. Raises as `engine.fetch.packages.prepare.prepare`; whoever receives a package
    closes its payload.
    """
    run = _Direct(place, transport, settings, report, sink, named=named)
    async with delivering(sink):
        await run.run(records, rank)


class _Direct:
    def __init__(
        self,
        place: str,
        transport: Transport,
        settings: FetchSettings,
        report: Report,
        sink: MemoryObjectSendStream[CachedPackage],
        *,
        named: bool,
    ) -> None:
        from engine.fetch.packages.download import Downloads

        self._place, self._sink, self._report, self._named = place, sink, report, named
        self._workers = max(1, settings.download_threads)
        self._limiter = anyio.CapacityLimiter(self._workers + 2)
        self._downloads = Downloads(transport, report, self._limiter)
        self._options = unpack_options(settings)

    async def run(self, records: Sequence[RepoDataRecord], rank: Rank) -> None:
        """All of them."""
        begun, size = time.monotonic(), sum(record.size or 0 for record in records)
        self._report(PhaseStarted(Phase.FETCH, len(records), size))
        send, receive = anyio.create_memory_object_stream[RepoDataRecord](float("inf"))
        with send:
            for record in in_order(records, rank, self._workers):
                send.send_nowait(record)
        with receive:
            async with anyio.create_task_group() as group:
                for _ in range(min(self._workers, len(records))):
                    group.start_soon(self._work, receive.clone())
        self._report(PhaseFinished(Phase.FETCH, time.monotonic() - begun, len(records), size))

    async def _work(self, records: MemoryObjectReceiveStream[RepoDataRecord]) -> None:
        with records:
            async for record in records:
                together, alone = with_more(record, records, lambda one: one)
                if together:
                    await self._send(await self._some(together))
                for one in alone:
                    await self._send([await self._one(one)])

    async def _send(self, packages: Sequence[CachedPackage]) -> None:
        """Hand packages on; whoever receives one closes its payload."""
        for number, package in enumerate(packages):
            try:
                await self._sink.send(package)
            except BaseException:
                await in_thread(_let_go, packages[number:])
                raise

    async def _one(self, record: RepoDataRecord) -> CachedPackage:
        return await self._downloads.fetch(record, partial(self._arriving, record), None)

    async def _some(self, records: Sequence[RepoDataRecord]) -> list[CachedPackage]:
        """Small packages together; what comes out wrong is fetched once more, alone."""
        arrived = [(record, await self._downloads.whole(record)) for record in records]
        found = await anyio.to_thread.run_sync(self._arrived, arrived, limiter=self._limiter)
        made = [package for package in found if package is not None]
        try:
            for record, package in zip(records, found, strict=True):
                if package is None:
                    made.append(await self._one(record))
        except BaseException:
            await in_thread(_let_go, made)
            raise
        return made

    def _arrived(self, arrived: Sequence[tuple[RepoDataRecord, bytes]]) -> list[CachedPackage | None]:
        """In a worker thread; None for what is not as it should be."""
        found: list[CachedPackage | None] = []
        try:
            for record, data in arrived:
                try:
                    found.append(self._arriving(record, (data,), None))
                except FetchError:
                    found.append(None)
        except BaseException:
            _let_go(package for package in found if package is not None)
            raise
        return found

    def _arriving(self, record: RepoDataRecord, pieces: Iterable[bytes], _kept: str | None) -> CachedPackage:
        """In a worker thread."""
        archive = spool(pieces, record, self._place, self._options, named=self._named)
        try:
            if archive.open() and not _must_be_unpacked(archive, record):
                known = archive.known()
                directory = os.path.join(self._place, known.stem)
                return CachedPackage(known, directory, os.path.join(self._place, known.fn), payload=archive)
            cache = PackageCache((self._place,))
            package = unpack_stream(archive.pieces(), record, cache, self._options).package
        except BaseException:
            archive.close()
            raise
        archive.close()
        os.unlink(package.archive)
        return msgspec.structs.replace(package, unchecked=False)


def _let_go(packages: Iterable[CachedPackage]) -> None:
    for package in packages:
        if package.payload is not None:
            package.payload.close()


def _must_be_unpacked(archive: SpooledArchive, record: RepoDataRecord) -> bool:
    """Whether a package needs all of itself at one place before it is linked."""
    return _has_pre_link(archive, record) or _lists_info(archive) or _may_need_copies(archive)


def _lists_info(archive: SpooledArchive) -> bool:
    """Whether a package wants its own metadata in the prefix, of which we only keep what we need."""
    # The quote before it keeps out every Python package: their lists are full of ".dist-info/".
    return archive.lists(b'"info') and any(entry.path.startswith("info/") for entry in archive.entries())


def _may_need_copies(archive: SpooledArchive) -> bool:
    """Whether it has soft links that Windows may refuse; copies can stand for them once all is unpacked."""
    return _LINKS_MAY_BE_REFUSED and archive.lists(b"softlink")


def _has_pre_link(archive: SpooledArchive, record: RepoDataRecord) -> bool:
    """Whether a package has a script that is run before it is linked, from where it is unpacked."""
    if not archive.lists(b"-pre-link."):
        return False
    scripts = {f"bin/.{record.name}-pre-link.sh", f"Scripts/.{record.name}-pre-link.bat"}
    return any(entry.path in scripts for entry in archive.entries())
