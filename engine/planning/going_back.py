"""From a revision of an environment to the packages that it had.

Rule of this file: it looks for each package's record, nearest first: in the environment, among what was removed from
it, in the package cache, then in the channels. A package that has left its channel is found as long as one of the
others knows it (ISS-48).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from engine.config import Config
from engine.config.channels import configured_channels
from engine.environment.revisions import Past, channel_of, dist_of
from engine.errors import InvalidChannel, PackagesNotFound
from engine.fetch.cache.package_cache import PackageCache
from engine.link.prefix.present import PrefixData
from engine.link.prefix.removed import read_removed
from engine.model.channel import Channel
from engine.model.records import RepoDataRecord
from engine.solve.task import Rows

Load = Callable[[Sequence[Channel], frozenset[str]], Awaitable[Sequence[Rows]]]
"""Loads what channels have of some names."""


async def records_of(
    past: Past, present: PrefixData, cache: PackageCache, config: Config, load: Load
) -> tuple[RepoDataRecord, ...]:
    """The records. Raises `PackagesNotFound` for packages that nobody knows any more."""
    removed = read_removed(present.prefix)
    found: dict[str, RepoDataRecord] = {}
    for name, text in past.dists.items():
        known = _first(_nearby(dist_of(text), present, removed, cache), _channels(text, config))
        if known is not None:
            found[name] = known
    rest = {name: text for name, text in past.dists.items() if name not in found}
    if rest:
        found |= await _from_channels(rest, config, load)
    missing = [text for name, text in past.dists.items() if name not in found]
    if missing:
        raise PackagesNotFound(
            "Could not go back: nothing knows these packages of the revision any more, neither the environment nor the "
            "package cache nor a channel:" + "".join(f"\n    {text}" for text in missing),
            hint="If a channel moved, name it with --channel.",
            data={"packages": missing},
        )
    return tuple(found.values())


def _nearby(
    dist: str, present: PrefixData, removed: Mapping[str, tuple[RepoDataRecord, ...]], cache: PackageCache
) -> Iterator[RepoDataRecord]:
    yield from (record for record in present.records if record.dist == dist)
    yield from removed.get(dist, ())
    yield from cache.find_dist(dist)


def _channels(text: str, config: Config) -> tuple[Channel, ...]:
    """What the channel of a line in the history means now; nothing where that can't be said."""
    name = channel_of(text)
    try:
        return configured_channels(config, [name]) if name else ()
    except InvalidChannel:
        return ()


def _first(records: Iterator[RepoDataRecord], channels: Sequence[Channel]) -> RepoDataRecord | None:
    """The first of these channels; of any, if there are none."""
    addresses = {channel.public_url for channel in channels}
    return next((r for r in records if r.url and (not addresses or not r.channel or r.channel in addresses)), None)


async def _from_channels(texts: Mapping[str, str], config: Config, load: Load) -> dict[str, RepoDataRecord]:
    channels = [*configured_channels(config), *(one for text in texts.values() for one in _channels(text, config))]
    unique = {channel.public_url: channel for channel in channels}
    rows = await load(tuple(unique.values()), frozenset(texts))
    found: dict[str, RepoDataRecord] = {}
    for name, text in texts.items():
        dist = dist_of(text)
        matching = (record for one in rows for record in one.records(name) if record.dist == dist)
        known = _first(matching, _channels(text, config))
        if known is not None:
            found[name] = known
    return found
