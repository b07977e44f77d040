"""CEP 29, "String matching"."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.text_match import InvalidPattern, TextMatcher


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab*.+", max_size=8), st.text(alphabet="abB.+", max_size=8))
def test_a_glob_is_the_regex_that_the_cep_makes_of_it(glob: str, text: str) -> None:
    """Escape characters considered special …; replace escaped asterisks by `.*`; wrap with `^` and `$`."""
    regex = re.escape(glob).replace(r"\*", ".*")
    assert TextMatcher.parse(glob).matches(text) == (re.fullmatch(regex, text, re.IGNORECASE) is not None)


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("py27_0", "PY27_0", True),
        ("py27_0", "py27_00", False),
        ("*", "", True),
        ("^py(2|3)7.*$", "py37h1_0", True),
        ("^py(2|3)7.*$", "py38h1_0", False),
        ("^py", "^py", True),
    ],
)
def test_expressions(expression: str, text: str, expected: bool) -> None:
    assert TextMatcher.parse(expression).matches(text) is expected
    assert TextMatcher.parse(expression).matches(text) is expected, "remembered"


def test_only_plain_texts_are_exact() -> None:
    assert TextMatcher.parse("ABC").exact == "abc"
    assert TextMatcher.parse("a*").exact is None
    assert TextMatcher.parse("^a$").exact is None
    assert TextMatcher.parse("Ab*") == TextMatcher.parse("aB*")


def test_many_asterisks_are_quick() -> None:
    begin = time.perf_counter()
    assert not TextMatcher.parse("*a" * 500 + "b").matches("a" * 5000)
    assert time.perf_counter() - begin < 1


def test_a_bad_pattern_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidPattern) as caught:
        TextMatcher.parse("^a(b$")
    assert caught.value.span == (2, 3)
