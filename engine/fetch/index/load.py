"""From channels to what a solver reads: every subdir at once, whole or in shards, with the channels they bring along.

    heads    each subdir answers with its shard index or its whole index (`engine.fetch.index.repodata`)
    channels what these say of other channels is followed, level by level (CEP 42)
    walk     the shards that the request can reach are fetched (`engine.fetch.index.shard_walk`)

A subdir whose shards turn out to be unusable is loaded whole, and the walk is made again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, overload

import anyio
import anyio.to_thread

from engine.errors import ChannelNotFound, OfflineError, RepodataError
from engine.events import Notice, Report
from engine.fetch.http.transport import Transport
from engine.fetch.index.repodata import PLAIN, Means, RepodataSettings, Subdir
from engine.fetch.index.repodata_cache import RepodataCache
from engine.fetch.index.shard_cache import ShardCache
from engine.fetch.index.shard_index import ShardMeans
from engine.fetch.index.shard_walk import ShardUnusable, Wanted, walk
from engine.flow import first_error
from engine.model.channel import Channel, mask_secrets
from engine.model.platform import NOARCH
from engine.model.relations import ChannelGraph, read_relations
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup


@overload
async def load_subdirs(
    channels: Sequence[Channel], platform: str, transport: Transport, settings: RepodataSettings, report: Report
) -> list[RepoData]: ...


@overload
async def load_subdirs(
    channels: Sequence[Channel],
    platform: str,
    transport: Transport,
    settings: RepodataSettings,
    report: Report,
    *,
    wanted: Wanted | None,
) -> list[RepoData | ShardRows]: ...


async def load_subdirs(
    channels: Sequence[Channel],
    platform: str,
    transport: Transport,
    settings: RepodataSettings,
    report: Report,
    *,
    wanted: Wanted | None = None,
) -> Sequence[RepoData | ShardRows]:
    """The index of every subdir that ``platform`` needs, in the channels' order, the platform's own before noarch.

    Only what ``wanted`` can reach need be there (None: everything, so no shards are used). Channels that the given
    ones name (CEP 42) are among them, in the place that they have to be.

    A subdir that is missing counts as empty if its channel has the other one (CEP 26 asks for noarch, micromamba and
    conda forgive it: with a warning). Raises `ChannelNotFound` where a channel has neither, `OfflineError` where
    nothing of it is cached, `RepodataError` for what is no index, `VerificationError` for shards that are not the
    right ones, and `NetworkError`.
    """
    try:
        loader = _Loader(platform, transport, settings, report, wanted)
        jobs = await loader.heads(channels)
        if wanted is not None:
            await loader.shards(jobs, wanted)
        return [job.hand_over() for job in jobs]
    except BaseExceptionGroup as error:
        raise first_error(error) from None


class _Loader:
    """One load under way."""

    def __init__(
        self, platform: str, transport: Transport, settings: RepodataSettings, report: Report, wanted: Wanted | None
    ) -> None:
        self._platform, self._settings, self._report = platform, settings, report
        self._named_by: dict[Channel, Channel] = {}
        """Of channels that were brought along: by whom."""
        self._shards = ShardMeans(
            transport,
            ShardCache(settings.cache_dirs),
            report,
            ttl=settings.ttl,
            offline=settings.offline or transport.settings.offline,
            refresh=settings.refresh,
            threads=settings.shards_threads,
        )
        sharded = self._shards if wanted is not None and settings.use_shards else None
        self._means = Means(transport, RepodataCache(settings.cache_dirs), settings, report, sharded)

    # --- heads and channels

    async def heads(self, channels: Sequence[Channel]) -> list[Subdir]:
        """All subdirs of the channels and of those they name, in order of priority; each has answered."""
        graph = ChannelGraph(channels, depth=self._settings.relations_depth)
        found: dict[Channel, list[Subdir]] = {}
        level = list(dict.fromkeys(channels))
        while level:
            jobs = {channel: self._subdirs(channel) for channel in level}
            await self._run([job for group in jobs.values() for job in group])
            for channel, group in jobs.items():
                self._judge(channel, group)
            found.update(jobs)
            level = [new for group in jobs.values() for job in group for new in self._related(graph, job)]
        return [job for channel in graph.order() for job in found[channel]]

    def _subdirs(self, channel: Channel) -> list[Subdir]:
        return [Subdir(channel, subdir, self._means) for subdir in channel.subdirs(self._platform)]

    async def _run(self, jobs: Sequence[Subdir]) -> None:
        limiter = anyio.CapacityLimiter(max(1, len(jobs)))  # a worker waits for its bytes: none may wait for a worker
        async with anyio.create_task_group() as group:
            for job in jobs:
                group.start_soon(job.run, limiter)

    def _related(self, graph: ChannelGraph, job: Subdir) -> Iterator[Channel]:
        """The channels that a subdir names and nobody did before."""
        if job.result is None:
            return
        url = mask_secrets(job.channel.repodata_url(job.subdir))
        relations = job.result.relations if isinstance(job.result, ShardRows) else read_relations(job.result.info, url)
        for channel in graph.declare(job.channel, relations):
            if self._settings.admit is not None:
                self._settings.admit(channel)
            self._named_by[channel] = job.channel
            self._report(Notice("info", f"The channel {job.channel.name} brings along {channel.name}."))
            yield channel

    def _judge(self, channel: Channel, jobs: Sequence[Subdir]) -> None:
        """Say what is missing of a channel; raise if that is all of it."""
        missing = [job.subdir for job in jobs if job.result is None]
        if jobs and len(missing) == len(jobs):
            raise _offline(channel) if jobs[0].is_offline else _not_found(channel, missing, self._named_by.get(channel))
        for subdir in missing:
            level: Literal["debug", "warning"] = "warning" if subdir == NOARCH or jobs[0].is_offline else "debug"
            where = "in the cache" if jobs[0].is_offline else f"at {channel.public_url}"
            self._report(Notice(level, f"Channel {channel.name} has no {subdir} {where}; it is taken as empty."))
        notes: dict[str, list[str]] = {}
        for job in jobs:
            for note in job.result.notes if job.result else ():
                notes.setdefault(note, []).append(job.subdir)
        for note, subdirs in notes.items():
            self._report(Notice("warning", f"{channel.name} ({', '.join(subdirs)}): {note}"))

    # --- shards

    async def shards(self, jobs: Sequence[Subdir], wanted: Wanted) -> None:
        """Fetch the shards that ``wanted`` leads to; subdirs that can't do with shards become whole ones."""
        while any(isinstance(job.result, ShardRows) for job in jobs):
            rows = [job.result for job in jobs if job.result is not None]
            try:
                missing = await walk(rows, wanted, self._shards)
            except (BaseExceptionGroup, ShardUnusable) as raised:
                error = first_error(raised)
                if not isinstance(error, ShardUnusable):
                    raise
                await self._instead(next(job for job in jobs if job.result is error.rows), error.error)
                continue
            if missing and await self._whole_ones(jobs, {id(job.rows) for job in missing}):
                continue
            self._tell_missing(job.name for job in missing)
            break
        if self._shards.cache.has_news:
            await anyio.to_thread.run_sync(self._shards.cache.collect)

    async def _instead(self, job: Subdir, error: RepodataError) -> None:
        """A shard can't be used: its index may be old. Ask for it anew, or else for the whole one."""
        if not await job.renew():
            self._report(Notice("warning", f"{error}. The whole index of {job.channel.name}/{job.subdir} is used."))
            if not await job.make_whole():
                raise error

    async def _whole_ones(self, jobs: Iterable[Subdir], lacking: set[int]) -> bool:
        """Offline: whether a subdir that lacks shards could be replaced by a whole index in the cache."""
        replaced = [await job.make_whole() for job in jobs if id(job.result) in lacking]
        return any(replaced)

    def _tell_missing(self, names: Iterable[str]) -> None:
        found = sorted(set(names))
        if found:
            shown = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
            text = f"The cache lacks what the channels have of {len(found)} packages, which count as absent: {shown}"
            self._report(Notice("warning", text))


def _not_found(channel: Channel, subdirs: Sequence[str], named_by: Channel | None) -> ChannelNotFound:
    hint = "Check the spelling of the channel, `channel_alias`, and whether it needs a token or a login."
    if named_by:
        hint = "`channel_relations_max_depth: 0` makes do with the channels that you name."
    named = f", which the channel {named_by.name} names" if named_by else ""
    return ChannelNotFound(
        f"There is no channel at {mask_secrets(channel.base_url)}{named}: it has no {PLAIN} in {' or '.join(subdirs)}",
        hint=hint,
        data={"channel": channel.name, "url": channel.public_url},
    )


def _offline(channel: Channel) -> OfflineError:
    return OfflineError(
        f"Nothing of channel {channel.name} is in the cache, and we are offline",
        hint="Run once without --offline so that its index is fetched.",
    )
