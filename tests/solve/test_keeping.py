"""What is installed, against trying everything: answers stay sound, and nothing changes without need."""

from __future__ import annotations

import random

import pytest

from engine.errors import SolveError
from engine.solve.solver import solve
from engine.solve.transaction import Transaction
from tests.kit.checker import check
from tests.kit.universe import universe
from tests.solve.kit import installed, task


def _world(draw: random.Random) -> dict[str, str]:
    lines = {}
    for name in "abcdef":
        for version in "123":
            needs = [f"{draw.choice('abcdef')} >={draw.randint(0, 2)}" for _ in range(draw.choice((0, 1, 1, 2)))]
            lines[f"{name}-{version}-0"] = f"{name} {version}" + (" -> " + "; ".join(needs) if needs else "")
    return lines


@pytest.mark.parametrize("seed", range(150))
def test_a_second_request_keeps_the_first(seed: int) -> None:
    draw = random.Random(seed)
    lines = _world(draw)
    world = universe(*lines.values())
    first, second = draw.choice("abc") + " <3", draw.choice("def")
    try:
        before = solve(task(world, first)).records
    except SolveError:
        return
    there = tuple(installed(lines[record.dist], asked=record.name == first[0]) for record in before)
    again = solve(task(world, first, installed=there))
    assert Transaction.between(there, again.records).is_empty, "asking for the same again changes nothing"
    try:
        after = solve(task(world, second, installed=there))
    except SolveError:
        return
    assert check(after.records, [second, *(record.name for record in there)]) == []
    changes = Transaction.between(there, after.records).changes
    assert all(change.kind != "remove" for change in changes)
    try:
        frozen = solve(task(world, second, installed=there, keep="freeze"))
    except SolveError:
        assert any(change.kind != "install" for change in changes), "all could have stayed"
    else:
        assert {record.dist for record in frozen.records} == {record.dist for record in after.records}
