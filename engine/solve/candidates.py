"""The candidates of one name by rank, best first.

Rule of this file: what may be asked of a ranking, and that it is made only as far as somebody looks. A solve looks into
few of the version classes of a name; so these are put in order at once, and each within itself when one of its
candidates is looked at. What the order is stands in `ranking`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TypeAlias, overload

import msgspec

from engine.model.records import PackageRecord, PrefixRecord
from engine.model.version import Version
from engine.model.version_key import Key
from engine.solve.ranking import Same, Source, class_row, located, version_classes

Interval: TypeAlias = "tuple[int, int]"
"""Ranks from the first to before the second."""


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


class Candidates:
    """All candidates of one name, ranked."""

    def __init__(
        self, name: str, sources: Sequence[Source] = (), *, held_back: tuple[str, ...] = (), too_new: int = 0
    ) -> None:
        """Without candidates yet: `ranked` and `artificial` make what is of use."""
        self.name = name
        self.held_back = held_back
        """Channels that have the name too but are left out by strict channel priority."""
        self.too_new = too_new
        """How many candidates came after the moment that ``exclude_newer`` sets."""
        self.records: Sequence[PackageRecord] = _Ranked(self)
        """Decoded when looked at: what they were ranked by will do for many a question."""
        self.group_starts: list[int] = []
        """The first rank of each group, and at last the number of candidates."""
        self._sources = sources
        self._codes: list[int] = []
        """By rank; in order only within the classes of `_ends`."""
        self._starts: list[int] = []
        """The first rank of each version class."""
        self._ends: dict[int, list[int]] = {}
        """By number of a class that is in order: for each of its candidates the end of the build class."""
        self._texts: list[str] = []
        """The version of each group."""
        self._keys: list[Key] = []
        self._stretches: tuple[Stretch, ...] | None = None
        self._groups: tuple[VersionGroup, ...] | None = None

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._codes)

    @property
    def groups(self) -> tuple[VersionGroup, ...]:
        """Neighbours of the same version, best first."""
        if self._groups is None:
            starts = self.group_starts
            self._groups = tuple(
                VersionGroup(Version.parse(text), starts[number], starts[number + 1])
                for number, text in enumerate(self._texts)
            )
        return self._groups

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Groups whose versions get older, as far as they do."""
        if self._stretches is None:
            self._stretches = tuple(_stretches(self._keys))
        return self._stretches

    @property
    def featured(self) -> bool:
        """Whether any of them tracks features."""
        return any(source.heads[place].track_features for source in self._sources for place in source.usable)

    def version_class(self, rank: int) -> Interval:
        """The candidates that are no worse in version than that of ``rank``, and no better."""
        number = bisect_right(self._starts, rank) - 1
        return self._class(number)

    def build_class(self, rank: int) -> Interval:
        """The candidates of the same version and build number."""
        number = bisect_right(self._starts, rank) - 1
        start = self._starts[number]
        ends = self._in_order(number)
        end = ends[rank - start]
        first = rank - start
        while first and ends[first - 1] == end:
            first -= 1
        return start + first, end

    def builds(self, start: int, stop: int) -> list[str]:
        """The builds of candidates, which need not be decoded for that."""
        return [source.heads[place].build for source, place in self._places(start, stop)]

    def record(self, rank: int) -> PackageRecord:
        """The candidate itself."""
        source, place = self._place(rank)
        return source.records[place]

    def between(self, start: int, stop: int) -> list[PackageRecord]:
        """The candidates of some ranks."""
        return [source.records[place] for source, place in self._places(start, stop)]

    def _place(self, rank: int) -> tuple[Source, int]:
        self._in_order(bisect_right(self._starts, rank) - 1)
        return located(self._sources, self._codes[rank])

    def _places(self, start: int, stop: int) -> Iterator[tuple[Source, int]]:
        """Where the candidates of some ranks are, whose version classes are put in order for that."""
        starts, sources = self._starts, self._sources
        for number in range(bisect_right(starts, start) - 1, bisect_left(starts, stop)):
            self._in_order(number)
        return (located(sources, code) for code in self._codes[start:stop])

    def _class(self, number: int) -> Interval:
        starts = self._starts
        return starts[number], starts[number + 1] if number + 1 < len(starts) else len(self._codes)

    def _in_order(self, number: int) -> list[int]:
        """Put a version class in order; for each of its candidates the end of the build class."""
        ends = self._ends.get(number)
        if ends is None:
            start, stop = self._class(number)
            rows = sorted(map(partial(class_row, self._sources), self._codes[start:stop]))
            self._codes[start:stop] = [row[-1] for row in rows]
            ends = self._ends[number] = [stop] * len(rows)
            for at in range(len(rows) - 2, -1, -1):
                ends[at] = ends[at + 1] if rows[at][:2] == rows[at + 1][:2] else start + at + 1
        return ends

    def _add_class(self, same: Same) -> None:
        """Append a version class: equal versions, each with its candidates."""
        start = len(self._codes)
        self._starts.append(start)
        for _, _, codes in same:
            self._codes += codes
        if len(same) == 1:
            self._add_group(*same[0][:2], start)
            return
        text = None  # 1.0 and 1.0.0: one class, in which they may alternate
        self._in_order(len(self._starts) - 1)
        for rank in range(start, len(self._codes)):
            source, place = self._place(rank)
            if source.heads[place].version != text:
                text = source.heads[place].version
                self._add_group(same[0][0], text, rank)

    def _add_group(self, key: Key, text: str, start: int) -> None:
        self.group_starts.append(start)
        self._texts.append(text)
        self._keys.append(key)


class _Ranked(Sequence[PackageRecord]):
    """Records by rank."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates

    def __len__(self) -> int:
        return self._candidates.size

    @overload
    def __getitem__(self, rank: int) -> PackageRecord: ...

    @overload
    def __getitem__(self, rank: slice) -> Sequence[PackageRecord]: ...

    def __getitem__(self, rank: int | slice) -> PackageRecord | Sequence[PackageRecord]:
        if isinstance(rank, slice):
            start, stop, step = rank.indices(len(self))
            return (
                self._candidates.between(start, stop) if step == 1 else [self[one] for one in range(start, stop, step)]
            )
        return self._candidates.record(rank if rank >= 0 else rank + len(self))


def ranked(
    name: str,
    sources: Sequence[Source],
    *,
    kept: PrefixRecord | None,
    asked: bool,
    by_channel: bool,
    held_back: tuple[str, ...] = (),
    too_new: int = 0,
) -> Candidates:
    """The candidates of a name (see `version_classes`)."""
    made = Candidates(name, sources, held_back=held_back, too_new=too_new)
    for same in version_classes(sources, kept=kept, asked=asked, by_channel=by_channel):
        made._add_class(same)
    made.group_starts.append(made.size)
    return made


def _stretches(keys: Sequence[Key]) -> Iterator[Stretch]:
    start = 0
    for stop in range(1, len(keys) + 1):
        if stop == len(keys) or keys[stop] > keys[stop - 1]:
            yield Stretch(start, stop, tuple(reversed(keys[start:stop])))
            start = stop


class _Alike(Candidates):
    """Candidates of an artificial package, all equally good."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(name)
        self.records = [PackageRecord(name=name, version="0", build=str(rank)) for rank in range(size)]

    @property
    def size(self) -> int:
        return len(self.records)

    def version_class(self, rank: int) -> Interval:
        return 0, self.size

    def build_class(self, rank: int) -> Interval:
        return 0, self.size


def artificial(name: str, size: int) -> Candidates:
    """Candidates of a package that stands for what is either so or not, or for a choice between names."""
    return _Alike(name, size)
