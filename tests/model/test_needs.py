"""`needed_name`: the name that `MatchSpec.parse` would find, without taking the rest apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.needs import needed_name
from tests.kit.shards import read_index
from tests.kit.shared import needs_shared, shared_data


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("numpy", "numpy"),
        ("numpy 1.26.*", "numpy"),
        ("numpy>=1.20,<2", "numpy"),
        ("numpy !=1.0", "numpy"),
        ("numpy=1.0=py*", "numpy"),
        ("NumPy 1", "numpy"),
        ("_libgcc_mutex 0.1 main", "_libgcc_mutex"),
        ("python_abi 3.12.* *_cp312", "python_abi"),
        ('pkg[version="2",when="__unix"]', "pkg"),
        ("conda-forge::numpy >=1", "numpy"),
        ("numpy[version='>=1']", "numpy"),
        ("__glibc >=2.17", "__glibc"),
    ],
)
def test_plain_names(text: str, name: str) -> None:
    assert needed_name(text) == name


def test_a_pattern_comes_as_a_specification() -> None:
    found = needed_name("py* >=3")
    assert isinstance(found, MatchSpec)
    assert found.name_matcher is not None and found.name_matcher.matches("python")


@pytest.mark.parametrize("text", ["", "[[", "a b c d e", "::"])
def test_what_is_no_specification_needs_nothing_or_what_it_begins_with(text: str) -> None:
    found = needed_name(text)
    assert not isinstance(found, str) or text.startswith(found)


def agrees(text: str) -> None:
    try:
        expected: object = MatchSpec.parse(text).exact_name
    except ParseError:
        return  # nothing can fulfil it, so it does not matter where it leads
    found = needed_name(text)
    assert (found if isinstance(found, str) else None) == expected


@given(st.text("abzAZ09_.-*^ =<>!~[]:/;\"'", max_size=14))
@settings(max_examples=500, deadline=None)
def test_it_agrees_with_the_parser(text: str) -> None:
    agrees(text)


@needs_shared
def test_it_agrees_with_the_parser_on_real_dependencies() -> None:
    document = read_index(shared_data("repodata", "linux-64")) or {}
    texts = {text for row in document["packages.conda"].values() for text in row.get("depends", ())}
    assert len(texts) > 5000
    for text in texts:
        agrees(text)
