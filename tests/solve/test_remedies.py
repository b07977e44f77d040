"""What would work instead: each kind of change, offered only where it was solved."""

from __future__ import annotations

import pytest

from engine.errors import SolveError
from engine.model.match_spec import MatchSpec
from engine.solve import relax
from engine.solve.missing import did_you_mean
from engine.solve.reasons import Requested
from engine.solve.task import SolveTask
from tests.kit.universe import Universe, universe, virtual
from tests.solve.kit import answer, installed


def told(world: Universe | list[Universe], *specs: str, **options: object) -> list[str]:
    with pytest.raises(SolveError) as caught:
        answer(world, *specs, **options)  # type: ignore[arg-type]
    return [*str(caught.value).splitlines(), *f"hint: {caught.value.hint}".splitlines()]


PYTHONS = ("python 3.11.1", "python 3.12.1")
APP = universe(*PYTHONS, "app 1 -> python >=3.12", "app 0 -> python <3.8", "lib 1", "lib 2", "top 1 -> lib >=2; app")


def test_a_pin_of_an_installed_python() -> None:
    there = (installed("python 3.11.1", asked=True),)
    assert told(APP, "app >=1", installed=there) == [
        "Could not solve for environment specs. The following packages are incompatible:",
        "  - app >=1 is asked for",
        "      app 1 needs python >=3.12",
        "  - python 3.11.* is pinned, as it is installed",
        "hint: This would work: use --no-py-pin (gives python 3.12.1).",
    ]


def test_a_pin_of_the_user() -> None:
    assert told(APP, "top", pinned=["lib <2"]) == [
        "Could not solve for environment specs. The following packages are incompatible:",
        "  - top is asked for",
        "      top 1 needs lib >=2",
        "  - lib <2 is pinned",
        "hint: This would work: take away the pin lib <2, or use --no-pin (gives lib 2).",
    ]


def test_strict_channel_priority() -> None:
    worlds = [universe("a 1", "b 1 -> a >=2", channel="high"), universe("a 2", channel="low")]
    assert told(worlds, "b", channel_priority="strict") == [
        "Could not solve for environment specs. The following package could not be installed:",
        "  - b is asked for",
        "      b 1 needs a >=2, but there is only a 1 "
        "(and more in low, not looked at because of strict channel priority)",
        "hint: This would work: use --channel-priority flexible (gives b 1).",
    ]


def test_a_package_for_another_system() -> None:
    world = universe("tool 1 -> __win", "tool 2 -> __osx >=11", "tool 3 -> __osx")
    assert told(world, "tool", virtual=virtual("__unix", "__linux 6.1"))[1:] == [
        "  - tool is asked for",
        "      tool 2–3 needs __osx | __osx >=11, but this machine has no __osx",
        "      tool 1 needs __win, but this machine has no __win",
        "hint: It is for macOS or Windows; --platform chooses another platform.",
    ]


def test_a_newer_machine_is_found_step_by_step() -> None:
    world = universe("a 1 -> __glibc >=2.28; b", "b 1 -> __glibc >=2.34; c", "c 1 ! __glibc >=2.36")
    lines = told(world, "a", virtual=virtual("__glibc 2.17"))
    assert lines[-1] == "hint: This would work: for a machine that has it, set CONDA_OVERRIDE_GLIBC=2.36 (gives a 1)."


def test_several_changes_at_once() -> None:
    world = universe("a 1 -> c 1", "a 2 -> c 2", "b 1 -> c 1", "b 2 -> c 2", "c 1", "c 2", "d 1", "d 2 -> c 2")
    assert told(world, "a 1", "b 2", "d 2", "c 1")[-1] == (
        "hint: This would work: leave the versions of b and d open (gives b 1 and d 1)."
    )


def test_where_nothing_small_would_help() -> None:
    world = universe("a 1 -> ghost", "b 1 -> spirit")
    assert told(world, "a", "b") == [
        "Could not solve for environment specs. The following package could not be installed:",
        "  - a is asked for",
        "      a 1 needs ghost, which is not in kit (linux-64)",
        "hint: Relax the request, or add a channel with `-c CHANNEL`.",
    ]


def test_after_much_work_one_remedy_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    world = universe("a 1 -> c 1", "b 1 -> c 2", "b 0", "a 0", "c 1", "c 2")
    assert len([line for line in told(world, "a 1", "b 1") if line.startswith("    - ask for")]) == 2
    monkeypatch.setattr(relax, "ENOUGH", 0)
    assert told(world, "a 1", "b 1")[-1] == "hint: This would work: ask for b instead of b 1 (gives b 0)."


@pytest.mark.parametrize(
    ("work", "limit"), [(100, 12_000), (6_000, 27_000), (12_000, 36_000), (25_000, 30_000), (40_000, 20_000)]
)
def test_what_changes_may_take_follows_from_what_the_search_took_and_both_are_bounded(work: int, limit: int) -> None:
    limits: list[int] = []

    def solve(_task: SolveTask, allowed: int, _whole: bool) -> relax.Tried:
        limits.append(allowed)
        return relax.Tried(None, allowed)

    asked = SolveTask(specs=(MatchSpec.parse("a 1"), MatchSpec.parse("b 1")), repodata=[], virtual=())
    relax.find_remedies(asked, [Requested("a 1", "a"), Requested("b 1", "b")], False, work, solve)
    assert limits == [limit]


def test_builds_and_flags_that_are_there_are_named() -> None:
    world = universe(*(f"a 1 py{number} [flags=f{number}]" for number in (37, 38, 39, 310)), "a 2 py312", "b 1")
    assert told(world, "a 1 cuda*")[1] == (
        "  - a 1 cuda* does not exist: there is a 1, "
        "but only in the builds py37, py38, py39, … (1 more) in kit (linux-64)"
    )
    assert "but only with the flags f37, f38, f39, … (1 more)" in told(world, "a 1[flags=cuda]")[1]
    assert told(world, "b[flags=cuda]")[1].endswith("there is b 1, but only without flags in kit (linux-64)")


def test_the_nearest_versions_are_named() -> None:
    world = universe("a 1.0", "a 1.5", "a 2.0")
    assert told(world, "a 1.7.*")[2].startswith("hint: The nearest to a 1.7.* are 1.5 and 2.0.")
    assert told(world, "a >3")[2].startswith("hint: The nearest to a >3 is 2.0.")
    assert told(world, "a <1")[2].startswith("hint: The nearest to a <1 is 1.0.")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("torch", "pytorch"),
        ("sklearn", "scikit-learn"),
        ("opencv-python", "opencv"),
        ("scikit_learn", "scikit-learn"),
        ("numpi", "numpy"),
        ("yaml", "pyyaml"),
    ],
)
def test_what_people_call_packages(said: str, meant: str) -> None:
    known = {"pytorch", "scikit-learn", "opencv", "numpy", "pyyaml", "pandas"}
    assert did_you_mean(said, known)[0] == meant


def test_an_explanation_is_the_same_every_time() -> None:
    worlds = [universe(*(f"a {i} -> b {i % 7}; c {i % 5}" for i in range(40)), "b 8", "c 9")]
    assert len({tuple(told(worlds, "a", "b", "c")) for _ in range(3)}) == 1
