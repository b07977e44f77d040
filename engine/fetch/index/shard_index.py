"""The shard index of one subdir (CEP 16): from the cache while it is fresh, else from the server, on conditions.

Rule of this file: that a subdir has none, or one that can't be used, is an answer and no error, since the whole index
says the same. Only where the network itself fails is there nothing to fall back to.
"""

from __future__ import annotations

from typing import Final

import anyio.to_thread
import msgspec

from engine.errors import HttpStatusError, RepodataError
from engine.events import Notice, Report, TransferAdvanced, TransferFinished, TransferStarted
from engine.fetch.http.transfer import Continuation
from engine.fetch.http.transport import Response, Transport
from engine.fetch.index.repodata_cache import IndexState, now_ns
from engine.fetch.index.shard_cache import CachedShardIndex, ShardCache
from engine.model.channel import Channel
from engine.model.shard_index import INDEX_NAME, LARGEST_PACKED, not_sharded, read_index
from engine.model.shards import ShardRows

_ABSENT: Final = frozenset({403, 404, 405, 410, 501})
"""Statuses by which servers say that there is no such file and will be none soon; buckets answer 403."""


class ShardMeans(msgspec.Struct, frozen=True):
    """What fetching shards stands on."""

    transport: Transport
    cache: ShardCache
    report: Report
    ttl: int = 1
    """As `RepodataSettings.ttl`."""
    offline: bool = False
    refresh: bool = False
    """Ask for the index without conditions. Shards can't change."""
    threads: int = 0
    """Shards to fetch at once; 0: as many as there are connections."""


class Found(msgspec.Struct, frozen=True):
    """What became of the question."""

    rows: ShardRows | None = None
    asked: bool = False
    """Whether the server was asked, so that asking again would change nothing."""
    absent: bool = False
    """Whether it said that there is no shard index, which is worth remembering."""


class ShardIndexSource:
    """Finds the shard index of one subdir."""

    def __init__(self, channel: Channel, subdir: str, means: ShardMeans) -> None:
        self.channel, self.subdir = channel, subdir
        self.is_local = channel.base_url.startswith("file:")
        self._means = means
        self._url = channel.repodata_url(subdir, INDEX_NAME)
        self._key = f"{channel.name}/{subdir} shards"

    async def cached(self) -> CachedShardIndex | None:
        """What the cache has."""
        if self.is_local:
            return None
        return await anyio.to_thread.run_sync(self._means.cache.find_index, self.channel, self.subdir)

    def is_fresh(self, index: CachedShardIndex | None) -> bool:
        """Whether it may be used without asking."""
        return bool(index and not self._means.refresh and index.state.is_fresh(self._means.ttl, now_ns()))

    async def find(self, index: CachedShardIndex | None) -> Found:
        """The shard index, if there is one that can be used; ``index`` is what the cache has, None to pass it over.

        Raises `NetworkError` where the server can't be reached.
        """
        offline = self._means.offline and not self.is_local
        if index and (offline or self.is_fresh(index)):
            rows = await self._read(index, "cached")
            if rows or offline:
                return Found(rows)
        if offline:
            return Found()
        try:
            return await self._ask(None if self._means.refresh else index)
        except HttpStatusError as error:
            if error.status not in _ABSENT:
                self._warn(str(error))
            return Found(asked=True, absent=error.status in _ABSENT)
        except RepodataError as error:
            self._warn(str(error))
            return Found(asked=True)

    async def _ask(self, index: CachedShardIndex | None) -> Found:
        conditions = index.state.conditions(packed=False) if index else {}
        async with self._means.transport.open(self._url, headers=conditions) as response:
            if response.status == 404:
                return Found(asked=True, absent=True)
            if response.status == 200:
                return Found(await self._receive(response), asked=True)
        if index and (rows := await self._read(index, "not modified")):
            await anyio.to_thread.run_sync(self._confirm, index, response)
            return Found(rows, asked=True)
        return await self._ask(None)  # what is cached is broken: without conditions, then

    async def _read(self, index: CachedShardIndex, note: str) -> ShardRows | None:
        """A cached index; None if it turns out to be broken, which fetching heals."""
        self._means.report(TransferStarted(self._key, self._key, "repodata", 0))
        try:
            return await anyio.to_thread.run_sync(self._understood, index.packed, index.path)
        except RepodataError as error:
            self._means.report(Notice("info", f"The cached shard index {index.path} is broken: {error}"))
            return None
        finally:
            self._means.report(TransferFinished(self._key, note))

    def _understood(self, packed: bytes, where: str) -> ShardRows:
        return ShardRows(self.channel, self.subdir, read_index(packed, self.channel, self.subdir, url=where))

    async def _receive(self, response: Response) -> ShardRows:
        total = response.headers.number("Content-Length")
        self._means.report(TransferStarted(self._key, self._key, "repodata", total))
        try:
            stream = Continuation(self._means.transport, self._url, progress=self._advanced)
            packed = await collect(stream, self._url, first=response)
            return await anyio.to_thread.run_sync(self._accept, packed, response)
        finally:
            self._means.report(TransferFinished(self._key))

    def _advanced(self, amount: int) -> None:
        self._means.report(TransferAdvanced(self._key, amount))

    def _accept(self, packed: bytes, response: Response) -> ShardRows:
        """The worker's part. Only an index that could be read reaches the cache."""
        rows = self._understood(packed, self._url)
        if not self.is_local:
            self._means.cache.store_index(self.channel, self.subdir, packed, self._state(response, IndexState()))
        return rows

    def _confirm(self, index: CachedShardIndex, response: Response) -> None:
        self._means.cache.confirm_index(index, self._state(response, index.state))

    def _state(self, response: Response, known: IndexState) -> IndexState:
        headers = response.headers
        return IndexState(
            url=self._url,
            etag=headers.get("ETag", known.etag),
            mod=headers.get("Last-Modified", known.mod),
            cache_control=headers.get("Cache-Control", known.cache_control),
            refresh_ns=now_ns(),
        )

    def _warn(self, reason: str) -> None:
        where = f"{self.channel.name}/{self.subdir}"
        self._means.report(Notice("warning", f"{where}: its shards are not used, but its whole index: {reason}"))


async def collect(stream: Continuation, url: str, *, first: Response | None = None) -> bytes:
    """All bytes of a small file. Raises `RepodataError` if it is not small."""
    pieces: list[bytes] = []
    size = 0
    async for piece in stream.chunks(first):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST_PACKED:
            raise not_sharded(url, f"it has more than {LARGEST_PACKED} bytes")
    return b"".join(pieces)
