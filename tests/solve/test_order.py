"""Link order: dependencies first, the same whatever order the records come in."""

from __future__ import annotations

from itertools import permutations

from engine.solve.order import link_order
from tests.kit.universe import record


def order(*lines: str) -> list[str]:
    return [found.name for found in link_order(map(record, lines))]


def test_dependencies_come_first_and_names_decide_the_rest() -> None:
    assert order("c 1", "a 1 -> b", "b 1 -> d >=1; absent", "d 1") == ["d", "b", "a", "c"]


def test_every_order_of_records_gives_the_same() -> None:
    lines = ["a 1 -> b", "b 1 -> c", "c 1 -> a; d", "d 1"]
    assert {tuple(order(*some)) for some in permutations(lines)} == {("d", "c", "b", "a")}


def test_python_comes_before_those_who_need_it() -> None:
    lines = ["a 1 [noarch=python]", "pip 1 -> python", "python 3 -> pip; zlib", "zlib 1", "b 1"]
    found = order(*lines)
    assert found.index("zlib") < found.index("python") < found.index("a")


def test_a_cycle_through_python_is_entered_at_python() -> None:
    assert order("python 3 -> x", "x 1 -> python", "a 1 -> x") == ["x", "python", "a"]


def test_long_chains_need_no_recursion() -> None:
    lines = [f"p{i:05} 1 -> p{i + 1:05}" for i in range(5000)]
    assert order(*lines)[0] == "p04999"


def test_what_cannot_be_read_orders_nothing() -> None:
    assert order("a 1 -> b >>1", "b 1") == ["a", "b"]
