"""The search itself: its bounds, its independence from order and hash seed, and the SAT solver's help."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import SolveError, Unsatisfiable
from engine.solve import search
from engine.solve.solver import solve
from tests.kit.checker import check
from tests.kit.universe import Universe, universe
from tests.solve.kit import answer, task

ROOT = Path(__file__).resolve().parents[2]


def tangle(seed: int, names: int = 40, versions: int = 8) -> list[str]:
    """A world in which most packages need two others in a range of versions."""
    draw = random.Random(seed)
    lines = []
    for name in range(names):
        for version in range(1, versions + 1):
            lows = [(other, draw.randint(1, versions)) for other in draw.sample(range(names), 2)]
            needs = "; ".join(f"p{other} >={low},<{low + 4}" for other, low in lows)
            lines.append(f"p{name} {version} -> {needs}")
    return lines


def outcome(world: Universe, *specs: str) -> list[str] | str:
    try:
        return [record.dist for record in solve(task(world, *specs)).records]
    except SolveError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_records_does_not_matter(seed: int) -> None:
    lines = tangle(seed)
    expected = outcome(universe(*lines), "p0", "p1", "p2")
    for shuffle in range(3):
        random.Random(shuffle).shuffle(lines)
        assert outcome(universe(*lines), "p0", "p1", "p2") == expected


def test_the_hash_seed_does_not_matter() -> None:
    code = (
        "from tests.solve.test_search import *\n"
        "for seed in range(6): print(outcome(universe(*tangle(seed)), 'p0', 'p1', 'p2'))"
    )
    printed = set()
    for seed in ("0", "1", "77"):
        environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
        printed.add(done.stdout)
    assert len(printed) == 1
    assert len(printed.pop()) > 100


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("help", ["PATIENCE", "PROBE"])  # of the SAT solver; by asking whether there is any answer
def test_help_changes_nothing(help: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = universe(*tangle(seed, names=14, versions=6))
    alone = outcome(world, "p0", "p1", "p2")
    monkeypatch.setattr(search, help, 1)
    assert isinstance(helped := outcome(world, "p0", "p1", "p2"), type(alone))
    assert helped == alone or isinstance(alone, str)


def test_answers_in_a_tangle_are_sound() -> None:
    sound = 0
    for seed in range(30):
        try:
            found = solve(task(universe(*tangle(seed)), "p0", "p1"))
        except SolveError:
            continue
        assert check(found.records, ["p0", "p1"]) == []
        sound += 1
    assert sound > 5


def test_many_candidates_of_one_name() -> None:
    found = solve(task(universe(*(f"a 1.{i}" for i in range(10_000))), "a"))
    assert [record.version for record in found.records] == ["1.9999"]
    assert found.conflicts == 0


def test_a_long_way_down_is_no_search() -> None:
    lines = [f"a 1.{i} -> b >={i + 1}" for i in range(1, 1500)] + ["a 1.0", "b 0"]
    found = solve(task(universe(*lines), "a"))
    assert [record.dist for record in found.records] == ["a-1.0-0"]
    assert found.conflicts == 0, "each version is refuted by propagation"


def test_pigeons_do_not_fit() -> None:
    """Eight packages want seven places: hard for a search, so the answer must come with the SAT solver's help."""
    lines = [f"pigeon{p} {h + 1} -> hole{h} {p + 1}" for p in range(8) for h in range(7)]
    lines += [f"hole{h} {p + 1}" for h in range(7) for p in range(8)]
    with pytest.raises(Unsatisfiable) as caught:
        answer(universe(*lines), *(f"pigeon{p}" for p in range(8)))
    assert len(str(caught.value).splitlines()) <= 25
