"""The candidates of a name, best first.

Rule of this file: the order. Names are asked for one at a time, so that only those that can matter are decoded.
The candidates of a package are ranked by, in order:

    1. what is installed and shall be kept,
    2. the channel (strict priority: lower channels are left out; flexible: they come after; disabled: no difference),
    3. none of track_features before any (not so for packages that were asked for), then the newest version, and of
       one version the fewest track_features,
    4. the highest build number, 5. the newest timestamp, 6. the platform's own before noarch,
    7. the channel where it did not count before, and the file name, so that the order is total.

How many features a candidate tracks counts only within a version: conda-forge lets a variant track two where another
tracks one so that it comes after that (``blas_mkl``, ``blas_mkl_2``), and began with it at some version; so across
versions the number would say no more than that the older is older.

Two candidates are of one *version class* if they differ only in the number of features and from 4 on, of one *build
class* if they differ only from 5 on. "Best" means the best version class first and the best build class within it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from engine.errors import InvalidVersion
from engine.model.cutoff import known_since
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, PrefixRecord, RepoDataRecord
from engine.model.version import Version
from engine.model.version_key import Key
from engine.solve.fits import spec_matches
from engine.solve.task import ChannelPriority, Rows, SolveTask


class VersionGroup(msgspec.Struct, frozen=True):
    """Neighbours in the ranking that have the same version: ranks ``start`` to ``stop - 1``."""

    version: Version
    start: int
    stop: int


class Stretch(msgspec.Struct, frozen=True):
    """Groups ``start`` to ``stop - 1``, whose versions get older from one to the next."""

    start: int
    stop: int
    keys: tuple[Key, ...]
    """Of their versions, oldest first: to be bisected."""


class Candidates(msgspec.Struct, frozen=True):
    """All candidates of one name, ranked."""

    name: str
    records: tuple[PackageRecord, ...]
    groups: tuple[VersionGroup, ...]
    stretches: tuple[Stretch, ...]
    version_ends: tuple[int, ...]
    """By rank: the last rank of the same version class."""
    build_ends: tuple[int, ...]
    """By rank: the last rank of the same build class."""
    held_back: tuple[str, ...] = ()
    """Channels that have the name too but are left out by strict channel priority."""
    too_new: int = 0
    """How many candidates came after the moment that ``exclude_newer`` sets."""


def same_package(one: PackageRecord, other: PackageRecord) -> bool:
    """Whether two records are of the same archive, as far as they tell."""
    if one.dist != other.dist or (one.subdir and other.subdir and one.subdir != other.subdir):
        return False
    for mine, theirs in ((one.sha256, other.sha256), (one.md5, other.md5)):
        if mine and theirs:
            return mine.lower() == theirs.lower()
    mine, theirs = getattr(one, "channel", ""), getattr(other, "channel", "")
    return not (mine and theirs) or mine == theirs


class PackageIndex:
    """Several subdirs seen as one: name → `Candidates`."""

    def __init__(self, task: SolveTask, asked: Mapping[str, Sequence[MatchSpec]], kept: Mapping[str, PrefixRecord]):
        """``asked``: the specs of the request by name. ``kept``: installed packages that come first, by name."""
        self._repodata = task.repodata
        self._priority: ChannelPriority = task.channel_priority
        self._cutoffs = task.exclude_newer if task.exclude_newer else None
        self._asked = asked
        self._kept = kept
        self._installed = {} if task.keep == "ignore" else {record.name: record for record in task.installed}
        self._channel_ranks: dict[str, int] = {}
        for rows in task.repodata:
            self._channel_ranks.setdefault(rows.channel.public_url, len(self._channel_ranks))
        self._found: dict[str, Candidates] = {}

    @property
    def repodata(self) -> Sequence[Rows]:
        """The subdirs, in order of priority."""
        return self._repodata

    def names(self) -> set[str]:
        """All names that any subdir has, and what is installed."""
        return {name for rows in self._repodata for name in rows.names()} | set(self._installed)

    def has(self, name: str) -> bool:
        """Whether there is any candidate of a name."""
        return bool(self.candidates(name).records)

    def keeps(self, name: str) -> bool:
        """Whether a package of the name is installed and may stay."""
        return name in self._kept

    def candidates(self, name: str) -> Candidates:
        """The ranked candidates of a name; none if nobody has it. Records whose version is no version are left out."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._rank(name)
        return found

    def _rank(self, name: str) -> Candidates:
        available, held_back, too_new = self._available(name)
        installed = self._installed.get(name)
        if installed is not None:
            rank = self._channel_ranks.get(installed.channel, len(self._channel_ranks))
            available = [(installed, rank), *(pair for pair in available if not same_package(pair[0], installed))]
        found = self._sorted(name, available)
        if held_back or too_new:
            return msgspec.structs.replace(found, held_back=held_back, too_new=too_new)
        return found

    def _available(self, name: str) -> tuple[list[tuple[RepoDataRecord, int]], tuple[str, ...], int]:
        """Each candidate with the rank of its channel; the channels that strict priority left out; how many are too
        new. A channel all of whose candidates are too new has none."""
        found: list[tuple[RepoDataRecord, int]] = []
        too_new = 0
        best: int | None = None
        held_back: dict[str, None] = {}
        for rows in self._repodata:
            records = rows.records(name)
            if self._cutoffs is not None:
                before = len(records)
                records = self._old_enough(name, rows.channel.public_url, records)
                too_new += before - len(records)
            if not records:
                continue
            rank = self._channel_ranks[rows.channel.public_url]
            best = rank if best is None else best
            if self._priority == "strict" and rank != best:
                kept = [record for record in records if self._asked_by_channel(record)]
                if len(kept) < len(records):
                    held_back[rows.channel.name] = None
                records = kept
            found.extend((record, rank) for record in records)
        return found, tuple(held_back), too_new

    def _old_enough(self, name: str, channel: str, records: Sequence[RepoDataRecord]) -> Sequence[RepoDataRecord]:
        limit = self._cutoffs.limit(name, channel) if self._cutoffs else None
        return records if limit is None else [record for record in records if known_since(record) <= limit]

    def _asked_by_channel(self, record: RepoDataRecord) -> bool:
        """Whether a spec of the request names the very channel, which outweighs strict priority."""
        return any(spec.channel is not None and spec_matches(spec, record) for spec in self._asked.get(record.name, ()))

    def _sorted(self, name: str, available: Sequence[tuple[RepoDataRecord, int]]) -> Candidates:
        versions = _version_ranks(record for record, _ in available)
        asked, kept = name in self._asked, self._kept.get(name)
        by_channel = self._priority != "disabled"
        rows = []
        for record, channel in available:
            version = versions.get(record.version)
            if version is None:
                continue
            features = len(record.feature_names) if record.track_features else 0
            order = (not asked and features > 0, -version, features)
            first = (record is not kept, channel if by_channel else 0)
            last = (-record.timestamp_ms, record.noarch_type is not None, channel, record.fn, record.url)
            rows.append(((*first, *order, -record.build_number, *last), record))
        rows.sort(key=lambda row: row[0])
        records = tuple(record for _, record in rows)
        groups = tuple(_groups(records))
        return Candidates(
            name=name,
            records=records,
            groups=groups,
            stretches=tuple(_stretches(groups)),
            version_ends=_class_ends([key[:4] for key, _ in rows]),
            build_ends=_class_ends([key[:6] for key, _ in rows]),
        )


def _version_ranks(records: Iterable[PackageRecord]) -> dict[str, int]:
    """Text of a version → its place among all, oldest 0; equal versions share a place."""
    keys = {}
    for text in {record.version for record in records}:
        try:
            keys[text] = Version.parse(text).key
        except InvalidVersion:
            continue  # nothing can ask for it, and it can't be ranked
    places = {key: place for place, key in enumerate(sorted(set(keys.values())))}
    return {text: places[key] for text, key in keys.items()}


def _groups(records: Sequence[PackageRecord]) -> Iterator[VersionGroup]:
    start = 0
    for stop in range(1, len(records) + 1):
        if stop == len(records) or records[stop].version != records[start].version:
            yield VersionGroup(Version.parse(records[start].version), start, stop)
            start = stop


def _stretches(groups: Sequence[VersionGroup]) -> Iterator[Stretch]:
    keys = [group.version.key for group in groups]
    start = 0
    for stop in range(1, len(groups) + 1):
        if stop == len(groups) or keys[stop] > keys[stop - 1]:
            yield Stretch(start, stop, tuple(reversed(keys[start:stop])))
            start = stop


def _class_ends(keys: Sequence[tuple[object, ...]]) -> tuple[int, ...]:
    ends = [0] * len(keys)
    for rank in range(len(keys) - 1, -1, -1):
        last = rank + 1 == len(keys) or keys[rank] != keys[rank + 1]
        ends[rank] = rank if last else ends[rank + 1]
    return tuple(ends)
