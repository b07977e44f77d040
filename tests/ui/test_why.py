"""The reasons for a package as lines: short, whatever there is to tell."""

from __future__ import annotations

from engine.query.chains import Standing, Step
from engine.solve.transaction import Change
from engine.solve.why import WhyVersion
from engine.ui.why import standing_lines, version_lines
from tests.kit.universe import record
from tests.solve.kit import installed


def test_many_chains_are_counted() -> None:
    chains = tuple((Step(f"p{number}", "1", "z"), Step("z", "1")) for number in range(9))
    lines = list(standing_lines(Standing((), (), chains)))
    assert lines[1] == "  - p0 1 (asked for) → z"
    assert lines[-1] == "    … and through 4 more packages of those that need it"
    assert len(lines) == 7


def test_an_orphan_that_an_orphan_needs() -> None:
    lines = list(standing_lines(Standing((), (Step("a", "1", "z"),), ())))
    assert lines[1] == "  - nobody asked for it; only a needs it, which nobody asked for either"


def test_newest_with_later_builds_and_newer_than_the_channels() -> None:
    answer = WhyVersion(verdict="newest", newest=record("z 2 h_3 [build_number=3]"), left_out=("other",))
    assert list(version_lines(installed("z 2"), answer)) == [
        "It is the newest, though there are later builds of it, such as h_3.",
        "(other has more of them, which are not looked at because of strict channel priority.)",
    ]
    assert next(version_lines(installed("z 3"), answer)).startswith("It is newer than all")
    assert list(version_lines(installed("z 3"), WhyVersion(verdict="unavailable"))) == [
        "No channel has this package any more."
    ]


def test_changes_of_every_kind() -> None:
    old, new = installed("z 1"), record("z 2")
    changes = (
        Change("install", None, record("in 1")),
        Change("remove", installed("out 1"), None),
        Change("upgrade", installed("up 1"), record("up 2")),
        Change("downgrade", installed("down 2"), record("down 1")),
        Change("change", installed("same 1 a"), record("same 1 b")),
    )
    lines = list(version_lines(old, WhyVersion(verdict="free", newest=new, changes=changes)))
    assert lines == [
        "The newest is 2.",
        "Nothing holds it back: `whipsnake install z=2` brings it.",
        "Then, too:",
        "  - in 1 comes in",
        "  - out 1 goes",
        "  - up 1 becomes newer: 2",
        "  - down 2 becomes older: 1",
        "  - same 1 a becomes b",
    ]
    many = WhyVersion(verdict="free", newest=new, changes=changes * 3)
    assert list(version_lines(old, many))[-1] == "    … and 7 more"


def test_others_would_be_older() -> None:
    answer = WhyVersion(
        verdict="outweighed",
        newest=record("z 2"),
        changes=(Change("downgrade", installed("a 2"), record("a 1")),),
        story=("  - a 2 is asked for",),
        held_by=("a 2",),
    )
    assert list(version_lines(installed("z 1"), answer))[1:] == [
        "It could be had, but others would be older then, and what was asked for comes first:",
        "With it:",
        "  - a 2 becomes older: 1",
        "Together they can't be had; held back by a 2:",
        "  - a 2 is asked for",
    ]
