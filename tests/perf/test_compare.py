"""The independent comparison of two answers: it must see what is worse, or the numbers say nothing."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.records import PackageRecord
from perf import compare
from tests.kit.universe import record


def answer(*lines: str) -> dict[str, PackageRecord]:
    return {found.name: found for found in map(record, lines)}


def family(*lines: str) -> compare.Family:
    records = [record(line) for line in lines]

    def of(name: str) -> Sequence[PackageRecord]:
        return [found for found in records if found.name == name]

    return of


def test_requested_names_leave_facts_and_patterns_out() -> None:
    assert compare.requested_names(["b >=2", "__glibc", "a", "b <3", "c*"]) == ["b", "a"]


def test_older_means_the_first_requested_difference() -> None:
    ours, theirs = answer("a 2", "b 1"), answer("a 1", "b 2")
    assert compare.older_request(ours, theirs, ["a", "b"]) is None
    assert compare.older_request(ours, theirs, ["b", "a"]) == "b"
    assert compare.older_request(ours, ours, ["a", "b"]) is None


def test_dominated_needs_one_newer_and_none_older() -> None:
    assert compare.dominated(answer("a 1", "b 1"), answer("a 1", "b 2", "c 9")) == ["b"]
    assert compare.dominated(answer("a 2", "b 1"), answer("a 1", "b 2")) == []


def test_the_first_difference_follows_the_order() -> None:
    lines = ["a 1 -> b; c", "b 1", "b 2 -> c <2", "c 1", "c 2", "c 2 x [build_number=1]"]
    ours, theirs = answer("a 1 -> b; c", "b 2 -> c <2", "c 1"), answer("a 1 -> b; c", "b 1", "c 2")
    found = compare.first_difference(ours, theirs, ["a"], family(*lines))
    assert found == compare.Difference("b", 1, "version", "ours", ("b",), ("c",))
    found = compare.first_difference(theirs, ours, ["a"], family(*lines))
    assert found == compare.Difference("b", 1, "version", "theirs", ("c",), ("b",))
    better = answer("a 1 -> b; c", "b 1", "c 2 x [build_number=1]")
    found = compare.first_difference(theirs, better, ["a"], family(*lines))
    assert found == compare.Difference("c", 1, "build number", "theirs")
    assert compare.first_difference(ours, ours, ["a"], family(*lines)) is None


def test_to_do_without_is_as_good_as_the_best() -> None:
    lines = ["a 1 x [build_number=1] -> b <2", "a 1 y [build_number=1]", "b 1", "b 2"]
    ours, theirs = answer("a 1 y [build_number=1]"), answer("a 1 x [build_number=1] -> b <2", "b 1")
    found = compare.first_difference(ours, theirs, ["a"], family(*lines))
    assert found == compare.Difference("b", 1, "without it, or version", "ours")


def test_python_comes_before_the_builds_that_differ_in_it() -> None:
    lines = ["a 1 p13 [build_number=1] -> python 3.13.*", "a 1 p14 -> python 3.14.*", "python 3.13.1", "python 3.14.1"]
    ours, theirs = answer(lines[0], "python 3.13.1"), answer(lines[1], "python 3.14.1")
    found = compare.first_difference(ours, theirs, ["a"], family(*lines))
    assert found == compare.Difference("python", 1, "version", "theirs")
