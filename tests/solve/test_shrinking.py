"""Small contradictions: none of their groups can be left out, and finding them takes few questions."""

from __future__ import annotations

import random
from itertools import pairwise, product

import pytest

from engine.solve.domains import Domains
from engine.solve.sat import Formula
from engine.solve.shrinking import shrink

_NO_LIMIT = 1 << 60
Clause = tuple[int, ...]


def never() -> bool:
    return False


def fits(domains: Domains, clauses: list[Clause]) -> bool:
    """Whether some choices make all clauses true: by trying all."""
    for choices in product(*(range(-1, size) for size in domains.size)):
        true = {
            variable
            if choices[domains.owner[variable]] >= variable - domains.first[domains.owner[variable]]
            else -variable
            for variable in range(1, len(domains.owner))
        }
        if all(not true.isdisjoint(clause) for clause in clauses):
            return True
    return False


def world(chance: random.Random) -> tuple[Domains, dict[int, list[Clause]]]:
    """A few packages, and groups of random clauses about them."""
    domains = Domains()
    for _ in range(chance.randint(2, 4)):
        domains.add_package(chance.randint(1, 3))
    variables = range(1, len(domains.owner))

    def clause() -> Clause:
        return tuple(chance.choice((1, -1)) * chance.choice(variables) for _ in range(chance.randint(1, 3)))

    return domains, {number: [clause() for _ in range(chance.randint(1, 3))] for number in range(chance.randint(2, 14))}


@pytest.mark.parametrize("seed", range(20))
def test_what_is_left_contradicts_itself_and_nothing_of_it_is_idle(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        domains, groups = world(chance)
        if fits(domains, [clause for found in groups.values() for clause in found]):
            continue
        kept = shrink(Formula(domains), groups, never, _NO_LIMIT)
        assert not fits(domains, [clause for key in kept for clause in groups[key]])
        for left_out in kept:
            assert fits(domains, [clause for key in kept if key != left_out for clause in groups[key]])


def test_a_long_chain_is_seen_to_be_needed_whole_by_few_questions() -> None:
    domains = Domains()
    packages = [domains.add_package(2) for _ in range(300)]
    there = [domains.literal(package, 0) for package in packages]
    needs = [(-one, other) for one, other in pairwise(there)]
    idle = [(domains.literal(package, 1), -there[0]) for package in packages[1:]]
    groups = {number: [clause] for number, clause in enumerate([(there[0],), *needs, (-there[-1],), *idle])}
    formula = Formula(domains)
    assert shrink(formula, groups, never, _NO_LIMIT) == list(range(301))
    assert formula.calls < 30


def test_it_stops_at_its_limit_with_what_still_contradicts_itself() -> None:
    domains = Domains()
    package = domains.add_package(1)
    there = domains.literal(package, 0)
    groups = {number: [(there if number % 2 else -there,)] for number in range(20)}
    formula = Formula(domains)
    assert shrink(formula, groups, never, 0) == list(range(20))
    assert formula.calls == 0
