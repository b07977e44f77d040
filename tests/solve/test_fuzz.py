"""Hostile repodata gives an answer or one clear error, in bounded time and memory. `perf.fuzz` goes on for longer."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import pytest

from engine.errors import SolveError, WhipsnakeError
from engine.solve import index
from engine.solve.task import Solution
from tests.kit.hostile import hostile_index, hostile_request, index_of, outcome
from tests.kit.universe import universe
from tests.solve.kit import answer


@pytest.mark.parametrize("block", range(4))
def test_random_malice(block: int) -> None:
    answered = refused = 0
    for seed in range(block * 100, block * 100 + 100):
        chance = random.Random(seed)
        found = outcome(hostile_index(chance), hostile_request(chance), seconds=3)
        if isinstance(found, WhipsnakeError):
            refused += 1
            assert len(str(found)) < 20_000, seed
        else:
            answered += 1
    assert answered and refused, "or nothing was tested"


def cycles(size: int) -> bytes:
    """Everything needs its neighbours and itself."""
    return index_of(
        {"name": f"p{n}", "version": "1", "depends": [f"p{other % size}" for other in (n - 1, n, n + 1)]}
        for n in range(size)
    )


def long_chain(size: int) -> bytes:
    """A needs B needs C …, and the last needs what is not there."""
    return index_of({"name": f"p{n}", "version": "1", "depends": [f"p{n + 1}"]} for n in range(size))


def many_versions(size: int) -> bytes:
    """Very many candidates of one name, without any need."""
    return index_of({"name": "p0", "version": f"1.{n}"} for n in range(size))


def each_lacks_another(size: int) -> bytes:
    """Very many candidates, each of which needs something else that is not there."""
    return index_of({"name": "p0", "version": f"1.{n}", "depends": [f"gone{n}"]} for n in range(size))


def diagonal(size: int) -> bytes:
    """Each version of one needs one version of the next; only the oldest goes through."""
    first = ({"name": "p0", "version": f"1.{n}", "depends": [f"p1 1.{n}"]} for n in range(size))
    second = ({"name": "p1", "version": f"1.{n}", "depends": [f"p2 1.{n}"]} for n in range(size))
    return index_of([*first, *second, {"name": "p2", "version": "1.0"}])


def slow_patterns(size: int) -> bytes:
    """Regular expressions that a back-tracking matcher tries for ever."""
    text = "a" * size
    patterns = ["^(a+)+$", "^(a|aa)+$", "^(a*)*b$", "b ^(1+)+x$", "b[build='^(x+x+)+y$']"]
    bait = {"name": text + "!", "version": "1" * size, "build": "x" * size}
    other = {"name": "b", "version": "1" * size, "build": "x" * size}
    return index_of([bait, other, *({"name": "p0", "version": "1", "depends": [text]} for text in patterns)])


SIZES = [
    (cycles, 2_000, True),
    (long_chain, 2_000, False),
    (many_versions, 30_000, True),
    (each_lacks_another, 2_000, False),
    (diagonal, 700, True),
    (slow_patterns, 300, None),
]


@pytest.mark.parametrize(("make", "size", "solvable"), SIZES, ids=lambda value: getattr(value, "__name__", ""))
def test_large_malice(make: Callable[[int], bytes], size: int, solvable: bool | None) -> None:
    found = outcome(make(size), ["p0"], seconds=15)
    assert solvable is None or isinstance(found, Solution) is solvable
    assert len(str(found)) < 2_000_000
    if isinstance(found, WhipsnakeError):
        assert len(str(found).splitlines()) <= 30


def test_memory_is_bounded_by_the_index() -> None:
    document = many_versions(20_000)
    tracemalloc.start()
    try:
        outcome(document, ["p0"], seconds=30)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(document)


def test_more_candidates_than_anyone_has_are_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MOST_CANDIDATES", 3)
    world = universe(*(f"a {number}" for number in range(4)), "b 1", "b 2", "b 3")
    assert answer(world, "b") == ["b-3-0"]
    with pytest.raises(SolveError, match="The channels have 4 candidates of a; more than 3 of one package"):
        answer(world, "a")
