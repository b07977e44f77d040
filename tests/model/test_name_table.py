"""The table of names against a dict as the model; and tables that are none."""

from __future__ import annotations

import json
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.json_split import Block, Table
from engine.model.name_table import NameTable, TableBuilder

names = st.text(st.characters(exclude_categories=("Cs",)), max_size=5).filter(lambda name: "-" not in name)


def made(tables: list[dict[str, Any]]) -> tuple[NameTable, list[bytes]]:
    """A table of some blocks, each of a table of its own, and the text of each."""
    builder, texts = TableBuilder(), []
    for number, rows in enumerate(tables):
        text = json.dumps(rows).encode()
        builder.add(number, Block("t", msgspec.json.decode(text, type=Table), text, number << 40))
        texts.append(text)
    return NameTable(*builder.finish()), texts


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(names, min_size=1, max_size=8, unique=True), max_size=3), names)
def test_what_was_added_is_found(given: list[list[str]], other: str) -> None:
    table, texts = made([{f"{name}-1-0": {"n": name} for name in block} for block in given])
    every = {name for block in given for name in block}
    assert set(table) == every == table
    assert len(table) == len(every)
    assert list(table) == sorted(every, key=str.encode)
    for name in every | {other}:
        assert (name in table) == (name in every)
        found = table.ranges(name)
        assert [one.table for one in found] == [number for number, block in enumerate(given) if name in block]
        for one in found:
            start = one.offset - (one.table << 40)
            text = texts[one.table][start : start + one.length]
            assert json.loads(b"{%b}" % text) == {f"{name}-1-0": {"n": name}}
            assert zlib.crc32(text) == one.crc


def test_it_is_a_set() -> None:
    table, _ = made([{"a-1-0": {}, "b-1-0": {}}])
    assert table | {"c"} == {"a", "b", "c"}
    assert table & {"b"} == {"b"}
    assert 5 not in table
    assert "\ud800" not in table


def test_an_empty_table() -> None:
    table, _ = made([])
    assert (list(table), table.ranges("a"), "a" in table) == ([], [], False)


def test_what_does_not_fit_itself_is_refused() -> None:
    builder = TableBuilder()
    text = b'{"a-1-0":{},"b-1-0":{}}'
    builder.add(0, Block("t", msgspec.json.decode(text, type=Table), text, 0))
    data, count, ranges = builder.finish()
    for wrong in [
        (data[:-1], count, ranges),
        (data + b"x", count, ranges),
        (data, count + 1, ranges),
        (data, count, ranges - 1),
        (b"", count, ranges),
    ]:
        with pytest.raises(ValueError, match="table of names"):
            NameTable(*wrong)
