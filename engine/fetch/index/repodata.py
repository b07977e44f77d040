"""The index of one subdir: from the cache where it may, from the server where it must.

A cached index that is fresh enough is used as it is; else the server is asked for its shard index (CEP 16) if shards
will do, then for ``repodata.json.zst``, then ``repodata.json``, with what is cached as a condition; 304 makes the
cached one fresh again. `engine.fetch.index.load` does this for all subdirs of all channels at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

import anyio
import anyio.to_thread
import msgspec

from engine.errors import HttpStatusError, RepodataError, StorageError
from engine.events import Notice, Report, TransferAdvanced, TransferFinished, TransferStarted
from engine.fetch.http.pipe import pump
from engine.fetch.http.transfer import Continuation
from engine.fetch.http.transport import Response, Transport
from engine.fetch.index.file_pages import FilePages
from engine.fetch.index.repodata_cache import CachedIndex, Checked, IndexState, IndexWriter, RepodataCache, now_ns
from engine.fetch.index.repodata_stream import build, store
from engine.fetch.index.shard_index import Found, ShardIndexSource, ShardMeans
from engine.model.channel import Channel, mask_secrets
from engine.model.relations import DEPTH
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows

Result = TypeVar("Result")

PLAIN, PACKED = "repodata.json", "repodata.json.zst"


class RepodataSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to come by an index."""

    cache_dirs: tuple[str, ...] = ()
    """The package caches (``pkgs_dirs``); none means that nothing is remembered."""
    ttl: int = 1
    """``--repodata-ttl``: 0 always asks the server, 1 obeys Cache-Control, more is an age in seconds."""
    offline: bool = False
    """Use what is cached, however old, and ask nobody."""
    use_zst: bool = True
    """Try ``repodata.json.zst`` first."""
    refresh: bool = False
    """Fetch anew whatever is cached (``--retry-clean-cache``, after a failed solve)."""
    use_shards: bool = True
    """Prefer sharded indexes where it is known which packages are wanted."""
    shards_ttl: int = 86400
    """Seconds for which a channel without shards is believed to stay so; 0 always asks."""
    shards_threads: int = 0
    """Shards to fetch at once; 0: as many as there are connections to one server."""
    relations_depth: int = DEPTH
    """How far channels are followed that channels name (CEP 42); 0: not at all."""
    admit: Callable[[Channel], None] | None = None
    """Raises for a channel that must not be used, though another one names it."""


class Means(msgspec.Struct, frozen=True):
    """What every subdir's loading stands on."""

    transport: Transport
    cache: RepodataCache
    settings: RepodataSettings
    report: Report
    shards: ShardMeans | None = None
    """None where shards will not do."""


class Subdir:
    """One subdir on its way; ``result`` stays None if there is no such subdir."""

    def __init__(self, channel: Channel, subdir: str, means: Means) -> None:
        self.channel, self.subdir = channel, subdir
        self.result: RepoData | ShardRows | None = None
        self.is_local = channel.base_url.startswith("file:")
        self.is_offline = (means.settings.offline or means.transport.settings.offline) and not self.is_local
        self._transport, self._cache = means.transport, means.cache
        self._settings, self._report = means.settings, means.report
        self._key = f"{channel.name}/{subdir}"
        self._limiter: anyio.CapacityLimiter | None = None
        self._entry: CachedIndex | None = None
        self._shards = ShardIndexSource(channel, subdir, means.shards) if means.shards else None
        self._found = Found()

    async def run(self, limiter: anyio.CapacityLimiter) -> None:
        """Set `result`: the shard index where shards will do and there are some, else the whole index."""
        self._limiter = limiter
        if not self.is_local:
            self._entry = await anyio.to_thread.run_sync(self._cache.find, self.channel, self.subdir)
        if self._shards is None or not await self._take_shards(self._shards):
            await self.make_whole()

    async def make_whole(self) -> bool:
        """Set `result` to the whole index if there is one; whether there is."""
        found, entry = None, self._entry
        if entry and (self.is_offline or self._is_fresh(entry)):
            found = await self._from_cache(entry, "cached")
        if found is None and not self.is_offline:
            found = await self._ask(entry)
        self.result = found or self.result
        return found is not None

    async def renew(self) -> bool:
        """Ask the server for its shard index, if that was not done yet; whether it gave one."""
        if self._shards is None or self._found.asked:
            return False
        self._found = await self._shards.find(None)
        self.result = self._found.rows or self.result
        return self._found.rows is not None

    async def _take_shards(self, source: ShardIndexSource) -> bool:
        """Find the shard index, unless a whole index is at hand that serves as well."""
        entry = self._entry
        if entry and self._is_known_absent(entry.state):
            return False
        index = await source.cached()
        if self.is_offline and (index is None or (entry and entry.age_mark > index.age_mark)):
            return False
        if entry and self._is_fresh(entry) and not source.is_fresh(index):
            return False
        self._found = await source.find(index)
        self.result = self._found.rows
        return self._found.rows is not None

    def _is_known_absent(self, state: IndexState) -> bool:
        known = state.has_shards
        within = timedelta(seconds=self._settings.shards_ttl)
        return known is not None and not known.value and known.is_recent(now_ns(), within)

    def hand_over(self) -> RepoData | ShardRows:
        """The result, which is then ours no more: hundreds of megabytes must not wait for the garbage collector."""
        result, self.result = self.result, None
        return result or RepoData(self.channel, self.subdir)

    def _is_fresh(self, entry: CachedIndex) -> bool:
        return not self._settings.refresh and entry.state.is_fresh(self._settings.ttl, now_ns())

    async def _from_cache(self, entry: CachedIndex, note: str) -> RepoData | None:
        """The cached index; None if it turns out to be broken, which fetching heals."""
        self._report(TransferStarted(self._key, self._key, "repodata", 0))
        try:
            found = await anyio.to_thread.run_sync(self._read, entry.path, limiter=self._limiter)
        except (RepodataError, StorageError) as error:
            if self.is_offline:
                raise
            self._report(Notice("info", f"The cached index {entry.path} is broken and is fetched again: {error}"))
            return None
        finally:
            self._report(TransferFinished(self._key, note))
        return found

    def _read(self, path: str) -> RepoData:
        pages = FilePages(path)
        return RepoData.assemble(self.channel, self.subdir, pages, pages.head, path)

    async def _ask(self, entry: CachedIndex | None) -> RepoData | None:
        """Ask the server, form by form; None if it has none of them."""
        state = entry.state if entry else IndexState()
        for fn in self._forms(state):
            conditions = {} if self._settings.refresh else state.conditions(fn == PACKED)
            url = self.channel.repodata_url(self.subdir, fn)
            async with self._transport.open(url, headers=conditions) as response:
                if response.status == 404:
                    continue
                if response.status != 304:
                    return await self._receive(response, url, fn, state)
            if entry and (found := await self._unmodified(entry, response)):
                return found
            async with self._transport.open(url) as response:  # what is cached is broken: without conditions, then
                if response.status == 200:
                    return await self._receive(response, url, fn, state)
        return None

    def _forms(self, state: IndexState) -> Iterable[str]:
        """The files to ask for, in order. On a local disk unpacking would cost more than it saves."""
        if self.is_local:
            return (PLAIN, PACKED)
        return (PACKED, PLAIN) if self._settings.use_zst and not self._is_known_missing(state) else (PLAIN,)

    @staticmethod
    def _is_known_missing(state: IndexState) -> bool:
        zst = state.has_zst
        return zst is not None and not zst.value and zst.is_recent(now_ns())

    async def _unmodified(self, entry: CachedIndex, response: Response) -> RepoData | None:
        found = await self._from_cache(entry, "not modified")
        if found:
            now = now_ns()
            control = response.headers.get("Cache-Control", entry.state.cache_control)
            state = msgspec.structs.replace(
                entry.state,
                refresh_ns=now,
                mtime_ns=now,
                cache_control=control,
                has_shards=self._has_shards(entry.state),
            )
            await anyio.to_thread.run_sync(self._cache.confirm, self.channel, self.subdir, entry, state)
        return found

    async def _receive(self, response: Response, url: str, fn: str, known: IndexState) -> RepoData:
        """Read an answer while it arrives; the worker unpacks, splits and writes the cache."""
        if response.status != 200:
            raise HttpStatusError(mask_secrets(url), response.status, "which was not asked for")
        state = self._state(response, url, fn, known)
        found = await self._pump(response, url, lambda pieces: self._store(pieces, url, state))
        if found:
            return found
        async with self._transport.open(url) as again:  # the disk refuses it: this time into memory
            return await self._pump(again, url, lambda pieces: build(pieces, self.channel, self.subdir, url=url))

    async def _pump(self, response: Response, url: str, work: Callable[[Iterable[bytes]], Result]) -> Result:
        """``work`` over the answer's bytes, in a worker thread."""
        self._report(TransferStarted(self._key, self._key, "repodata", response.headers.number("Content-Length")))
        stream = Continuation(self._transport, url, progress=self._advanced)
        try:
            return await pump(stream.chunks(response), work, limiter=self._limiter)
        finally:
            self._report(TransferFinished(self._key))

    def _has_shards(self, known: IndexState) -> Checked | None:
        return Checked.at(False, now_ns()) if self._found.absent else known.has_shards

    def _advanced(self, amount: int) -> None:
        self._report(TransferAdvanced(self._key, amount))

    def _state(self, response: Response, url: str, fn: str, known: IndexState) -> IndexState:
        now = now_ns()
        # has_zst also tells which form the validators belong to (`IndexState.conditions`)
        has_zst = Checked.at(fn == PACKED, now) if self._settings.use_zst else None
        if fn == PLAIN and has_zst and self._is_known_missing(known):
            has_zst = known.has_zst  # not looked for this time: the old date counts
        headers = response.headers
        return IndexState(
            url=self.channel.repodata_url(self.subdir, PLAIN),
            etag=headers.get("ETag", ""),
            mod=headers.get("Last-Modified", ""),
            cache_control=headers.get("Cache-Control", ""),
            refresh_ns=now,
            has_zst=has_zst,
            has_shards=self._has_shards(known),
        )

    def _store(self, pieces: Iterable[bytes], url: str, state: IndexState) -> RepoData | None:
        """The worker's part: only an index that could be read reaches the cache. None if the disk refuses it."""
        writer = None if self.is_local else self._cache.writer(self.channel, self.subdir)
        if writer is None:
            return build(pieces, self.channel, self.subdir, url=url)
        try:
            parts = store(pieces, writer, url=url)
            RepoData.place(self.channel, self.subdir, parts.head, mask_secrets(url))
        except BaseException:
            writer.discard()
            raise
        writer.commit(state, parts)
        self._warn(writer)
        return None if writer.error else self._read(writer.path)

    def _warn(self, writer: IndexWriter) -> None:
        if writer.error:
            trouble = StorageError.from_os_error(f"remember the index of {self._key}", writer.error)
            self._report(Notice("warning", f"{trouble.message}. It will be fetched again next time."))
