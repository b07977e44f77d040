"""The candidates of a name, best first.

Rule of this file: the order. Names are asked for one at a time, so that only those that can matter are decoded.
The candidates of a package are ranked by, in order:

    1. what is installed and shall be kept,
    2. the channel (strict priority: lower channels are left out; flexible: they come after; disabled: no difference),
    3. none of track_features before any (not so for packages that were asked for), then the newest version, and of
       one version the fewest track_features,
    4. the highest build number, 5. the newest timestamp, 6. the platform's own before noarch,
    7. the channel where it did not count before, the file name and the order of the subdirs, so that it is total.

How many features a candidate tracks counts only within a version: conda-forge lets a variant track two where another
tracks one so that it comes after that (``blas_mkl``, ``blas_mkl_2``), and began with it at some version; so across
versions the number would say no more than that the older is older.

Two candidates are of one *version class* if they differ only in the number of features and from 4 on, of one *build
class* if they differ only from 5 on. "Best" means the best version class first and the best build class within it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, overload

import msgspec

from engine.errors import InvalidVersion
from engine.model.cutoff import known_since
from engine.model.lazy_records import fns_of, heads_of
from engine.model.match_spec import MatchSpec
from engine.model.records import MAX_SECONDS, PackageRecord, PrefixRecord, RecordHead, RepoDataRecord
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows
from engine.model.version import Version
from engine.model.version_key import Key
from engine.solve.fits import spec_matches
from engine.solve.task import ChannelPriority, Rows, SolveTask

_Order: TypeAlias = "tuple[bool, int, bool, int, int, int, int, bool, int, str, int, int]"
"""What ranks a candidate, in the order above, down to its file name; then where it is found."""


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
    records: Sequence[PackageRecord]
    """Decoded when looked at: `heads` will do for many a question."""
    groups: tuple[VersionGroup, ...]
    stretches: tuple[Stretch, ...]
    version_ends: tuple[int, ...]
    """By rank: the last rank of the same version class."""
    build_ends: tuple[int, ...]
    """By rank: the last rank of the same build class."""
    heads: Sequence[RecordHead] = ()
    """By rank: what it was ranked by. Artificial packages have none."""
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


class _Source(NamedTuple):
    """Candidates of one subdir that are not ranked yet."""

    records: Sequence[RepoDataRecord]
    heads: Sequence[RecordHead]
    fns: Sequence[str]
    channel: int
    """The rank of its channel."""
    usable: Sequence[int]
    """The places, in all three, of those that count."""


class _Ranked(Sequence[PackageRecord]):
    """Records by rank, each taken from its source when it is looked at."""

    def __init__(self, places: Sequence[tuple[Sequence[RepoDataRecord], int]]) -> None:
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, rank: int) -> PackageRecord: ...

    @overload
    def __getitem__(self, rank: slice) -> Sequence[PackageRecord]: ...

    def __getitem__(self, rank: int | slice) -> PackageRecord | Sequence[PackageRecord]:
        if isinstance(rank, slice):
            return [source[number] for source, number in self._places[rank]]
        source, number = self._places[rank]
        return source[number]


class PackageIndex:
    """Several subdirs seen as one: name → `Candidates`."""

    def __init__(
        self,
        task: SolveTask,
        asked: Mapping[str, Sequence[MatchSpec]],
        kept: Mapping[str, PrefixRecord],
        known: PackageIndex | None = None,
    ) -> None:
        """``asked``: the specs of the request by name. ``kept``: installed packages that come first, by name.

        ``known``: the index of a similar task, whose rankings serve again where nothing that counts is different.
        """
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
        self._known = known if known is not None and self._is_like(known) else None

    def _is_like(self, other: PackageIndex) -> bool:
        same = (self._priority, self._cutoffs, self._installed, self._kept)
        return self._repodata is other._repodata and same == (
            other._priority,
            other._cutoffs,
            other._installed,
            other._kept,
        )

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
            known = self._known
            borrows = known is not None and self._asked.get(name) == known._asked.get(name)
            found = (known.candidates if known is not None and borrows else self._rank)(name)
            self._found[name] = found
        return found

    def _rank(self, name: str) -> Candidates:
        available, held_back, too_new = self._available(name)
        installed = self._installed.get(name)
        if installed is not None:
            rank = self._channel_ranks.get(installed.channel, len(self._channel_ranks))
            others = [_without(source, installed) for source in available]
            available = [_Source((installed,), (installed,), (installed.fn,), rank, (0,)), *others]
        found = self._sorted(name, available)
        if held_back or too_new:
            return msgspec.structs.replace(found, held_back=held_back, too_new=too_new)
        return found

    def _available(self, name: str) -> tuple[list[_Source], tuple[str, ...], int]:
        """The candidates; the channels that strict priority left out; how many are too new. A channel all of whose
        candidates are too new has none."""
        found: list[_Source] = []
        too_new = 0
        best: int | None = None
        held_back: dict[str, None] = {}
        for rows in self._repodata:
            source = self._source(rows, name)
            too_new += len(source.records) - len(source.usable)
            if not source.usable:
                continue
            best = source.channel if best is None else best
            if self._priority == "strict" and source.channel != best:
                kept = self._asked_by_channel(name, source)
                if len(kept) < len(source.usable):
                    held_back[rows.channel.name] = None
                source = source._replace(usable=kept)
            found.append(source)
        return found, tuple(held_back), too_new

    def _source(self, rows: Rows, name: str) -> _Source:
        """What a subdir has of a name, as far as it is old enough."""
        records = rows.lazy_records(name) if isinstance(rows, RepoData | ShardRows) else rows.records(name)
        heads = heads_of(records)
        limit = self._cutoffs.limit(name, rows.channel.public_url) if self._cutoffs else None
        usable: Sequence[int] = range(len(heads))
        if limit is not None:
            usable = [number for number, head in enumerate(heads) if known_since(head) <= limit]
        return _Source(records, heads, fns_of(records), self._channel_ranks[rows.channel.public_url], usable)

    def _asked_by_channel(self, name: str, source: _Source) -> list[int]:
        """Those that a spec of the request means by naming the very channel, which outweighs strict priority."""
        asked = [spec for spec in self._asked.get(name, ()) if spec.channel is not None]
        return [number for number in source.usable if any(spec_matches(spec, source.records[number]) for spec in asked)]

    def _sorted(self, name: str, available: Sequence[_Source]) -> Candidates:
        versions = _version_ranks(source.heads[number] for source in available for number in source.usable)
        asked, kept = name in self._asked, self._kept.get(name)
        order: list[_Order] = []
        for place, (_, heads, fns, channel, usable) in enumerate(available):
            channel_first = channel if self._priority != "disabled" else 0
            for number in usable:
                head = heads[number]
                version = versions.get(head.version)
                if version is None:
                    continue
                features = len(head.feature_names) if head.track_features else 0
                stamp = head.timestamp  # nearly always milliseconds already: a hundred thousand calls less
                stamp = stamp if type(stamp) is int and stamp > MAX_SECONDS else head.timestamp_ms
                order.append(
                    (
                        head is not kept,
                        channel_first,
                        not asked and features > 0,
                        -version,
                        features,
                        -head.build_number,
                        -stamp,
                        bool(head.noarch),
                        channel,
                        fns[number],
                        place,
                        number,
                    )
                )
        order.sort()
        heads = tuple(available[row[-2]].heads[row[-1]] for row in order)
        groups = tuple(_groups(heads))
        version_ends, build_ends = _class_ends(order)
        return Candidates(
            name=name,
            records=_Ranked([(available[row[-2]].records, row[-1]) for row in order]),
            groups=groups,
            stretches=tuple(_stretches(groups)),
            version_ends=version_ends,
            build_ends=build_ends,
            heads=heads,
        )


def _without(source: _Source, installed: PrefixRecord) -> _Source:
    """The candidates that are not what is installed. Only those of the same build must be looked at whole."""
    dist = installed.dist
    others = [
        number
        for number in source.usable
        if source.heads[number].dist != dist or not same_package(source.records[number], installed)
    ]
    return source._replace(usable=others)


def _version_ranks(records: Iterable[RecordHead]) -> dict[str, int]:
    """Text of a version → its place among all, oldest 0; equal versions share a place."""
    keys = {}
    for text in {record.version for record in records}:
        try:
            keys[text] = Version.parse(text).key
        except InvalidVersion:
            continue  # nothing can ask for it, and it can't be ranked
    places = {key: place for place, key in enumerate(sorted(set(keys.values())))}
    return {text: places[key] for text, key in keys.items()}


def _groups(records: Sequence[RecordHead]) -> Iterator[VersionGroup]:
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


def _class_ends(order: Sequence[_Order]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For each rank the last one of its version class, and of its build class."""
    version_ends, build_ends = list(range(len(order))), list(range(len(order)))
    for rank in range(len(order) - 2, -1, -1):
        this, following = order[rank], order[rank + 1]
        if this[3] == following[3] and this[:3] == following[:3]:  # the version differs most often
            version_ends[rank] = version_ends[rank + 1]
            if this[4:6] == following[4:6]:
                build_ends[rank] = build_ends[rank + 1]
    return tuple(version_ends), tuple(build_ends)
