"""From candidates to clauses, each clause with its reason.

Rule of this file: what is written down must hold in every answer, and nothing is written down before it is needed.
The relations of a package's candidates become clauses only when the search considers them (`Problem.consider`). Until
then such a candidate seems to need nothing, which makes the problem easier than it is, never harder: so whatever is
contradictory stays so, and an answer all of whose candidates are written down is an answer.

What a relation looks like in clauses is in `links`. Neighbouring candidates with the same relation share its clauses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, PrefixRecord
from engine.solve.candidates import Interval
from engine.solve.index import PackageIndex
from engine.solve.learning import Ancestry
from engine.solve.links import Kind, Link, Links
from engine.solve.matching import ranks_matching
from engine.solve.reasons import RULES, Reason, Relation, Unreadable


class Said(NamedTuple):
    """A relation as a record has it. ``group`` is that of the optional dependencies it is one of (CEP 44)."""

    kind: Kind
    text: str
    group: str = ""


class Problem(Links):
    """Packages, clauses and reasons so far."""

    def __init__(
        self,
        index: PackageIndex,
        virtual: Mapping[str, Sequence[PackageRecord]],
        *,
        add_pip: bool,
        ignore_needs: bool = False,
    ) -> None:
        super().__init__(index, virtual)
        self.ancestry = Ancestry(self.domains)
        self._considered: set[tuple[int, int]] = set()
        """Packages and ranks that were asked for: most are asked for again and again."""
        self._encoded: set[tuple[int, int]] = set()
        """Packages and the first ranks of classes that are written down."""
        self._targets: dict[tuple[int, Interval, str], tuple[int, ...]] = {}
        self._add_pip = add_pip
        self._ignore_needs = ignore_needs

    # --- rules of the request -------------------------------------------------------------------------------

    def require(self, spec: MatchSpec, reason: Reason) -> tuple[int, ...]:
        """Some package that ``spec`` matches must be there; what to ask for: the package and its groups."""
        link = self.link_spec("depends", spec, str(spec))
        self.state((), link.heads, reason)
        return self._ends(link)

    def require_groups(self, package: int, names: Sequence[str], reason: Reason) -> tuple[int, ...]:
        """If a package is there, so are groups of its optional dependencies; these, to be asked for."""
        groups = tuple(self.group(package, name) for name in names)
        self.state((-self.present(package),), tuple((self.present(group),) for group in groups), reason)
        return groups

    def limit(self, spec: MatchSpec, reason: Reason) -> None:
        """What ``spec`` is about must match it if it is there."""
        self.state((), self.link_spec("constrains", spec, str(spec)).heads, reason)

    def allow(self, package: int, ranks: Sequence[Interval], reason: Reason, *, absent: bool) -> None:
        """Only candidates of these ranks, or none if ``absent``."""
        kind: Kind = "constrains" if absent else "depends"
        self.state((), self.heads(kind, package, ranks), reason)

    def start_over(self) -> None:
        """Forget the rules of the request and what follows from them. What records say stays written down: it holds
        for every request with the same candidates."""
        rules = {number for number, reason in self.reasons.items() if isinstance(reason, RULES)}
        for number in rules:
            del self.reasons[number]
        self.domains.start_over(self.ancestry.start_over(rules))

    # --- candidates -----------------------------------------------------------------------------------------

    def consider(self, package: int, rank: int) -> None:
        """Write down the relations of the candidates of the version class of a rank, if that is not done yet."""
        if (package, rank) not in self._considered:
            self._considered.add((package, rank))
            self._encode(package, self.version_class(package, rank))

    def _encode(self, package: int, ranks: Interval) -> None:
        if (package, ranks[0]) in self._encoded:
            return
        self._encoded.add((package, ranks[0]))
        if package in self._options or package in self._group_of:
            return
        groups = tuple(self._groups.get(package, ()))  # those that are new after this `group_added` sees to
        spread: dict[int, list[tuple[Interval, Link, list[int]]]] = {}
        for said, runs in self._relations(package, ranks).items():
            link = self.link(said.kind, said.text)
            for run in runs:
                numbers = self._write(package, run, said, link)
                if link is not None and said.kind == "depends" and link.package >= 0 and not link.conditional:
                    spread.setdefault(link.package, []).append((run, link, numbers))
        for target, parts in spread.items():
            if target != package and len(parts) > 1:
                self._write_common(package, ranks, target, parts)
        for group in groups:
            self._encode_group(package, ranks, group)

    def group_added(self, package: int, name: str) -> None:
        """Write down what the group needs in the classes that are written down already."""
        for start in sorted(start for known, start in self._encoded if known == package):
            self._encode_group(package, self.version_class(package, start), name)

    def _encode_group(self, package: int, ranks: Interval, name: str) -> None:
        for said, runs in self._group_relations(package, ranks, name).items():
            link = self.link(said.kind, said.text)
            for run in runs:
                self._write(package, run, said, link)

    def targets(self, package: int, ranks: Interval) -> tuple[int, ...]:
        """The packages that any of the candidates of a class may depend on."""
        if package in self._options:
            return self._options[package]
        package, ranks, group = self._bearer(package, ranks)
        key = (package, ranks, group)
        found = self._targets.get(key)
        if found is None:
            records = self._records(package, ranks)
            texts = {text: None for record in records for text in self._needed_by(record, group)}
            found = self._targets[key] = tuple(dict.fromkeys(self._all_ends(texts)))
        return found

    def _bearer(self, package: int, ranks: Interval) -> tuple[int, Interval, str]:
        """Whose records say what a package needs: its own, or for a group those of the class that was settled."""
        if package not in self._group_of:
            return package, ranks, ""
        package, group = self._group_of[package]
        return package, self.build_class(package, max(self.domains.low[package], 0)), group

    def needs(self, package: int, rank: int) -> list[int]:
        """The packages that a candidate may depend on: those of them that are there it does depend on."""
        if package in self._options:
            return [self._options[package][rank]]
        group = ""
        if package in self._group_of:
            package, group = self._group_of[package]
            rank = max(self.domains.low[package], 0)
        return list(self._all_ends(self._needed_by(self.candidates[package].records[rank], group)))

    def _all_ends(self, texts: Iterable[str]) -> Iterator[int]:
        for text in texts:
            link = self.link("depends", text)
            if link is not None:
                yield from self._ends(link)

    @staticmethod
    def _ends(link: Link) -> tuple[int, ...]:
        return (link.package, *link.groups) if link.package >= 0 else ()

    def _records(self, package: int, ranks: Interval) -> Sequence[PackageRecord]:
        return self.candidates[package].records[ranks[0] : ranks[1]]

    def _needed_by(self, record: PackageRecord, group: str) -> Sequence[str]:
        return record.extra_depends.get(group, ()) if group else self._depends(record)

    def _depends(self, record: PackageRecord) -> Sequence[str]:
        """What a record needs. An installed python needs the pip that it has; it may have lost it on purpose."""
        python = self._add_pip and record.name == "python" and record.version >= "2"
        has_pip = self.index.keeps if isinstance(record, PrefixRecord) else self.index.has
        if python and has_pip("pip"):
            return (*record.depends, "pip")
        return record.depends

    def _relations(self, package: int, ranks: Interval) -> dict[Said, list[Interval]]:
        """Each relation with the runs of neighbouring ranks that have it."""
        found: dict[Said, list[Interval]] = {}
        if self._ignore_needs:
            return found
        for rank, record in enumerate(self._records(package, ranks), ranks[0]):
            for text in dict.fromkeys(self._depends(record)):
                _add_rank(found.setdefault(Said("depends", text), []), rank)
            for text in dict.fromkeys(record.constrains):
                _add_rank(found.setdefault(Said("constrains", text), []), rank)
        return found

    def _group_relations(self, package: int, ranks: Interval, group: str) -> dict[Said, list[Interval]]:
        found: dict[Said, list[Interval]] = {}
        if self._ignore_needs:
            return found
        for rank, record in enumerate(self._records(package, ranks), ranks[0]):
            for text in dict.fromkeys(record.extra_depends.get(group, ())):
                _add_rank(found.setdefault(Said("depends", text, group), []), rank)
        return found

    def _write(self, package: int, run: Interval, said: Said, link: Link | None) -> list[int]:
        body = self.outside(package, run)
        if said.group:
            body = (*body, -self.present(self._groups[package][said.group]))
        name = self.candidates[package].name
        if link is None:
            return self.state(body, ((),), Unreadable(name, *run, said.text))
        reason = Relation(said.kind, name, *run, said.text, link.target, said.group)
        if link.package == package and not link.conditional and not said.group:
            return self._write_self(package, run, link, reason)
        return self.state(body, link.heads, reason)

    def _write_self(self, package: int, run: Interval, link: Link, reason: Relation) -> list[int]:
        """About itself: true or false already, candidate by candidate."""
        numbers = self.state(self.outside(package, run), tuple((self.present(g),) for g in link.groups), reason)
        good = ranks_matching(self.candidates[package], MatchSpec.parse(reason.spec))
        for rank in range(*run):
            if not any(start <= rank < stop for start, stop in good):
                numbers += self.state(self.outside(package, (rank, rank + 1)), ((),), reason)
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
        body = self.outside(package, ranks)
        first, last = min(low.values()), max(high.values())
        heads = [(self.domains.literal(target, first),)] if first < size else []
        if 0 < last < size:
            heads.append((-self.domains.literal(target, last),))
        for head in heads:
            self.ancestry.note(self.domains.add_clause((*body, *head)), sources)


def _add_rank(runs: list[Interval], rank: int) -> None:
    if runs and runs[-1][1] == rank:
        runs[-1] = (runs[-1][0], rank + 1)
    else:
        runs.append((rank, rank + 1))
