"""Who depends on whom, each name once: one by one, all at once, and by decoding everything."""

from __future__ import annotations

from itertools import product

import pytest

from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import RecordNeeds
from engine.model.repodata import RepoData
from engine.query import newest
from engine.query.catalog import FEW, Catalog, Place
from engine.query.graph import whoneeds_graph
from engine.query.needs import read_spec
from engine.query.newest import NewestDependents, name_meant
from tests.kit.shared import needs_shared
from tests.kit.universe import universe
from tests.solve.test_real import PLATFORM, repodata

WORLD = universe(
    "app 1 -> lib >=1; tool",
    "app 2 -> lib 3.*",
    "odd 1 -> lib ===!; other::lib 1.*",
    "lib 1",
    "lib 2",
    "lib 3",
    "lib-extra 1 -> lib-base",
    "tool 1 -> lib[version='<2']",
)


def needing(dependents: NewestDependents, spec: str) -> list[tuple[str, str]]:
    found = MatchSpec.parse(spec)
    needs = [dependents.need(edge, found.name or "") for edge in dependents.of_spec(found)]
    return [(need.record.dist, need.text) for need in needs if need]


def after_many(catalog: Catalog) -> NewestDependents:
    """Asked so often that it has looked through everything."""
    dependents = NewestDependents(catalog)
    for _ in range(FEW):
        dependents.of_name("none")
    return dependents


@pytest.mark.parametrize("made", [NewestDependents, after_many])
def test_each_name_stands_there_as_its_newest_record_that_has_the_dependency(made: type[NewestDependents]) -> None:
    catalog = Catalog([WORLD])
    assert needing(made(catalog), "lib") == [
        ("app-2-0", "lib 3.*"),
        ("odd-1-0", "other::lib 1.*"),
        ("tool-1-0", "lib[version='<2']"),
    ]
    assert needing(made(catalog), "tool") == [("app-1-0", "tool")]
    assert needing(made(catalog), "nobody") == []


def test_a_version_chooses_among_them() -> None:
    dependents = NewestDependents(Catalog([WORLD]))
    assert [dist for dist, _ in needing(dependents, "lib=1")] == ["app-1-0", "odd-1-0", "tool-1-0"]
    assert [dist for dist, _ in needing(dependents, "lib>=3")] == ["app-2-0"]
    assert needing(dependents, "lib=9") == []


def index(*records: tuple[str, str]) -> Catalog:
    """Records of app as JSON: version, and more members."""
    rows = [
        f'"app-{v}-0.conda":{{"name":"app","version":"{v}","build":"0","build_number":0{more}}}' for v, more in records
    ]
    return Catalog([RepoData(Channel("c", "https://h/c"), "noarch", pages={"app": [f"{{{','.join(rows)}}}".encode()]})])


@pytest.mark.parametrize("made", [NewestDependents, after_many])
def test_a_record_that_can_not_be_read_gives_way_to_an_older_one(made: type[NewestDependents]) -> None:
    broken = ("2", ',"depends":["lib"],"extra_depends":7')
    assert needing(made(index(("1", ',"depends":["lib >0"]'), broken)), "lib") == [("app-1-0", "lib >0")]
    assert needing(made(index(broken)), "lib") == []


def test_a_graph_of_what_can_not_be_read_has_no_node_of_it() -> None:
    catalog = index(("2", ',"depends":["app"],"extra_depends":7'), ("1", ""))
    graph = whoneeds_graph(catalog, catalog.newest_first("app")[-1], MatchSpec.parse("app"))
    assert len(graph.nodes) == 1


def test_nothing_is_kept_of_what_was_looked_through() -> None:
    catalog = Catalog([WORLD])
    assert [record.dist for record, _ in catalog.skim("app")] == ["app-2-0", "app-1-0"]
    (edge,) = NewestDependents(catalog).of_name("tool")
    assert catalog.at(edge.name, edge.place).dist == "app-1-0"


_PARTS = (
    ("foo", "_x", "a.b-c", "1a", "a-", ".a", "Foo", "__glibc"),
    ("", "1", "1.2", "00.1", "2024a", "1.2.3post1", "3.8.*", "=1.*", "!=1.*", ">=1.*", "==3", "=", ">", "*", "~=1"),
    ("", "py_0", "*", "*_cp*", "_", "^a$", "cp38,x"),
)  # fmt: skip


def test_the_quick_look_at_a_name_agrees_with_the_parser() -> None:
    texts = {f"{name} {one} {build}".strip() for name, one, build in product(*_PARTS)}
    texts |= {
        f"foo {one}{mark}{other} {build}" for one, other, build in product(_PARTS[1], *_PARTS[1:]) for mark in ",|"
    }
    for text in texts:
        spec = read_spec(text)
        assert name_meant(text) == (spec.exact_name if spec else None), text


@needs_shared
@pytest.mark.shared
def test_looking_through_real_rows_finds_what_decoding_them_finds() -> None:
    catalog = Catalog([repodata(PLATFORM), repodata("noarch")])
    plain = Catalog([repodata(PLATFORM), repodata("noarch")])
    dependents = after_many(catalog)
    wanted = ("xtl", "libblas", "numba")
    expected: dict[str, list[tuple[str, str]]] = {name: [] for name in wanted}
    for other in sorted(plain.names()):
        for name in wanted:
            texts = ((record.url, text) for record in plain.newest_first(other) for text in record.depends)
            expected[name] += [
                (url, text) for url, text in texts if text.startswith(name) and name_meant(text) == name
            ][:1]
    for name in wanted:
        needs = [dependents.need(edge, name) for edge in dependents.of_name(name)]
        assert [(need.record.url, need.text) for need in needs if need] == expected[name]


class _Counted(Catalog):
    """Counts how often names are looked through."""

    def __init__(self, *names: str) -> None:
        super().__init__([universe(*(f"{name} 1 -> lib" for name in names), "lib 1")])
        self.skimmed = 0

    def skim(self, name: str) -> list[tuple[RecordNeeds, Place]]:
        self.skimmed += 1
        return super().skim(name)


@pytest.mark.parametrize("many", [3, 300])
def test_who_is_needed_by_many_has_all_looked_through_once(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "MANY", many)
    catalog = _Counted("a", "b", "c", "d")
    dependents = NewestDependents(catalog)
    for _ in range(FEW):
        assert [edge.name for edge in dependents.of_name("lib")] == ["a", "b", "c", "d"]
    assert catalog.skimmed == (5 if many == 3 else 5 * FEW)
