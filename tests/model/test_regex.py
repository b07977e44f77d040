"""The regular expressions: the same answers as Python's `re`, in bounded time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.regex import MAX_DEPTH, MAX_PATTERN, Regex, RegexError

_ATOMS = st.sampled_from(
    ["a", "b", "1", ".", "[ab]", "[^a]", "[0-9_]", r"\d", r"\.", "(a|b1)", "(?:ab)", "(a|)", r"\W"]
)
_QUANTIFIED = st.builds(
    "{}{}".format, _ATOMS, st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "*?"])
)
_SEQUENCES = st.lists(_QUANTIFIED | st.sampled_from(["^", "$"]), max_size=4).map("".join)


@settings(max_examples=400, deadline=None)
@given(_SEQUENCES, _SEQUENCES, st.text(alphabet="abB1.", max_size=6))
def test_agrees_with_re(first: str, second: str, text: str) -> None:
    pattern = f"^{first}(x|{second})$"
    assert Regex(pattern).search(text) == (re.search(pattern, text, re.IGNORECASE) is not None)


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)*$", "^(.*)*(.*)*(.*)*$", "^" + "a?" * 200 + "a" * 200 + "$"]
)
def test_patterns_that_make_others_run_for_ever_are_quick(pattern: str) -> None:
    begin = time.perf_counter()
    Regex(pattern).search("a" * 64 + "!")
    assert time.perf_counter() - begin < 2


@pytest.mark.parametrize(
    ("pattern", "at"),
    [
        ("^(a$", 1), ("^a)$", 2), ("^[a$", 1), ("^(?=a)$", 1), ("^(?i)a$", 1), (r"^(a)\1$", 4), (r"^\b$", 1),
        ("^a**$", 3), ("^*a$", 0), ("^a{2,1}$", 3), ("^a{x}$", 2), ("^a{9999}$", None), ("^((a{60}){60}){60}$", None),
        ("^" + "(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1) + "$", MAX_DEPTH + 1), ("^[z-a]$", 2), ("^a\\", 3),
        ("^" + "a" * MAX_PATTERN + "$", None),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_with_its_place(pattern: str, at: int | None) -> None:
    with pytest.raises(RegexError) as caught:
        Regex(pattern)
    if at is not None:
        assert caught.value.at == at


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1^$()[]{}*+?|\\.,-d", max_size=30), st.text(alphabet="ab1", max_size=5))
def test_any_pattern_is_read_or_refused(pattern: str, text: str) -> None:
    try:
        regex = Regex(pattern)
    except RegexError as error:
        assert 0 <= error.at <= len(pattern)
        return
    assert isinstance(regex.search(text), bool)
