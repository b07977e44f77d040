"""In which order packages are begun. Pure.

Rule of this file: what others wait for first, and then the biggest, so that none of them is last and alone; the small
ones between these, where their ways to the server and back cost nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from engine.model.records import RepoDataRecord

Rank = Callable[[RepoDataRecord], int]
"""A lower number comes before a higher one."""


def all_alike(_: RepoDataRecord) -> int:
    """Nobody waits for any of them in particular."""
    return 0


def biggest_first(records: Iterable[RepoDataRecord], rank: Rank = all_alike) -> list[RepoDataRecord]:
    """By rank, the biggest first."""
    return sorted(records, key=lambda record: (rank(record), -(record.size or 0), record.fn))


def in_order(records: Iterable[RepoDataRecord], rank: Rank, workers: int) -> list[RepoDataRecord]:
    """The order in which so many workers should begin to fetch them."""
    ordered = biggest_first(records, rank)
    return [record for _, equals in groupby(ordered, rank) for record in _small_between_big(tuple(equals), workers)]


def _small_between_big(records: Sequence[RepoDataRecord], workers: int) -> Iterator[RepoDataRecord]:
    """After the first ``workers`` of a list that begins with the biggest, every other one is the smallest that is left.

    A small one costs a way to the server and back, during which its worker moves no bytes: the big ones beside it use
    the wire then. At the end of the list, among small ones alone, nobody would.
    """
    if workers < 2:
        yield from records
        return
    yield from records[:workers]
    rest = deque(records[workers:])
    while rest:
        yield rest.pop()
        if rest:
            yield rest.popleft()
