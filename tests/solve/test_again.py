"""Tasks solved on what was written down for others: as if they were the first."""

from __future__ import annotations

from contextlib import suppress

import pytest

from engine.errors import SolveError
from engine.solve.again import Again
from engine.solve.clauses import Problem
from engine.solve.reasons import Requested
from engine.solve.run import NoAnswer, Run
from engine.solve.solver import solve
from engine.solve.task import Solution, SolveTask
from engine.solve.wording import spec_text
from tests.kit.universe import Universe, universe, virtual
from tests.solve.kit import changed, task
from tests.solve.worlds import NAMES, Maker

PLENTY = 1_000_000


def written_down(first: SolveTask) -> Problem:
    """What the search leaves behind, whether it found an answer or none."""
    run = Run(first)
    problem = run.problem()
    with suppress(NoAnswer, SolveError):
        run.search(problem)
    return problem


def fresh(asked: SolveTask) -> list[str] | None:
    try:
        return [record.url for record in solve(asked).records]
    except SolveError:
        return None


def several_tasks(maker: Maker, worlds: list[Universe]) -> list[SolveTask]:
    """Requests for the same place, of which some have the same facts and the same order of candidates."""
    draw = maker.draw
    there = maker.present(maker.lines(NAMES)) if draw.random() < 0.4 else ()
    priority = draw.choice(["strict", "flexible"])
    return [
        task(
            worlds,  # type: ignore[arg-type]
            *(maker.form() for _ in range(draw.randint(1, 3))),
            virtual=virtual(*draw.choice([("__cuda 11",), ("__cuda 12",)])),
            pinned=[f"{draw.choice(NAMES)} <3"] if draw.random() < 0.3 else [],
            installed=there,
            keep=draw.choice(["prefer", "prefer", "freeze"]),
            channel_priority=priority,
            allow_downgrade=draw.random() < 0.7,
        )
        for _ in range(6)
    ]


@pytest.mark.parametrize("block", range(4))
def test_it_is_as_if_nothing_had_been_written_down(block: int) -> None:
    answers = refusals = 0
    for seed in range(block * 40, block * 40 + 40):
        maker = Maker(seed)
        worlds = [universe(*maker.lines(NAMES), channel="high"), universe(*maker.lines(NAMES[:3])[:4], channel="low")]
        first, *others = several_tasks(maker, worlds)
        again = Again(first, written_down(first))
        for other in [*others, first]:
            outcome = again(other, PLENTY, True).outcome
            if isinstance(outcome, Solution):
                answers += 1
                assert [record.url for record in outcome.records] == fresh(other)
                continue
            refusals += 1
            assert fresh(other) is None
            if outcome is not None:  # the rules that are named are the task's own, and enough for the contradiction
                named = {reason.spec for reason in outcome if isinstance(reason, Requested)}
                few = tuple(spec for spec in other.specs if spec_text(spec) in named)
                assert other.installed or named <= {spec_text(spec) for spec in other.specs}
                assert fresh(changed(other, specs=few)) is None
    assert min(answers, refusals) > 30, "worlds where all or nothing can be had test little"


@pytest.mark.parametrize("block", range(4))
def test_what_is_asked_for_is_known_before_the_rest_is_settled(block: int) -> None:
    answers = 0
    for seed in range(block * 40, block * 40 + 40):
        maker = Maker(seed)
        worlds = [universe(*maker.lines(NAMES), channel="high"), universe(*maker.lines(NAMES[:3])[:4], channel="low")]
        first, *others = several_tasks(maker, worlds)
        again = Again(first, written_down(first))
        for other in others:
            outcome, best = again(other, PLENTY, False).outcome, fresh(other)
            assert isinstance(outcome, Solution) == (best is not None)
            if isinstance(outcome, Solution) and best is not None:
                answers += 1
                names = {spec.name for spec in other.specs} | {record.name for record in other.installed}
                near = {record.url for record in outcome.records if record.name in names}
                # builds that differ in their timestamps only are told apart at the very end
                assert {url.rpartition("-")[0] for url in near} == {
                    record.url.rpartition("-")[0] for record in solve(other).records if record.name in names
                }
    assert answers > 30


def test_what_records_say_is_written_down_once() -> None:
    chain = [f"p{place} {version} -> p{place + 1} >={version}" for place in range(20) for version in range(1, 9)]
    first = task(universe(*chain, *(f"p20 {version}" for version in range(1, 9))), "p0 7", "p20 5")
    problem = written_down(first)
    again = Again(first, problem)
    again(changed(first, specs=first.specs[:1]), PLENTY, True)
    before = len(problem.domains.clauses)
    assert isinstance(again(changed(first, specs=first.specs[1:]), PLENTY, True).outcome, Solution)
    assert isinstance(again(changed(first, specs=first.specs[:1]), PLENTY, True).outcome, Solution)
    assert len(problem.domains.clauses) <= before + 4, "the rules of the requests"


def test_features_count_for_whom_nobody_asks() -> None:
    world = universe("a 1 -> b", "b 1", "b 2 [track_features=f]", "c 1 -> ghost")
    first = task(world, "a", "b", "c")
    again = Again(first, written_down(first))
    outcomes = [again(task(world, *specs), PLENTY, True).outcome for specs in (("a", "b"), ("a",), ("a", "b"))]
    found = [[record.dist for record in one.records] for one in outcomes if isinstance(one, Solution)]
    assert found == [["b-2-0", "a-1-0"], ["b-1-0", "a-1-0"], ["b-2-0", "a-1-0"]]
