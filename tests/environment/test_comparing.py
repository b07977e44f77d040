"""What two sides differ in."""

from __future__ import annotations

from engine.environment.comparing import Difference, compare_packages, compare_with_specs
from engine.model.match_spec import MatchSpec
from tests.kit.universe import record


def test_whole_sets() -> None:
    assert compare_packages({"a": "1 0", "b": "1 0", "c": "1 0"}, {"a": "1 0", "b": "2 0", "d": "1 0"}) == [
        Difference("changed", "b", "1 0", "2 0"),
        Difference("removed", "c", "1 0", ""),
        Difference("added", "d", "", "1 0"),
    ]


def test_specs_say_what_must_be_there() -> None:
    records = [record("a 1.0"), record("b 2.0")]
    specs = [MatchSpec.parse(text) for text in ("a >=1", "b <2", "c", "a*")]
    assert [(one.kind, one.name, one.right) for one in compare_with_specs(records, specs)] == [
        ("changed", "b", "b <2"),
        ("added", "c", "c"),
    ]
