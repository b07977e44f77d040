"""What a specification says, as literals: `Link`.

Rule of this file: a relation on a package is a set of ranks, as intervals [a, b). "One of them must be there" is: ≥ the
first a; not in any gap between intervals; < the last b. Each is a clause of one or two literals, whatever the number
of candidates.

What makes a relation count only sometimes are further literals in its clauses, "or the condition does not hold":

* ``when`` (CEP 43): a specification holds if a candidate in one of its intervals is chosen, or if the machine has such
  a virtual package. "and" joins literals; "or", and a specification of several intervals, get an artificial package
  that must be there as soon as a part holds. Nothing ever asks for it the other way round, so one direction is enough.
* ``extras`` (CEP 44): the group of a package is an artificial package too, ``name[group]``. Who asks for the group
  needs that package, and what the group adds to the candidates' relations counts only if it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from engine.errors import ParseError
from engine.model.condition import Condition, Joined
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.solve.candidates import Interval, artificial
from engine.solve.fits import spec_matches
from engine.solve.index import PackageIndex
from engine.solve.matching import matches_name, ranks_matching
from engine.solve.packages import Heads, Packages
from engine.solve.reasons import Meaning, Relation

Kind = Literal["depends", "constrains"]


class Link(msgspec.Struct, frozen=True):
    """A relation made of numbers. ``package`` is -1 where it is about a virtual package."""

    package: int
    target: str
    heads: Heads
    bounds: tuple[int, int]
    """The ranks that it lies between: first a, last b."""
    groups: tuple[int, ...] = ()
    """The artificial packages of the groups that it asks for."""
    conditional: bool = False
    """Whether it counts only sometimes."""


class Links(Packages):
    """Specifications made numbers, each once."""

    def __init__(self, index: PackageIndex, virtual: Mapping[str, Sequence[PackageRecord]]) -> None:
        super().__init__(index)
        self._virtual = virtual
        self._links: dict[tuple[Kind, str], Link | None] = {}
        self._options: dict[int, tuple[int, ...]] = {}
        """Of an artificial package that is a choice between names: what its candidates stand for."""
        self._groups: dict[int, dict[str, int]] = {}
        """Of a package: the groups that something asks for, and their artificial packages."""
        self._group_of: dict[int, tuple[int, str]] = {}
        """The other way round."""
        self._conditions: dict[str, tuple[int, ...] | None] = {}

    def link(self, kind: Kind, text: str) -> Link | None:
        """The relation that a text means; None if it means nothing."""
        key = (kind, text)
        if key not in self._links:
            try:
                self._links[key] = self.link_spec(kind, MatchSpec.parse(text), text)
            except ParseError:
                self._links[key] = None
        return self._links[key]

    def link_spec(self, kind: Kind, spec: MatchSpec, text: str) -> Link:
        """The relation that a specification means."""
        unless = () if spec.when is None else self._unless(spec.when)
        if unless is None:
            return Link(-1, spec.exact_name or text, (), (0, 0), conditional=True)
        link = self._unconditional(kind, spec, text)
        if kind == "depends" and spec.extras and link.package >= 0 and self.domains.size[link.package]:
            link = self._with_groups(link, spec.extras)
        if not unless:
            return link
        heads = tuple((*unless, *head) for head in link.heads)
        return msgspec.structs.replace(link, heads=heads, conditional=True)

    def _unconditional(self, kind: Kind, spec: MatchSpec, text: str) -> Link:
        name = spec.exact_name
        if name is None:
            return self._link_pattern(kind, spec, text)
        if name.startswith("__"):
            facts = self._virtual.get(name, ())  # facts don't change: it is true, or false whatever else is chosen
            met = any(spec_matches(spec, fact) for fact in facts) or (kind == "constrains" and not facts)
            return Link(-1, name, () if met else ((),), (0, 0))
        package = self.package(name)
        ranks = ranks_matching(self.candidates[package], spec)
        bounds = (ranks[0][0], ranks[-1][1]) if ranks else (self.domains.size[package], 0)
        return Link(package, name, self.heads(kind, package, ranks), bounds)

    def _link_pattern(self, kind: Kind, spec: MatchSpec, text: str) -> Link:
        """A spec without a plain name: an artificial package whose candidates are the names that can meet it."""
        spec = spec.with_(when=None, extras=())
        if kind == "constrains":
            heads = [link.heads for link in (self.link_spec(kind, narrow, text) for narrow in self._narrowed(spec))]
            return Link(-1, text, tuple(head for found in heads for head in found), (0, 0))
        number = self._numbers.get(text)
        if number is None:
            narrow = list(self._narrowed(spec))
            number = self.add(artificial(text, len(narrow)))
            for rank, option in enumerate(narrow):
                link = self.link_spec("depends", option, str(option))
                reason = Relation("depends", text, rank, rank + 1, str(option), link.target)
                self.state(self.outside(number, (rank, rank + 1)), link.heads, reason)
            self._options[number] = tuple(self.package(option.exact_name or "") for option in narrow)
        size = self.domains.size[number]
        return Link(number, text, self.heads("depends", number, ((0, size),) if size else ()), (0, size))

    def _narrowed(self, spec: MatchSpec) -> Iterator[MatchSpec]:
        """The spec for each name that it may mean."""
        for name in sorted(self.index.names()):
            if matches_name(spec, name):
                narrow = spec.with_(name=name, name_matcher=None)
                if ranks_matching(self.index.candidates(name), narrow):
                    yield narrow

    def heads(self, kind: Kind, package: int, ranks: Sequence[Interval]) -> Heads:
        """The clauses of a relation on candidates of these ranks."""
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

    # --- groups ---------------------------------------------------------------------------------------------

    def _with_groups(self, link: Link, names: Sequence[str]) -> Link:
        groups = tuple(self.group(link.package, name) for name in names)
        heads = (*link.heads, *((self.present(group),) for group in groups))
        return msgspec.structs.replace(link, heads=heads, groups=groups)

    def group(self, package: int, name: str) -> int:
        """The artificial package of a group of optional dependencies."""
        known = self._groups.setdefault(package, {})
        if name not in known:
            number = known[name] = self.add(artificial(f"{self.candidates[package].name}[{name}]", 1))
            self._group_of[number] = (package, name)
            self.group_added(package, name)
        return known[name]

    def group_added(self, package: int, name: str) -> None:
        """Somebody asks for a group for the first time: the place to write down what it needs."""

    # --- conditions -----------------------------------------------------------------------------------------

    def _unless(self, condition: Condition) -> tuple[int, ...] | None:
        """Literals one of which is true where a condition does not hold; none if it always holds, None if never."""
        text = str(condition)
        if text not in self._conditions:
            self._conditions[text] = self._falsifiers(condition, text)
        return self._conditions[text]

    def _falsifiers(self, condition: Condition, text: str) -> tuple[int, ...] | None:
        if not isinstance(condition, Joined):
            return self._falsifiers_of_spec(condition, text)
        parts = [self._unless(part) for part in condition.parts]
        if condition.operator == "or":
            return self._any_of([part for part in parts if part is not None], text)
        sure = [part for part in parts if part is not None]
        return tuple(literal for part in sure for literal in part) if len(sure) == len(parts) else None

    def _falsifiers_of_spec(self, spec: MatchSpec, text: str) -> tuple[int, ...] | None:
        name = spec.exact_name
        if name is None:
            return self._any_of([part for narrow in self._narrowed(spec) if (part := self._unless(narrow))], text)
        if name.startswith("__"):
            return () if any(spec_matches(spec, fact) for fact in self._virtual.get(name, ())) else None
        package = self.package(name)
        ranks = ranks_matching(self.candidates[package], spec)
        return self._any_of([self.outside(package, run) for run in ranks], text)

    def _any_of(self, parts: Sequence[tuple[int, ...]], text: str) -> tuple[int, ...] | None:
        """Of parts any of which makes a condition hold."""
        if not parts:
            return None
        if len(parts) == 1 or not all(parts):
            return min(parts, key=len)
        number = self.add(artificial(f"when {text}", 1))
        for part in parts:
            self.state(part, ((self.present(number),),), Meaning(text))
        return (-self.present(number),)
