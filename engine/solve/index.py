"""The candidates of a name, from all subdirs, ranked (`candidates`).

Rule of this file: which ones. Names are asked for one at a time, so that only those that can matter are decoded. What
is installed is a candidate too; strict channel priority leaves lower channels out that have the name, unless a spec of
the request means one of them by naming it; what came after ``exclude_newer`` does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.errors import SolveError
from engine.model.cutoff import known_since
from engine.model.lazy_records import fns_of, heads_of
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, PrefixRecord, RepoDataRecord
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows
from engine.solve.candidates import Candidates, ranked
from engine.solve.fits import spec_matches
from engine.solve.ranking import Source
from engine.solve.task import ChannelPriority, Rows, SolveTask

MOST_CANDIDATES = 300_000
"""Of one name: thirty times as many as any has in conda-forge. Ranking them takes some seconds and 400 MB."""


def same_package(one: PackageRecord, other: PackageRecord) -> bool:
    """Whether two records are of the same archive, as far as they tell."""
    if one.dist != other.dist or (one.subdir and other.subdir and one.subdir != other.subdir):
        return False
    for mine, theirs in ((one.sha256, other.sha256), (one.md5, other.md5)):
        if mine and theirs:
            return mine.lower() == theirs.lower()
    mine, theirs = getattr(one, "channel", ""), getattr(other, "channel", "")
    return not (mine and theirs) or mine == theirs


def lazy_rows(rows: Rows, name: str) -> Sequence[RepoDataRecord]:
    """What a subdir has of a name, decoded where it is looked at if the subdir can do that."""
    return rows.lazy_records(name) if isinstance(rows, RepoData | ShardRows) else rows.records(name)


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
        self._updated = {record.name for record in task.installed if task.update_all or record.name in task.update}
        self._installed = {} if task.keep == "ignore" else {record.name: record for record in task.installed}
        self._channel_ranks: dict[str, int] = {}
        for rows in task.repodata:
            self._channel_ranks.setdefault(rows.channel.public_url, len(self._channel_ranks))
        self._found: dict[str, Candidates] = {}
        self._known = known if known is not None and self._is_like(known) else None

    def _is_like(self, other: PackageIndex) -> bool:
        return self._repodata is other._repodata and self._settings() == other._settings()

    def _settings(self) -> tuple[object, ...]:
        return self._priority, self._cutoffs, self._installed, self._updated, self._kept

    def ranks_as(self, other: PackageIndex) -> bool:
        """Whether the candidates of every name are the same, in the same order."""
        return self._is_like(other) and all(
            self._ranks_alike(other, name) for name in dict.fromkeys([*self._asked, *other._asked])
        )

    def _ranks_alike(self, other: PackageIndex, name: str) -> bool:
        """The same of one name, where nothing else is different. Of specs it counts whether there are any, for which
        candidates with ``track_features`` come last or don't; and what they say of channels."""
        mine, theirs = self._asked.get(name), other._asked.get(name)
        if mine == theirs:
            return True
        if any(spec.channel is not None for spec in (*(mine or ()), *(theirs or ()))):
            return False
        return (mine is None) == (theirs is None) or not other.candidates(name).featured

    @property
    def repodata(self) -> Sequence[Rows]:
        """The subdirs, in order of priority."""
        return self._repodata

    def names(self) -> set[str]:
        """All names that any subdir has, and what is installed."""
        return {name for rows in self._repodata for name in rows.names()} | set(self._installed)

    def has(self, name: str) -> bool:
        """Whether there is any candidate of a name."""
        return self.candidates(name).size > 0

    def keeps(self, name: str) -> bool:
        """Whether a package of the name is installed and may stay, as it is or in a newer version."""
        return name in self._kept or name in self._updated

    def candidates(self, name: str) -> Candidates:
        """The ranked candidates of a name; none if nobody has it. Records whose version is no version are left out."""
        found = self._found.get(name)
        if found is None:
            known = self._known
            borrows = known is not None and self._ranks_alike(known, name)
            found = (known.candidates if known is not None and borrows else self._rank)(name)
            self._found[name] = found
        return found

    def _rank(self, name: str) -> Candidates:
        available, held_back, too_new = self._available(name)
        count = sum(len(source.usable) for source in available)
        if count > MOST_CANDIDATES:
            raise SolveError(
                f"The channels have {count:,} candidates of {name}; more than {MOST_CANDIDATES:,} of one package "
                "can't be weighed against each other.",
                hint="No real channel has so many: ask those who keep it.",
            )
        installed = self._installed.get(name)
        if installed is not None:
            # One of a channel that is not asked is weighed by its version, as by micromamba: no update makes it older.
            best = available[0].channel if available else 0
            rank = self._channel_ranks.get(installed.channel, best)
            others = [_without(source, installed) for source in available]
            available = [Source((installed,), (installed,), (installed.fn,), rank, (0,)), *others]
        return ranked(
            name,
            available,
            kept=self._kept.get(name),
            asked=name in self._asked,
            by_channel=self._priority != "disabled",
            held_back=held_back,
            too_new=too_new,
        )

    def _available(self, name: str) -> tuple[list[Source], tuple[str, ...], int]:
        """The candidates; the channels that strict priority left out; how many are too new. A channel all of whose
        candidates are too new has none."""
        found: list[Source] = []
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

    def _source(self, rows: Rows, name: str) -> Source:
        """What a subdir has of a name, as far as it is old enough."""
        records = lazy_rows(rows, name)
        heads = heads_of(records)
        limit = self._cutoffs.limit(name, rows.channel.public_url) if self._cutoffs else None
        usable: Sequence[int] = range(len(heads))
        if limit is not None:
            usable = [number for number, head in enumerate(heads) if known_since(head) <= limit]
        return Source(records, heads, fns_of(records), self._channel_ranks[rows.channel.public_url], usable)

    def _asked_by_channel(self, name: str, source: Source) -> list[int]:
        """Those that a spec of the request means by naming the very channel, which outweighs strict priority."""
        asked = [spec for spec in self._asked.get(name, ()) if spec.channel is not None]
        return [number for number in source.usable if any(spec_matches(spec, source.records[number]) for spec in asked)]


def _without(source: Source, installed: PrefixRecord) -> Source:
    """The candidates that are not what is installed. Only those of the same build must be looked at whole."""
    dist = installed.dist
    others = [
        number
        for number in source.usable
        if source.heads[number].dist != dist or not same_package(source.records[number], installed)
    ]
    return source._replace(usable=others)
