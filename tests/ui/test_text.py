"""`engine.ui.text`: numbers and tables as people read them."""

from __future__ import annotations

import pytest

from engine.ui.text import human_bytes, human_seconds, plain, plural, style, table


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1450, "1.45 kB"), (182_300_000, "182 MB"), (2.5e12, "2.5 TB")],
)
def test_sizes(count: float, text: str) -> None:
    assert human_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0321, "32 ms"), (0.0999, "0.1 s"), (1.84, "1.8 s"), (125, "2 min 5 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert human_seconds(seconds) == text


def test_plural() -> None:
    assert [plural(1, "file"), plural(12700, "file")] == ["1 file", "12 700 files"]


def test_table_aligns_and_strips() -> None:
    assert table([["a", "1"], ["bcd", "22"]], right=frozenset({1})) == ["  a     1", "  bcd  22"]
    assert table([]) == []


def test_table_knows_wide_and_combining_characters() -> None:
    assert table([["家固", "1"], ["e\u0301", "2"], ["abcd", "3"]]) == ["  家固  1", "  e\u0301     2", "  abcd  3"]


def test_style_only_where_colours_are_on() -> None:
    assert style("x", "green", on=False) == "x"
    assert style("x", "green", on=True) == "\x1b[32mx\x1b[0m"


def test_names_have_no_power_over_the_terminal() -> None:
    assert plain("evil\x1b[2J\x9b1m é\n\tend") == "evil\\x1b[2J\\x9b1m é\n\tend"
    assert table([["a\x1b]0;x\x07\nb", "1"]]) == ["  a\\x1b]0;x\\x07\\nb  1"]
