"""Lines of a universe mean what they say."""

from __future__ import annotations

import pytest

from tests.kit.universe import record, universe, virtual


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a 1", {"name": "a", "version": "1", "build": "0", "depends": (), "constrains": ()}),
        ("a 1 -> b", {"build": "0", "depends": ("b",)}),
        ("a 1 py_0", {"build": "py_0"}),
        ("a 1 h12-x -> b >=2,<3; c", {"build": "h12-x", "depends": ("b >=2,<3", "c")}),
        ("a 1 [build_number=3, noarch=python] -> b", {"build_number": 3, "noarch": "python", "depends": ("b",)}),
        ("a 1 h_1[timestamp=5]", {"build": "h_1", "timestamp": 5}),
        ("a 1 -> b !=2; c ! d <4; e", {"depends": ("b !=2", "c"), "constrains": ("d <4", "e")}),
        ("a 1 -> b >=1,!=2.*; c !=3", {"depends": ("b >=1,!=2.*", "c !=3"), "constrains": ()}),
        ("a 1 ! d !=4", {"depends": (), "constrains": ("d !=4",)}),
        ("a 1 [format=.tar.bz2]", {"fn": "a-1-0.tar.bz2"}),
        (
            "a 1 -> __glibc >=2.17; python_abi 3.12.* *_cp312",
            {"depends": ("__glibc >=2.17", "python_abi 3.12.* *_cp312")},
        ),
    ],
)
def test_a_line_is_a_record(line: str, expected: dict[str, object]) -> None:
    found = record(line)
    assert {key: getattr(found, key) for key in expected} == expected


@pytest.mark.parametrize("line", ["", "a", "a 1 b c"])
def test_a_wrong_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no line of a universe"):
        record(line)


def test_a_universe_answers_by_name() -> None:
    world = universe("a 1", "b 1", "a 2", channel="x", subdir="noarch")
    assert list(world.names()) == ["a", "b"]
    assert [row.version for row in world.records("a")] == ["1", "2"]
    assert world.records("c") == ()
    assert world.one("a-2").url == "https://conda.anaconda.org/x/noarch/a-2-0.conda"
    assert (world.subdir, world.channel.name, len(world)) == ("noarch", "x", 3)


def test_virtual_packages_have_a_version() -> None:
    assert [(row.name, row.version, row.build) for row in virtual("__unix", "__glibc 2.31", "__archspec 1 x86_64")] == [
        ("__unix", "0", "0"),
        ("__glibc", "2.31", "0"),
        ("__archspec", "1", "x86_64"),
    ]
