"""Packages and their numbers, and the clauses that are written about them, each with its reason.

Rule of this file: book-keeping, no meaning. A package gets its number when something first speaks of it. Artificial
packages stand for what is either so or not, or for a choice between names; they have candidates of their own that
never get into an answer.
"""

from __future__ import annotations

from typing import TypeAlias

from engine.model.records import PackageRecord
from engine.solve.candidates import Candidates, Interval
from engine.solve.domains import Domains
from engine.solve.index import PackageIndex
from engine.solve.reasons import Reason

Heads: TypeAlias = "tuple[tuple[int, ...], ...]"
"""Clauses, each to be joined to "or the candidate is not chosen"."""


class Packages:
    """What the search knows of, by number."""

    def __init__(self, index: PackageIndex) -> None:
        self.index = index
        self.domains = Domains()
        self.candidates: list[Candidates] = []
        """By package number."""
        self.reasons: dict[int, Reason] = {}
        """By clause; those that follow from others have none."""
        self._numbers: dict[str, int] = {}

    def package(self, name: str) -> int:
        """The number of a package."""
        number = self._numbers.get(name)
        return self.add(self.index.candidates(name)) if number is None else number

    def known(self, name: str) -> bool:
        """Whether the search has come across a package."""
        return name in self._numbers

    def add(self, candidates: Candidates) -> int:
        """Give a new package its number."""
        number = self._numbers[candidates.name] = self.domains.add_package(candidates.size)
        self.candidates.append(candidates)
        return number

    def chosen(self, package: int) -> PackageRecord | None:
        """The candidate that the search has settled on, None if the package is out."""
        rank = self.domains.low[package]
        return None if rank < 0 else self.candidates[package].records[rank]

    def version_class(self, package: int, rank: int) -> Interval:
        """The candidates that are no worse in version than that of ``rank``, and no better."""
        return self.candidates[package].version_class(rank)

    def build_class(self, package: int, rank: int) -> Interval:
        """The candidates of the same version and build number."""
        return self.candidates[package].build_class(rank)

    def present(self, package: int) -> int:
        """The literal "it is in the answer"; the package must have candidates."""
        return self.domains.literal(package, 0)

    def outside(self, package: int, ranks: Interval) -> tuple[int, ...]:
        """The literals "or none of these candidates is chosen"."""
        start, stop = ranks
        below = -self.domains.literal(package, start)
        return (below, self.domains.literal(package, stop)) if stop < self.domains.size[package] else (below,)

    def state(self, body: tuple[int, ...], heads: Heads, reason: Reason) -> list[int]:
        """Write down one clause for each head; their numbers."""
        numbers = []
        for head in heads:
            number = self.domains.add_clause((*body, *head))
            self.reasons[number] = reason
            numbers.append(number)
        return numbers
