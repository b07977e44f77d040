"""Records by name, newest first, and nothing decoded that nobody asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord
from engine.query.catalog import FEW, Catalog
from tests.kit.universe import Universe, universe

WORLD = universe("a 1.9", "a 1.10", "a 1.10 1 [build_number=1]", "a not--a~version", "ab 1", "b 1")


class Counting:
    """Rows that remember what was decoded, and answer `mentioning` from a list."""

    def __init__(self, world: Universe) -> None:
        self._world = world
        self.channel: Channel = world.channel
        self.subdir = world.subdir
        self.asked: list[str] = []

    def names(self) -> Collection[str]:
        return self._world.names()

    def records(self, name: str) -> Sequence[RepoDataRecord]:
        self.asked.append(name)
        return self._world.records(name)

    def mentioning(self, text: str) -> Collection[str]:
        return [name for name in self._world.names() if text in name]

    def needed_words(self, name: str) -> Collection[str]:
        return {word for record in self._world.records(name) for word in record.depends}


def dists(catalog: Catalog, spec: str) -> list[str]:
    return [record.dist for record in catalog.matching(MatchSpec.parse(spec))]


def test_newest_first_by_version_then_build_number() -> None:
    assert dists(Catalog([WORLD]), "a") == ["a-1.10-1", "a-1.10-0", "a-1.9-0", "a-not--a~version-0"]
    assert dists(Catalog([WORLD]), "a >=1.9") == ["a-1.10-1", "a-1.10-0", "a-1.9-0"]


def test_earlier_channels_first_among_equals() -> None:
    catalog = Catalog([universe("a 1", channel="one"), universe("a 1", "a 2", channel="two")])
    found = [(record.version, record.channel[-3:]) for record in catalog.newest_first("a")]
    assert found == [("2", "two"), ("1", "one"), ("1", "two")]


def test_only_names_that_match_are_decoded() -> None:
    rows = Counting(WORLD)
    catalog = Catalog([rows])
    assert dists(catalog, "b") == ["b-1-0"]
    assert dists(catalog, "*b") == ["ab-1-0", "b-1-0"]
    assert rows.asked == ["b", "ab"]


def test_rows_may_say_who_mentions_a_text() -> None:
    assert Catalog([Counting(WORLD)]).mentioning("b") == ["ab", "b"]
    assert Catalog([WORLD]).mentioning("b") == ["a", "ab", "b"]


def test_many_searches_make_an_index() -> None:
    world = universe("a 1 -> x >=1", "b 1 -> other::x", "c 1")
    for catalog in (Catalog([world]), Catalog([Counting(universe("a 1 -> x", "b 1 -> x"))])):
        for _ in range(FEW):
            catalog.mentioning("y")
        assert list(catalog.mentioning("X")) == ["a", "b"]
        assert list(catalog.mentioning("none")) == []
