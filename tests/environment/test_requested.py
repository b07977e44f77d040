"""`engine.environment.requested`: who asked for what, and what pruning may take."""

from __future__ import annotations

import pytest

from engine.environment.requested import dependencies, earlier_specs, protected, specs_of, with_requested
from engine.link.prefix.history import Revision
from engine.model.records import PrefixRecord


def record(name: str, *needs: str, asked: tuple[str, ...] = (), version: str = "1") -> PrefixRecord:
    return PrefixRecord(
        name=name, version=version, build="0", subdir="noarch", depends=needs, requested_specs=asked, build_number=0
    )


def test_the_history_is_newer_than_the_record() -> None:
    history = (Revision(date="", update_specs=("a=1", "b")), Revision(date="", update_specs=("a",)))
    found = with_requested([record("a", asked=("a=1",)), record("b"), record("c")], history)
    assert [specs_of(one) for one in found] == [("a",), ("b",), ()]


def test_condas_none_is_no_request() -> None:
    assert specs_of(PrefixRecord(name="a", version="1", build="0", build_number=0, requested_spec="None")) == ()


@pytest.mark.parametrize(
    ("records", "asked"),
    [
        ([record("a", "b", asked=("a",)), record("b")], ["a"]),
        ([record("a", "b", asked=("a",)), record("b"), record("c", "d"), record("d")], ["a", "c"]),
        ([record("a", "b"), record("b", "a")], ["a", "b"]),
        ([record("python", asked=("python",)), record("pip", "python")], ["python"]),
    ],
)
def test_what_nothing_needs_counts_as_asked_for(records: list[PrefixRecord], asked: list[str]) -> None:
    assert [one.name for one in protected(records) if specs_of(one)] == asked


def test_dependencies() -> None:
    assert dependencies([record("a", "b >=1"), record("b", "c"), record("c"), record("d")], ["a"]) == {"a", "b", "c"}


def test_only_bounds_that_hold_now_are_kept() -> None:
    records = [record("a", asked=("a <2",)), record("b", asked=("b",)), record("c", asked=("c >5",))]
    assert [str(spec) for spec in earlier_specs(records, ())] == ["a[version='<2']"]
    assert earlier_specs(records, ["a"]) == ()
