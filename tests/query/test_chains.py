"""Why a package is there: the shortest true chains."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.query.chains import Standing, Step, standing
from tests.kit.universe import universe

NAMES = "abcdef"


def of(name: str, asked: dict[str, tuple[str, ...]], *lines: str) -> Standing:
    world = universe(*lines)
    return standing([record for each in world.names() for record in world.records(each)], asked, name)


def test_the_shortest_chain_for_each_that_needs_it() -> None:
    found = of(
        "d", {"a": ("a>=1",), "e": ("e",)}, "a 1 -> b 1.*", "b 1 -> c", "c 1 -> d <2", "d 1", "e 1 -> c; d", "f 1 -> d"
    )
    assert found.requested == ()
    assert found.needed_by == (Step("c", "1", "d <2"), Step("e", "1", "d"), Step("f", "1", "d"))
    assert found.chains == (
        (Step("e", "1", "d"), Step("d", "1")),
        (Step("e", "1", "c"), Step("c", "1", "d <2"), Step("d", "1")),
    )
    assert not found.is_orphan


def test_asked_for_by_name_and_needed_too() -> None:
    found = of("b", {"a": ("a",), "b": ("b <2", "b")}, "a 1 -> b", "b 1 -> a")
    assert found.requested == ("b <2", "b")
    assert found.chains == ((Step("a", "1", "b"), Step("b", "1")),)


def test_an_orphan() -> None:
    found = of("b", {"z": ("z",)}, "a 1 -> b", "b 1")
    assert found.needed_by == (Step("a", "1", "b"),)
    assert found.is_orphan


def test_what_is_said_twice_is_told_together() -> None:
    found = of("b", {"a": ("a",)}, "a 1 -> b >=1; b <2; b", "b 1")
    assert found.needed_by == (Step("a", "1", "b >=1, <2"),)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)), min_size=1), st.sampled_from(NAMES))
def test_every_chain_is_true_and_none_is_longer_than_it_must_be(graph: dict[str, set[str]], root: str) -> None:
    present = {name: graph.get(name, set()) for name in NAMES}
    lines = [f"{name} 1 -> {'; '.join(sorted(needs))}" if needs else f"{name} 1" for name, needs in present.items()]
    target = NAMES[-1]
    found = of(target, {root: (root,)}, *lines)
    distance = _distances(present, root, avoid=target)
    assert {chain[-2].name for chain in found.chains} == {n for n in distance if target in present[n] and n != target}
    for chain in found.chains:
        names = [step.name for step in chain]
        assert names[0] == root
        assert names[-1] == target
        assert all(below in present[above] for above, below in pairwise(names))
        assert len(names) == distance[names[-2]] + 2


def _distances(graph: dict[str, set[str]], root: str, *, avoid: str) -> dict[str, int]:
    found = {} if root == avoid else {root: 0}
    layer = list(found)
    while layer:
        following = sorted({o for n in layer for o in graph[n] if o not in found and o != avoid})
        found.update(dict.fromkeys(following, found[layer[0]] + 1))
        layer = following
    return found
