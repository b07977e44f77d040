from __future__ import annotations

import pytest

from engine.fetch.packages.order import all_alike, in_order
from engine.model.records import RepoDataRecord


def records(*sizes: int, name: str = "") -> list[RepoDataRecord]:
    return [RepoDataRecord(name=f"{name}{size}", version="1", size=size) for size in sizes]


@pytest.mark.parametrize(
    ("workers", "order"), [(1, "987654321"), (2, "981726354"), (3, "987162534"), (20, "987654321")]
)
def test_small_packages_go_between_big_ones(workers: int, order: str) -> None:
    assert "".join(record.name for record in in_order(records(*range(1, 10)), all_alike, workers)) == order


def test_each_rank_before_the_next() -> None:
    mixed = [*records(1, 5, 9, name="late"), *records(2, 4, 3, name="soon")]
    found = in_order(mixed, lambda record: record.name.startswith("late"), 1)
    assert [record.name for record in found] == ["soon4", "soon3", "soon2", "late9", "late5", "late1"]


def test_nothing() -> None:
    assert in_order([], all_alike, 5) == []
