"""What a search finds, how it is grouped, and what it suggests."""

from __future__ import annotations

import pytest

from engine.model.match_spec import MatchSpec
from engine.query.catalog import Catalog
from engine.query.search import grouped, search, suggestions
from tests.kit.universe import universe
from tests.solve.kit import changed

CATALOG = Catalog(
    [
        universe("numpy 1.9", "numpy 1.10 b", "numpy 1.10 a [build_number=1]", "numpydoc 1", "pandas 2 -> numpy"),
        universe("numpy 2", channel="other"),
    ]
)


def specs(*texts: str) -> list[MatchSpec]:
    return list(map(MatchSpec.parse, texts))


def test_each_record_once_by_name_newest_first() -> None:
    found = search(CATALOG, specs("pandas", "numpy*", "numpy<2"))
    assert [record.dist for record in found] == [
        "numpy-2-0",
        "numpy-1.10-a",
        "numpy-1.10-b",
        "numpy-1.9-0",
        "numpydoc-1-0",
        "pandas-2-0",
    ]


def test_a_channel_and_a_build_count() -> None:
    assert [record.dist for record in search(CATALOG, specs("other::numpy"))] == ["numpy-2-0"]
    assert [record.dist for record in search(CATALOG, specs("numpy[build=b]"))] == ["numpy-1.10-b"]


def test_groups_of_versions_and_builds() -> None:
    found = grouped(search(CATALOG, specs("numpy")))
    assert [[record.build for record in builds] for builds in found["numpy"]] == [["0"], ["a", "b"], ["0"]]


def test_an_archive_of_two_channels_counts_once() -> None:
    (record,) = search(CATALOG, specs("numpydoc"))
    mirrored = changed(record, channel="https://mirror", url="https://mirror/x")
    assert grouped([record, mirrored])["numpydoc"] == ((record,),)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("numpi", ["numpy"]),
        ("nump", ["numpy"]),
        ("pydoc", ["numpydoc"]),
        ("nothing-like-it", []),
        ("numpy>=9", []),
        ("x*", []),
    ],
)
def test_suggestions(text: str, meant: list[str]) -> None:
    assert suggestions(CATALOG, specs(text)) == meant
