"""Who depends on a package, each name once, as the newest of its records that does: what graphs are made of.

Rule of this file: a record is decoded as a whole when it gets into the graph. Who asks about a few names has the bytes
of the index searched for each; who asks about more gets all names looked through once, for what their records need, of
which nothing is kept but who needs whom. At conda-forge's size that is 600,000 records, 400,000 pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord
from engine.query.catalog import FEW, Catalog, Place
from engine.query.needs import Need, means, read_spec, wanted_by

MANY: Final = 500
"""Names that have a text in them: looking through all takes little longer than looking through these, and serves all
further questions."""
_VERSION: Final = r"[0-9]+(?:\.[0-9]+)*(?:[a-z]+[0-9]*)?"
_BOUND: Final = rf"(?:[<>=!]=|[<>])?{_VERSION}|=?{_VERSION}\.\*"
_PLAIN: Final = re.compile(
    rf"([a-z0-9_][a-z0-9_.-]*)(?: (?:\*|(?:{_BOUND})(?:[,|](?:{_BOUND}))*)(?: [A-Za-z0-9_*]+)?)?"
)
"""Specs that are valid whatever they say (a test compares), so that only few must be parsed to know their name."""


class Edge(NamedTuple):
    """That a package depends on another one: as which record, and in which words."""

    name: str
    place: Place
    text: str


class NewestDependents:
    """Who depends on whom in one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._searches = 0
        self._all: dict[str, list[Edge]] | None = None

    def of_spec(self, spec: MatchSpec) -> Sequence[Edge]:
        """Of each name the newest record that a package which ``spec`` matches can serve: by name."""
        name = spec.exact_name
        assert name is not None, "a pattern is asked about name by name"
        wanted = wanted_by(self._catalog, name, spec)
        if wanted is None:
            return self.of_name(name)
        return list(self._among(self._catalog.mentioning(name), name, wanted)) if wanted else ()

    def of_name(self, name: str) -> Sequence[Edge]:
        """Of each name the newest record that depends on ``name`` in any version: by name."""
        if self._all is None and self._searches < FEW:
            self._searches += 1
            dependents = self._catalog.mentioning(name)
            if len(dependents) < MANY:
                return list(self._among(dependents, name, ()))
        if self._all is None:
            self._all = self._look_through()
        return self._all.get(name, ())

    def need(self, edge: Edge, target: str) -> Need | None:
        """The record of an edge, decoded; None if it can't be, nor any older one that depends on ``target``."""
        record = self._catalog.at(edge.name, edge.place)
        if edge.text in record.depends:
            return Need(record, edge.text)
        for record in self._catalog.newest_first(edge.name):
            for text in record.depends:
                if means(text, target):
                    return Need(record, text)
        return None

    def _among(self, dependents: Sequence[str], name: str, wanted: Sequence[RepoDataRecord]) -> Iterator[Edge]:
        answers: dict[str, bool] = {}
        for dependent in dependents:
            edge = self._first(dependent, name, wanted, answers)
            if edge is not None:
                yield edge

    def _first(
        self, dependent: str, name: str, wanted: Sequence[RepoDataRecord], answers: dict[str, bool]
    ) -> Edge | None:
        for record, place in self._catalog.skim(dependent):
            for text in record.depends:
                known = answers.get(text)
                if known is None:
                    known = answers[text] = means(text, name, wanted)
                if known:
                    return Edge(dependent, place, text)
        return None

    def _look_through(self) -> dict[str, list[Edge]]:
        """All edges, by the name that is depended on."""
        found: dict[str, list[Edge]] = {}
        texts: dict[str, str] = {}
        for dependent in sorted(self._catalog.names()):
            for target, edge in self._edges_of(dependent, texts).items():
                found.setdefault(target, []).append(edge)
        return found

    def _edges_of(self, dependent: str, texts: dict[str, str]) -> dict[str, Edge]:
        """What a name depends on. ``texts``: each text once, for most are said by many."""
        found: dict[str, Edge] = {}
        seen: set[str] = set()
        for record, place in self._catalog.skim(dependent):
            for text in record.depends:
                if text not in seen:
                    seen.add(text)
                    target = name_meant(text)
                    if target is not None and target not in found:
                        found[target] = Edge(dependent, place, texts.setdefault(text, text))
        return found


def name_meant(text: str) -> str | None:
    """The plain name of the spec that a text is; None if it has none, or is no spec."""
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return plain[1]
    spec = read_spec(text)
    return spec.exact_name if spec else None
