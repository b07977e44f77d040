"""The indexes that all environments of a run are solved against, each subdir loaded once.

All of one platform share one load of all their channels; each is then given the rows of its own channels, in its own
order. Where a channel brings along others (CEP 42), the order of channels decides which count, so each list is loaded
for itself; so it is where the common load fails, for then only those who ask for the bad channel must fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from engine.bulk.messages import BulkError
from engine.config import Config
from engine.errors import WhipsnakeError
from engine.events import Report
from engine.fetch.http.transport import Transport
from engine.fetch.index.load import load_subdirs
from engine.fetch.index.shard_walk import Wanted
from engine.model.channel import Channel
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows
from engine.settings import repodata_settings
from engine.system.failure import Failure

Rows = Sequence[RepoData | ShardRows]
Channels = tuple[Channel, ...]


class Need(msgspec.Struct, frozen=True):
    """What one environment has to look into."""

    platform: str
    channels: Channels
    wanted: Wanted | None
    """None: anything may be looked for, so whole indexes are needed."""


class Indexes:
    """Rows by platform and list of channels, or the reason that there are none."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Channels], Rows | Failure] = {}

    @property
    def subdirs(self) -> int:
        """How many different indexes there are."""
        rows = (row for found in self._found.values() if not isinstance(found, Failure) for row in found)
        return len({(row.channel.public_url, row.subdir) for row in rows})

    def rows(self, platform: str, channels: Channels) -> Rows:
        """What was loaded for a list of channels; raises the error that came instead."""
        found = self._found[platform, channels]
        if isinstance(found, Failure):
            raise BulkError(found)
        return found

    async def load(self, needs: Sequence[Need], config: Config, transport: Transport, report: Report) -> None:
        """Load everything that is needed. Channels that can't be had are remembered as failures."""
        loader = _Loader(config, transport, report)
        for platform in dict.fromkeys(need.platform for need in needs):
            wanted: dict[Channels, list[Wanted | None]] = {}
            for need in needs:
                if need.platform == platform:
                    wanted.setdefault(need.channels, []).append(need.wanted)
            for channels, rows in (await loader.platform(platform, wanted)).items():
                self._found[platform, channels] = rows


class _Loader:
    """One run's way to load."""

    def __init__(self, config: Config, transport: Transport, report: Report) -> None:
        # A run that shall try again with fresh indexes where there is no solution begins with them: one load is one.
        self._settings = repodata_settings(config, refresh=config.retry_clean_cache and not config.offline)
        self._transport, self._report = transport, report

    async def platform(
        self, platform: str, lists: Mapping[Channels, Sequence[Wanted | None]]
    ) -> dict[Channels, Rows | Failure]:
        """The rows of each list of channels."""
        everything = tuple(dict.fromkeys(channel for channels in lists for channel in channels))
        found = await self._try(everything, platform, union([one for group in lists.values() for one in group]))
        if len(lists) == 1:
            return dict.fromkeys(lists, found)
        if not isinstance(found, Failure) and {row.channel for row in found} <= set(everything):
            return {channels: [row for one in channels for row in found if row.channel == one] for channels in lists}
        return {channels: await self._try(channels, platform, union(group)) for channels, group in lists.items()}

    async def _try(self, channels: Channels, platform: str, wanted: Wanted | None) -> Rows | Failure:
        try:
            return await load_subdirs(channels, platform, self._transport, self._settings, self._report, wanted=wanted)
        except WhipsnakeError as error:
            return Failure.of(error)


def union(wanted: Sequence[Wanted | None]) -> Wanted | None:
    """What all of them want together."""
    names: set[str] = set()
    for one in wanted:
        if one is None:
            return None
        names |= one.names
    return Wanted(frozenset(names), any(one is not None and one.add_pip for one in wanted))
