"""Ranges and lists, as people read them."""

from __future__ import annotations

import pytest

from engine.model.match_spec import MatchSpec
from engine.solve.index import PackageIndex
from engine.solve.wording import listed, shortened, spec_text, version_ranges
from tests.kit.universe import universe
from tests.solve.kit import task


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([(0, 5)], "1–4"),
        ([(0, 1)], "4"),
        ([(4, 5), (0, 1)], "1, 4"),
        ([(1, 2)], "3"),
        ([(2, 3), (1, 2), (3, 4)], "2–3"),
        ([(3, 5)], "1–2"),
        ([], ""),
    ],
)
def test_versions_as_ranges(ranks: list[tuple[int, int]], expected: str) -> None:
    world = universe("a 1", "a 2", "a 3 x", "a 3 y", "a 4")
    candidates = PackageIndex(task(world), {}, {}).candidates("a")
    assert version_ranges(candidates, ranks) == expected


def test_many_ranges_are_cut() -> None:
    world = universe(*(f"a {i}" for i in range(10)))
    candidates = PackageIndex(task(world), {}, {}).candidates("a")
    assert version_ranges(candidates, [(rank, rank + 1) for rank in range(0, 10, 2)]) == "1, 3, 5, … (2 more)"


def test_lists() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert shortened(["a", "b", "c"], 2) == "a | b | … (1 more)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("numpy>=2", "numpy >=2"), ("a=2=x", "a 2 x"), ("b[build_number=0]", "b[build_number=0]"), ("foo-*", "foo-*")],
)
def test_specs_as_people_write_them(text: str, expected: str) -> None:
    assert spec_text(MatchSpec.parse(text)) == expected
