"""The splitter against `json.loads` as the slow model: however the bytes are cut, the same members come out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.model import json_split
from engine.model.json_split import Block, JsonSplitter, NotJson

TABLES = ("packages", "packages.conda")

nasty = st.sampled_from(["},", '"}', "{", "}}", "\\", '\\"},"x":{', "é\u2028", ",", "]", " ", "\x00", "😀"])
text = st.lists(nasty | st.text(max_size=4), max_size=4).map("".join)
scalar = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text
)
value = st.recursive(scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3))
table = st.dictionaries(text, value, max_size=6)
key = st.sampled_from(["info", "removed", "signatures", "packages ", ""]) | text
group = st.dictionaries(
    st.sampled_from(["conda", "info", "packages", "", "}"]), table | scalar | st.lists(text), max_size=3
)
documents = st.builds(
    lambda tables, others, order: dict(order.sample(items := [*tables.items(), *others.items()], len(items))),
    st.dictionaries(st.sampled_from(TABLES), table | scalar),
    st.dictionaries(key, value, max_size=4) | st.fixed_dictionaries({"v3": group | scalar}),
    st.randoms(use_true_random=False),
)
styles = st.sampled_from([{"separators": (",", ":")}, {"indent": 2}, {"indent": "\t"}, {}, {"ensure_ascii": False}])


def split(data: bytes, sizes: list[int] | None = None) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Tables and wanted members of ``data``, fed in pieces of ``sizes`` (over and over; None: whole)."""
    tables: dict[str, dict[str, Any]] = {}

    def take(block: Block) -> None:
        rows = {key: json.loads(bytes(raw)) for key, raw in block.members.items()}
        tables.setdefault(block.table, {}).update(rows)
        place = slice(block.offset + 1, block.offset + len(block.text) - 1)
        assert b"{%b}" % data[place] == block.text, "a block knows where it stands"
        assert json.loads(block.text) == rows

    splitter = JsonSplitter(TABLES, ("info", "removed"), take, groups=("v3",))
    at = 0
    while at < len(data):
        size = sizes[0] if sizes else len(data)
        sizes = sizes[1:] + sizes[:1] if sizes else None
        splitter.feed(data[at : at + size])
        at += size
    splitter.finish()
    return tables, {key: json.loads(value) for key, value in splitter.values.items()}


def expected(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    tables = {name: rows for name, rows in document.items() if name in TABLES and isinstance(rows, dict) and rows}
    if isinstance(inner := document.get("v3"), dict):
        tables |= {f"v3/{name}": rows for name, rows in inner.items() if isinstance(rows, dict) and rows}
    return tables, {name: value for name, value in document.items() if name in ("info", "removed")}


@settings(max_examples=150, deadline=None)
@given(documents, styles, st.lists(st.integers(1, 40), min_size=1, max_size=5), st.sampled_from([1, 7, 64, 1 << 20]))
def test_however_it_is_cut_the_members_are_the_same(
    document: dict[str, Any], style: dict[str, Any], sizes: list[int], block: int
) -> None:
    data = json.dumps(document, **style).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_split, "BLOCK", block)
        for way in (None, [1], sizes):
            assert split(data, way) == expected(document)


@settings(max_examples=100, deadline=None)
@given(documents, styles, st.data())
def test_a_text_that_ends_too_early_or_goes_on_is_refused(
    document: dict[str, Any], style: dict[str, Any], choice: st.DataObject
) -> None:
    data = json.dumps(document, **style).encode()
    length = choice.draw(st.integers(1, len(data) - 1))
    for wrong in (data[:length], data + b"}", data + b" null", data + b"\n{}"):
        with pytest.raises(NotJson):
            split(wrong)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | text.map(str.encode), st.sampled_from([1, 1 << 20]))
@example(b'{"packages":{"a":{},}}', 1)
@example(b'{"packages":{"a":{}"b":{}}}', 1)
@example(b'{"packages":{,"a":{}}}', 1)
@example(b'{"packages":{"a":{}},}', 1)
@example(b'{"\xff":1}', 1)
@example(b'{"info":}', 1)
@example(b"[]", 1)
@example(b"<!DOCTYPE html>", 1)
def test_garbage_is_refused_and_never_crashes(data: bytes, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_split, "BLOCK", block)
        try:
            split(data)
        except NotJson:
            return
        except ValueError:  # a wanted member that is no JSON is decoded by the caller
            return
    assert data.removeprefix(b"\xef\xbb\xbf").strip()[:1] in (b"", b"{")


@pytest.mark.parametrize(
    "wrong", [b'{"packages":{"a":{},}}', b'{"packages":{"a":{}"b":{}}}', b'{"packages":{"a":{}},}']
)
def test_misplaced_commas(wrong: bytes) -> None:
    with pytest.raises(NotJson):
        split(wrong)


@pytest.mark.parametrize("data", [b"", b" \n", b"{}", b" { } \n", b"\xef\xbb\xbf{}"])
def test_empty_documents(data: bytes) -> None:
    assert split(data) == ({}, {})
    assert split(data, [1]) == ({}, {})


def test_deep_nesting_is_refused_not_fatal() -> None:
    with pytest.raises(NotJson):
        split(b'{"packages":{"a":' + b"[" * 100_000)
    with pytest.raises(NotJson):
        split(b'{"packages":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}")


@pytest.mark.parametrize("filler", [b'"' + b"x" * (3 << 20) + b'"', b"[" + b"1," * (1 << 20) + b"1]"])
@pytest.mark.parametrize("where", ["signatures", "info", "packages"])
def test_one_huge_member_costs_time_in_proportion(filler: bytes, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte is looked at a bounded number of times: attempts double their distance."""
    joins = 0
    work = JsonSplitter._work

    def counted(self: JsonSplitter) -> None:
        nonlocal joins
        joins += 1
        work(self)

    monkeypatch.setattr(JsonSplitter, "_work", counted)
    monkeypatch.setattr(json_split, "BLOCK", 1 << 12)
    inner = b'{"a":' + filler + b"}"
    tables, values = split(b'{"' + where.encode() + b'":' + inner + b"}", [1 << 12])
    assert (where in tables, where in values) == (where == "packages", where == "info")
    assert joins < 1000


def test_sizes_are_counted() -> None:
    splitter = JsonSplitter((), (), lambda name, rows: None)
    splitter.feed(b'{"a"')
    splitter.feed(b":1}")
    splitter.finish()
    assert splitter.size == 7
