"""One step down, one step up."""

from __future__ import annotations

from engine.model.match_spec import MatchSpec
from engine.query.catalog import Catalog
from engine.query.needs import Dependents, dependencies
from tests.kit.universe import universe

WORLD = universe(
    "app 1 -> lib >=1; lib <3; missing; tool",
    "app 2 -> lib 3.*",
    "odd 1 -> lib ===!; other::lib 1.*",
    "lib 1",
    "lib 2",
    "lib 3",
    "lib-extra 1 -> lib-base",
    "tool 1 -> lib[version='<2']",
)
CATALOG = Catalog([WORLD])


def needing(spec: str) -> list[tuple[str, str]]:
    return [(need.record.dist, need.text) for need in Dependents(CATALOG).of_spec(MatchSpec.parse(spec))]


def test_what_is_said_about_a_name_is_taken_together() -> None:
    found = dependencies(CATALOG, WORLD.one("app-1"))
    assert [(item.texts, item.record.dist if item.record else None) for item in found] == [
        (("lib >=1", "lib <3"), "lib-2-0"),
        (("missing",), None),
        (("tool",), "tool-1-0"),
    ]


def test_what_is_no_spec_is_met_by_nothing() -> None:
    first, second = dependencies(CATALOG, WORLD.one("odd-1"))
    assert (first.texts, first.record) == (("lib ===!",), None)
    assert second.record is None  # no lib is of that channel


def test_who_needs_a_name() -> None:
    assert needing("lib") == [
        ("app-2-0", "lib 3.*"),
        ("app-1-0", "lib >=1"),
        ("odd-1-0", "other::lib 1.*"),
        ("tool-1-0", "lib[version='<2']"),
    ]


def test_who_can_be_served_by_a_version() -> None:
    assert needing("lib=1") == [
        ("app-1-0", "lib >=1"),
        ("odd-1-0", "other::lib 1.*"),
        ("tool-1-0", "lib[version='<2']"),
    ]
    assert needing("lib>=3") == [("app-2-0", "lib 3.*"), ("app-1-0", "lib >=1")]
    assert needing("lib=9") == []


def test_names_may_be_patterns() -> None:
    assert [dist for dist, _ in needing("lib-*")] == []
    assert [dist for dist, _ in needing("*ool")] == ["app-1-0"]


def test_nobody_has_it_but_some_need_it() -> None:
    assert needing("missing") == [("app-1-0", "missing")]
