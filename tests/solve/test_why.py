"""Why an installed package is not newer: each verdict, in words and as data."""

from __future__ import annotations

from typing import Any

import pytest

from engine.solve.task import SolveTask
from engine.solve.why import WhyVersion, why_version
from tests.kit.universe import Universe, universe
from tests.solve.kit import installed, task

WORLD = universe(
    "numpy 1.26",
    "numpy 2.0",
    "pandas 2.1 -> numpy <2",
    "pandas 2.2 -> numpy >=1.26",
    "python 3.9",
    "python 3.12",
)


def request(world: Universe | list[Universe], *lines: str, asked: tuple[str, ...], **options: Any) -> SolveTask:
    return task(world, *asked, installed=tuple(installed(line) for line in lines), **options)


def of(name: str, world: Universe | list[Universe], *lines: str, asked: tuple[str, ...], **options: Any) -> WhyVersion:
    return why_version(request(world, *lines, asked=asked, **options), name)


def test_the_newest_and_newer_than_that() -> None:
    answer = of("numpy", WORLD, "numpy 2.0", asked=("numpy",))
    assert answer.verdict == "newest"
    assert of("numpy", WORLD, "numpy 3", asked=("numpy",)).verdict == "newest"


def test_no_channel_has_it() -> None:
    answer = of("mine", WORLD, "mine 1", asked=("mine",))
    assert (answer.verdict, answer.newest) == ("unavailable", None)


def test_a_request_holds_it_back() -> None:
    answer = of("numpy", WORLD, "numpy 1.26", asked=("numpy <2",))
    assert answer.verdict == "held"
    assert answer.newest is not None
    assert answer.newest.version == "2.0"
    assert answer.held_by == ("numpy <2",)
    assert answer.story == ("  - numpy 2.0 is the newest", "  - numpy <2 is asked for")
    assert answer.remedies == ("ask for numpy instead of numpy <2 (gives numpy 2.0)",)


def test_a_request_holds_it_back_through_a_chain() -> None:
    world = universe("numpy 1", "numpy 2", "lib 1 -> numpy <2", "app 1 -> lib")
    answer = of("numpy", world, "numpy 1", "lib 1 -> numpy <2", "app 1 -> lib", asked=("app",))
    assert answer.held_by == ("app",)
    assert answer.story == (
        "  - numpy 2 is the newest",
        "  - app is asked for",
        "      app 1 needs lib",
        "        lib 1 needs numpy <2",
    )
    assert isinstance(answer.data["rules"], list)


def test_a_pin_holds_it_back() -> None:
    answer = of("numpy", WORLD, "numpy 1.26", asked=("numpy",), pinned=("numpy 1.*",))
    assert answer.verdict == "held"
    assert answer.held_by == ("numpy 1.*",)


def test_the_installed_python_holds_it_back_though_python_was_asked_for() -> None:
    world = universe("tool 1 -> python", "tool 2 -> python >=3.12", "python 3.9", "python 3.12")
    lines = ("tool 1 -> python", "python 3.9")
    answer = of("tool", world, *lines, asked=("python", "tool"))
    assert answer.verdict == "held"
    assert answer.held_by == ("python 3.9.*",)
    assert answer.remedies == ("use --no-py-pin (gives python 3.12)",)
    free = of("tool", world, *lines, asked=("python", "tool"), pin_python=False)
    assert free.verdict == "free"
    assert [(change.name, change.kind) for change in free.changes] == [("python", "upgrade")]


def test_nothing_holds_it_back() -> None:
    answer = of("numpy", WORLD, "numpy 1.26", "pandas 2.1 -> numpy <2", asked=("pandas", "numpy"))
    assert answer.verdict == "free"
    assert [(change.name, change.new.version if change.new else "") for change in answer.changes] == [("pandas", "2.2")]


def test_others_would_be_older() -> None:
    world = universe("app 1", "app 2 -> lib <2", "lib 1", "lib 2")
    answer = of("lib", world, "app 2 -> lib <2", "lib 1", asked=("app",))
    assert answer.verdict == "outweighed"
    assert [(change.name, change.new.version if change.new else "") for change in answer.changes] == [("app", "1")]
    assert "  - lib 2 is the newest" in answer.story
    assert "      app 2 needs lib <2" in answer.story


def test_channels_that_priority_leaves_out_are_named() -> None:
    worlds = [universe("a 1", channel="first"), universe("a 2", channel="second")]
    answer = of("a", worlds, "a 1", asked=("a",))
    assert (answer.verdict, answer.left_out) == ("newest", ("second",))


@pytest.mark.parametrize("spec", ["gone", "numpy =9"])
def test_requests_that_no_channel_can_meet_any_more(spec: str) -> None:
    answer = of("pandas", WORLD, "pandas 2.1 -> numpy <2", "numpy 1.26", asked=("pandas", spec))
    assert answer.verdict == "held"
    assert any(spec.split(maxsplit=1)[0] in line for line in answer.story)
