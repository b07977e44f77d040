"""`engine.plain_yaml`: YAML as texts with lines, and safe from whatever a file holds."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.plain_yaml import YamlError, parse_yaml


def plain(text: str | bytes) -> object:
    root = parse_yaml(text)
    return root.plain() if root else None


def test_scalars_stay_as_written() -> None:
    assert plain("a: 1.10\nb: no\nc: '1'\nd: 0x1F\ne: 2024-01-01") == {
        "a": "1.10", "b": "no", "c": "1", "d": "0x1F", "e": "2024-01-01",
    }  # fmt: skip


@pytest.mark.parametrize("null", ["", "~", "null", "NULL"])
def test_nulls(null: str) -> None:
    assert plain(f"a: {null}\nb: x") == {"a": None, "b": "x"}
    assert plain("a: 'null'\nb: ''") == {"a": "null", "b": ""}


@pytest.mark.parametrize("text", ["", "# only a remark\n", "---\n", "null"])
def test_nothing(text: str) -> None:
    assert parse_yaml(text) is None


def test_lines() -> None:
    root = parse_yaml("a: 1\nb:\n  - x\n  - y: [z]\n")
    assert root is not None and isinstance(root.value, dict)
    items = root.value["b"].value
    assert isinstance(items, tuple)
    assert [root.value["a"].line, root.value["b"].line, *(item.line for item in items)] == [1, 3, 3, 4]


def test_anchors() -> None:
    assert plain("a: &x [1, 2]\nb: *x") == {"a": ["1", "2"], "b": ["1", "2"]}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\na: 2", 2, "twice"),
        ("a: [1\n", 2, "expected"),
        ("a: 1\n b: 2", 2, "mapping values"),
        ("[a]: 1", 1, "expected a text"),
        ("a: *x", 1, "alias"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("[" * 100_000, 1, "levels|nesting"),
        ("- " * 50_000, 1, "levels|nesting"),
        ("{a: " * 50_000, 1, "levels|nesting"),
        ("a: &a [1]\nb: &b [*a, *b]", 2, "alias"),
    ],
)
def test_faults_name_their_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(YamlError, match=reason) as caught:
        parse_yaml(text)
    assert caught.value.line == line


def test_aliases_that_unfold_to_too_much_are_refused() -> None:
    levels = [f"l{n}: &l{n} [{', '.join(['x' if not n else f'*l{n - 1}'] * 10)}]" for n in range(12)]
    with pytest.raises(YamlError, match="more than"):
        parse_yaml("\n".join(levels))


def test_tags_make_no_objects() -> None:
    assert plain("a: !!python/object/apply:os.system [x]") == {"a": ["x"]}


@given(st.one_of(st.text(max_size=80), st.text("ab:-[]{}&*!|>'\"# \n,?%@`", max_size=80), st.binary(max_size=40)))
@settings(max_examples=500, deadline=None)
def test_anything_is_read_or_refused(text: str | bytes) -> None:
    with contextlib.suppress(YamlError):
        parse_yaml(text)
