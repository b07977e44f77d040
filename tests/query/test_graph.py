"""Graphs in both directions: order, depth, cycles, what is missing."""

from __future__ import annotations

from engine.model.match_spec import MatchSpec
from engine.query.catalog import Catalog
from engine.query.graph import Graph, depends_graph, whoneeds_graph
from tests.kit.universe import universe

WORLD = universe("a 1 -> b; c", "b 1 -> d; ghost >1", "c 1 -> d; a", "d 1", "c 0 -> d")
CATALOG = Catalog([WORLD])


def shown(graph: Graph) -> list[str]:
    names = [node.name for node in graph.nodes]
    return [f"{name}: {' '.join(names[other] for other in graph.edges[place])}" for place, name in enumerate(names)]


def test_all_the_way_down() -> None:
    assert shown(depends_graph(CATALOG, WORLD.one("a-1"))) == [
        "a: b c",
        "b: d ghost >1 >>> NOT FOUND <<<",
        "d: ",
        "ghost >1 >>> NOT FOUND <<<: ",
        "c: d a",
    ]


def test_one_step_down() -> None:
    assert shown(depends_graph(CATALOG, WORLD.one("a-1"), 1)) == ["a: b c", "b: ", "c: "]


def test_all_the_way_up_names_each_package_once() -> None:
    graph = whoneeds_graph(CATALOG, WORLD.one("d-1"), MatchSpec.parse("d"))
    assert shown(graph) == ["d: b c", "b: a", "a: c", "c: a"]
    assert [node.record.version for node in graph.nodes if node.record] == ["1", "1", "1", "1"]


def test_a_long_chain_needs_no_recursion() -> None:
    world = universe(*(f"p{number} 1 -> p{number + 1}" for number in range(3000)), "p3000 1")
    assert len(depends_graph(Catalog([world]), world.one("p0-1")).nodes) == 3001
