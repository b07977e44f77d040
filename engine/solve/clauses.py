"""From names, specs and records to numbers and clauses, each clause with its reason.

Rule of this file: what is written down must hold in every answer, and nothing is written down before it is needed.
A package gets its number when something first speaks of it; the relations of its candidates become clauses only when
the search considers them (`Problem.encode`). Until then such a candidate seems to need nothing, which makes the
problem easier than it is, never harder: so whatever is contradictory stays so, and an answer all of whose candidates
are written down is an answer.

A relation on ``target`` is a set of ranks, as intervals [a, b). "One of them must be there" is: ≥ the first a; not in
any gap between intervals; < the last b. Each is a clause of one or two literals, whatever the number of candidates.
Neighbouring candidates with the same relation share its clauses.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, PrefixRecord
from engine.solve.domains import Domains
from engine.solve.index import Candidates, PackageIndex
from engine.solve.learning import Ancestry
from engine.solve.matching import Interval, matches_name, ranks_matching
from engine.solve.reasons import Reason, Relation, Unreadable

Kind = Literal["depends", "constrains"]
Heads = tuple[tuple[int, ...], ...]
"""Clauses, each to be joined to "or the candidate is not chosen"."""


class Link(msgspec.Struct, frozen=True):
    """A relation made of numbers. ``package`` is -1 where it is about a virtual package."""

    package: int
    target: str
    heads: Heads
    bounds: tuple[int, int]
    """The ranks that it lies between: first a, last b."""


class Problem:
    """Packages, clauses and reasons so far."""

    def __init__(self, index: PackageIndex, virtual: Mapping[str, Sequence[PackageRecord]], *, add_pip: bool) -> None:
        self.index = index
        self.domains = Domains()
        self.ancestry = Ancestry(self.domains)
        self.candidates: list[Candidates] = []
        """By package number."""
        self.reasons: dict[int, Reason] = {}
        """By clause; those that follow from others have none."""
        self._virtual = virtual
        self._numbers: dict[str, int] = {}
        self._links: dict[tuple[Kind, str], Link | None] = {}
        self._encoded: set[tuple[int, int]] = set()
        self._targets: dict[tuple[int, int], tuple[int, ...]] = {}
        self._options: dict[str, tuple[int, ...]] = {}
        """By name of an artificial package: what its candidates stand for."""
        self._add_pip = add_pip

    # --- packages -------------------------------------------------------------------------------------------

    def package(self, name: str) -> int:
        """The number of a package."""
        number = self._numbers.get(name)
        return self._add(self.index.candidates(name)) if number is None else number

    def known(self, name: str) -> bool:
        """Whether the search has come across a package."""
        return name in self._numbers

    def _add(self, candidates: Candidates) -> int:
        number = self._numbers[candidates.name] = self.domains.add_package(len(candidates.records))
        self.candidates.append(candidates)
        return number

    def chosen(self, package: int) -> PackageRecord | None:
        """The candidate that the search has settled on, None if the package is out."""
        rank = self.domains.low[package]
        return None if rank < 0 else self.candidates[package].records[rank]

    # --- rules of the request -------------------------------------------------------------------------------

    def require(self, spec: MatchSpec, reason: Reason) -> int:
        """Some package that ``spec`` matches must be there; the number of the package, -1 if it is a virtual one."""
        link = self._link_spec("depends", spec, str(spec))
        self._state((), link.heads, reason)
        return link.package

    def limit(self, spec: MatchSpec, reason: Reason) -> None:
        """What ``spec`` is about must match it if it is there."""
        self._state((), self._link_spec("constrains", spec, str(spec)).heads, reason)

    def allow(self, package: int, ranks: Sequence[Interval], reason: Reason, *, absent: bool) -> None:
        """Only candidates of these ranks, or none if ``absent``."""
        kind: Kind = "constrains" if absent else "depends"
        self._state((), self._heads(kind, package, ranks), reason)

    def _state(self, body: tuple[int, ...], heads: Heads, reason: Reason) -> list[int]:
        numbers = []
        for head in heads:
            number = self.domains.add_clause((*body, *head))
            self.reasons[number] = reason
            numbers.append(number)
        return numbers

    # --- candidates -----------------------------------------------------------------------------------------

    def version_class(self, package: int, rank: int) -> Interval:
        """The candidates that are no worse in version than that of ``rank``, and no better."""
        ends = self.candidates[package].version_ends
        return bisect_left(ends, ends[rank]), ends[rank] + 1

    def build_class(self, package: int, rank: int) -> Interval:
        """The candidates of the same version and build number."""
        ends = self.candidates[package].build_ends
        return bisect_left(ends, ends[rank]), ends[rank] + 1

    def encode(self, package: int, ranks: Interval) -> None:
        """Write down the relations of the candidates of a class, if that is not done yet."""
        if (package, ranks[0]) in self._encoded:
            return
        self._encoded.add((package, ranks[0]))
        spread: dict[int, list[tuple[Interval, Link, list[int]]]] = {}
        for (kind, text), runs in self._relations(package, ranks).items():
            link = self._link(kind, text)
            for start, stop in runs:
                numbers = self._write(package, (start, stop), kind, text, link)
                if link is not None and kind == "depends" and link.package >= 0:
                    spread.setdefault(link.package, []).append(((start, stop), link, numbers))
        for target, parts in spread.items():
            if target != package and len(parts) > 1:
                self._write_common(package, ranks, target, parts)

    def targets(self, package: int, ranks: Interval) -> tuple[int, ...]:
        """The packages that any of the candidates of a class depends on."""
        key = (package, ranks[0])
        found = self._targets.get(key)
        if found is None:
            texts = {text: None for record in self._records(package, ranks) for text in self._depends(record)}
            links = [self._link("depends", text) for text in texts]
            found = self._targets[key] = tuple(
                dict.fromkeys(link.package for link in links if link is not None and link.package >= 0)
            )
        return found

    def needs(self, package: int, rank: int) -> list[int]:
        """The packages that a candidate depends on."""
        if self.candidates[package].name in self._options:
            return [self._options[self.candidates[package].name][rank]]
        links = (self._link("depends", text) for text in self._depends(self.candidates[package].records[rank]))
        return [link.package for link in links if link is not None and link.package >= 0]

    def _records(self, package: int, ranks: Interval) -> Sequence[PackageRecord]:
        return self.candidates[package].records[ranks[0] : ranks[1]]

    def _depends(self, record: PackageRecord) -> Sequence[str]:
        """What a record needs. An installed python needs the pip that it has; it may have lost it on purpose."""
        python = self._add_pip and record.name == "python" and record.version >= "2"
        has_pip = self.index.keeps if isinstance(record, PrefixRecord) else self.index.has
        if python and has_pip("pip"):
            return (*record.depends, "pip")
        return record.depends

    def _relations(self, package: int, ranks: Interval) -> dict[tuple[Kind, str], list[Interval]]:
        """Each relation with the runs of neighbouring ranks that have it."""
        found: dict[tuple[Kind, str], list[Interval]] = {}
        for rank, record in enumerate(self._records(package, ranks), ranks[0]):
            for key in _relations_of(self._depends(record), record.constrains):
                runs = found.setdefault(key, [])
                if runs and runs[-1][1] >= rank:
                    runs[-1] = (runs[-1][0], rank + 1)
                else:
                    runs.append((rank, rank + 1))
        return found

    def _write(self, package: int, run: Interval, kind: Kind, text: str, link: Link | None) -> list[int]:
        body = self._unless(package, run)
        name = self.candidates[package].name
        if link is None:
            return self._state(body, ((),), Unreadable(name, *run, text))
        reason = Relation(kind, name, *run, text, link.target)
        heads = link.heads
        if link.package == package:  # about itself: true or false already, candidate by candidate
            return self._write_self(package, run, link, reason)
        return self._state(body, heads, reason)

    def _write_self(self, package: int, run: Interval, link: Link, reason: Reason) -> list[int]:
        numbers: list[int] = []
        spec = MatchSpec.parse(reason.spec) if isinstance(reason, Relation) else None
        good = ranks_matching(self.candidates[package], spec) if spec is not None else ()
        for rank in range(*run):
            if not any(start <= rank < stop for start, stop in good):
                numbers += self._state(self._unless(package, (rank, rank + 1)), ((),), reason)
        return numbers

    def _write_common(
        self, package: int, ranks: Interval, target: int, parts: Sequence[tuple[Interval, Link, list[int]]]
    ) -> None:
        """What holds for the target whichever candidate of the class is chosen: it saves the search from trying all."""
        low: dict[int, int] = {}
        high: dict[int, int] = {}
        size = self.domains.size[target]
        for (start, stop), link, _ in parts:
            for rank in range(start, stop):
                low[rank] = max(low.get(rank, 0), link.bounds[0])
                high[rank] = min(high.get(rank, size), link.bounds[1])
        if len(low) < ranks[1] - ranks[0]:
            return
        sources = tuple(number for _, _, numbers in parts for number in numbers)
        body = self._unless(package, ranks)
        first, last = min(low.values()), max(high.values())
        heads = [(self.domains.literal(target, first),)] if first < size else []
        if 0 < last < size:
            heads.append((-self.domains.literal(target, last),))
        for head in heads:
            self.ancestry.note(self.domains.add_clause((*body, *head)), sources)

    def _unless(self, package: int, run: Interval) -> tuple[int, ...]:
        """The literals "or none of these candidates is chosen"."""
        start, stop = run
        below = -self.domains.literal(package, start)
        return (below, self.domains.literal(package, stop)) if stop < self.domains.size[package] else (below,)

    # --- specs ----------------------------------------------------------------------------------------------

    def _link(self, kind: Kind, text: str) -> Link | None:
        """The relation that a text means; None if it means nothing."""
        key = (kind, text)
        if key not in self._links:
            try:
                self._links[key] = self._link_spec(kind, MatchSpec.parse(text), text)
            except ParseError:
                self._links[key] = None
        return self._links[key]

    def _link_spec(self, kind: Kind, spec: MatchSpec, text: str) -> Link:
        name = spec.exact_name
        if name is None:
            return self._link_pattern(kind, spec, text)
        if name.startswith("__"):
            return self._link_virtual(kind, name, spec)
        package = self.package(name)
        ranks = ranks_matching(self.candidates[package], spec)
        bounds = (ranks[0][0], ranks[-1][1]) if ranks else (self.domains.size[package], 0)
        return Link(package, name, self._heads(kind, package, ranks), bounds)

    def _link_virtual(self, kind: Kind, name: str, spec: MatchSpec) -> Link:
        """Facts don't change: the relation is true, or false whatever else is chosen."""
        facts = self._virtual.get(name, ())
        met = any(spec.matches(fact) for fact in facts) or (kind == "constrains" and not facts)
        return Link(-1, name, () if met else ((),), (0, 0))

    def _link_pattern(self, kind: Kind, spec: MatchSpec, text: str) -> Link:
        """A spec without a plain name: an artificial package whose candidates are the names that can meet it."""
        if kind == "constrains":
            heads = [link.heads for link in (self._link_spec(kind, narrow, text) for narrow in self._narrowed(spec))]
            return Link(-1, text, tuple(head for found in heads for head in found), (0, 0))
        number = self._numbers.get(text)
        if number is None:
            narrow = list(self._narrowed(spec))
            number = self._add(_choices(text, len(narrow)))
            for rank, option in enumerate(narrow):
                link = self._link_spec("depends", option, str(option))
                reason = Relation("depends", text, rank, rank + 1, str(option), link.target)
                self._state(self._unless(number, (rank, rank + 1)), link.heads, reason)
            options = self._options[text] = tuple(self.package(option.exact_name or "") for option in narrow)
            self._targets[(number, 0)] = options
            self._encoded.add((number, 0))
        size = self.domains.size[number]
        return Link(number, text, self._heads("depends", number, ((0, size),) if size else ()), (0, size))

    def _narrowed(self, spec: MatchSpec) -> Iterator[MatchSpec]:
        """The spec for each name that it may mean."""
        for name in sorted(self.index.names()):
            if matches_name(spec, name):
                narrow = spec.with_(name=name, name_matcher=None)
                if ranks_matching(self.index.candidates(name), narrow):
                    yield narrow

    def _heads(self, kind: Kind, package: int, ranks: Sequence[Interval]) -> Heads:
        literal, size = self.domains.literal, self.domains.size[package]
        if not ranks:
            return ((),) if kind == "depends" else ((-literal(package, 0),),) if size else ()
        first = ranks[0][0]
        heads: list[tuple[int, ...]] = []
        if kind == "depends":
            heads.append((literal(package, first),))
        elif first > 0:
            heads.append((-literal(package, 0), literal(package, first)))
        for (_, below), (above, _) in pairwise(ranks):
            heads.append((-literal(package, below), literal(package, above)))
        if ranks[-1][1] < size:
            heads.append((-literal(package, ranks[-1][1]),))
        return tuple(heads)


def _relations_of(depends: Sequence[str], constrains: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    for text in dict.fromkeys(depends):
        yield "depends", text
    for text in dict.fromkeys(constrains):
        yield "constrains", text


def _choices(name: str, size: int) -> Candidates:
    """Candidates of an artificial package, all equally good, so that names decide."""
    ends = tuple([size - 1] * size)
    records = tuple(PackageRecord(name=name, version="0", build=str(rank)) for rank in range(size))
    return Candidates(name=name, records=records, groups=(), stretches=(), version_ends=ends, build_ends=ends)
