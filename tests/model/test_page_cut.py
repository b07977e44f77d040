"""Cutting a block by names: the same members as `json.loads` finds, in whatever way the text is written."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.model import page_cut
from engine.model.json_split import Block, Table
from engine.model.page_cut import package_name, runs

WRONGLY_NAMED = {
    "tool_0.1.0.tar.bz2": {"name": "tool", "version": "0.1.0"},
    "tool_0.2.0.tar.bz2": {"name": "tool", "version": "0.2.0"},
    "other-1.0-0.tar.bz2": {"name": "other"},
    "my-tool_1.tar.bz2": {"name": "my-tool"},
    "odd_1.tar.bz2": ["no record"],
}
"""Servers' own scripts make such names; conda and micromamba go by the record."""

names = st.sampled_from(["a", "a-b", "b", "é", 'q"', "back\\slash", "", "}", 'x":{'])
keys = st.builds(lambda name, build: f"{name}-1-{build}", names, st.integers(0, 3)) | st.text(max_size=6)
values = st.recursive(
    st.none() | st.integers(0, 99) | st.sampled_from(['},"b-1-0":{', "b-1-0", '"', "\\", "é,", "{"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
members = st.dictionaries(keys, values, min_size=1, max_size=12)
styles = st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 2}, {"separators": (" , ", "  :")}])


def block(text: bytes) -> Block:
    return Block("packages", msgspec.json.decode(text, type=Table), text, 0)


def pages(text: bytes) -> list[tuple[str, dict[str, Any]]]:
    return [(name, json.loads(b"{%b}" % text[start:stop])) for name, start, stop in runs(block(text))]


def expected(rows: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, dict(group)) for name, group in groupby(rows.items(), key=lambda item: named(*item))]


def named(key: str, record: Any) -> str:
    """By the file name, or, where that tells none, by the record."""
    own = record.get("name") if isinstance(record, dict) and key.count("-") < 2 else None
    return own if isinstance(own, str) and own else package_name(key)


@settings(max_examples=300, deadline=None)
@given(members, styles, st.booleans())
@example(WRONGLY_NAMED, {}, True)
@example({**WRONGLY_NAMED, "é-1-0": {}}, {"indent": 2}, True)
@example({"b-1-0": {"x": 1, "b-1-1": {"y": 2}}, "b-1-1": {"z": {}}}, {}, True)
@example({"a-1-0": {"p": {"a": 1}, "b-1-0": {"y": 2}, "x": 3}, "b-1-0": {"y": 2}}, {"separators": (",", ":")}, True)
def test_pages_hold_what_the_text_says(rows: dict[str, Any], style: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(rows, ensure_ascii=ascii_only, **style).encode()
    assert pages(text) == expected(rows)


def test_records_whose_file_names_tell_no_name_are_found_by_their_own() -> None:
    found = {name: list(rows) for name, rows in pages(json.dumps(WRONGLY_NAMED).encode())}
    assert found == {
        "tool": ["tool_0.1.0.tar.bz2", "tool_0.2.0.tar.bz2"],
        "other": ["other-1.0-0.tar.bz2"],
        "my-tool": ["my-tool_1.tar.bz2"],
        "odd_1.tar.bz2": ["odd_1.tar.bz2"],
    }


def test_a_key_that_comes_twice_stays_with_its_page() -> None:
    text = b'{"a-1-0":{"n":1},"a-1-0":{"number":2},"b-1-0":{},"a-1-1":{}}'
    assert pages(text) == [("a", {"a-1-0": {"number": 2}}), ("b", {"b-1-0": {}}), ("a", {"a-1-1": {}})]


@pytest.mark.parametrize("gaps", [["", " ", "\n\t"], [" ", "", "  "]])
def test_spacing_by_hand(gaps: list[str]) -> None:
    rows = [f'"{name}-1-{n}"{gaps[n % 3]}:{gaps[(n + 1) % 3]}{{"n":{n}}}' for n, name in enumerate("aabbbcab")]
    text = ("{" + ",".join(row + gaps[n % 3] for n, row in enumerate(rows)) + "}").encode()
    assert pages(text) == expected(json.loads(text))


def test_machine_made_text_needs_no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cut, "_by_walking", lambda text: pytest.fail("walked"))
    rows = {f"{name}-1-{build}.conda": {"build": build, "depends": ["},"]} for name in "abc" for build in range(9)}
    for style in ({"separators": (",", ":")}, {"indent": 1}, {}):
        assert pages(json.dumps(rows, **style).encode()) == expected(rows)  # type: ignore[arg-type]
