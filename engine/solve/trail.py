"""What each choice lies between at any moment of the search, and the trail that lets changes be taken back.

Rule of this file: numbers only. A *package* is a number ``n``; its candidates are ranked 0, 1, 2 … best first, and
its *choice* is a whole number from ``low[n]`` to ``high[n]``, where -1 means "not in the answer" and ``k`` means the
candidate of rank ``k``. So "at most one candidate" needs no clause, smaller is always better, and a range of versions
is two comparisons however many candidates it holds.

A *literal* compares a choice with a rank: variable ``first[n] + i`` says "the choice of n is ≥ i", its negative "is
< i". A change of a bound is an entry on the trail, with the clause that forced it (`DECIDED` for a decision) and the
level of decision.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

DECIDED = -1


class Trail:
    """All bounds, and how they came to be what they are."""

    def __init__(self) -> None:
        self.first: list[int] = []
        """The variable of rank 0 by package."""
        self.size: list[int] = []
        self.low: list[int] = []
        self.high: list[int] = []
        self._floor: list[int] = []
        """``low`` as a variable: the highest that is true, so that asking for a literal's value is one comparison."""
        self._ceiling: list[int] = []
        """``high`` as a variable: the highest that is not false."""
        self.owner: list[int] = [-1]
        """The package by variable; variable 0 does not exist, for it has no negative."""
        self.level = 0
        self.level_start: list[int] = []
        """The length of the trail when each level began; level 1 stands first."""
        self.trail: list[int] = []
        """The literals that became true, each by moving one bound."""
        self.trail_old: list[int] = []
        """The bound before."""
        self.trail_reason: list[int] = []
        self.trail_level: list[int] = []
        self._risings: list[list[int]] = []
        """By package: places in the trail where its lower bound rose."""
        self._fallings: list[list[int]] = []

    def add_package(self, size: int) -> int:
        """A package with so many candidates, of which nothing is known yet; its number."""
        package = len(self.first)
        variable = len(self.owner)
        self.first.append(variable)
        self.size.append(size)
        self.low.append(-1)
        self.high.append(size - 1)
        self._floor.append(variable - 1)
        self._ceiling.append(variable + size - 1)
        self.owner.extend([package] * size)
        self._risings.append([])
        self._fallings.append([])
        return package

    def value(self, literal: int) -> bool | None:
        """Whether a literal is true, false or open."""
        variable = abs(literal)
        package = self.owner[variable]
        if self._floor[package] >= variable:
            return literal > 0
        return literal < 0 if self._ceiling[package] < variable else None

    def _is_false(self, literal: int) -> bool:
        if literal > 0:
            return self._ceiling[self.owner[literal]] < literal
        return self._floor[self.owner[-literal]] >= -literal

    def falsified_at(self, literal: int) -> int:
        """The place in the trail where a false literal became false.

        A bound only ever moves one way until it is taken back, so old bounds are in order and can be bisected.
        """
        old = self.trail_old
        package = self.owner[abs(literal)]
        rank = abs(literal) - self.first[package]
        if literal > 0:
            places = self._fallings[package]
            return places[bisect_right(places, -rank, key=lambda place: -old[place]) - 1]
        places = self._risings[package]
        return places[bisect_left(places, rank, key=old.__getitem__) - 1]

    def literal(self, package: int, rank: int) -> int:
        """The variable that says "the choice is ≥ rank"; the rank must be that of a candidate."""
        return self.first[package] + rank

    def _assign(self, literal: int, reason: int) -> None:
        if literal > 0:
            package = self.owner[literal]
            self.trail_old.append(self.low[package])
            self.low[package] = literal - self.first[package]
            self._floor[package] = literal
            self._risings[package].append(len(self.trail))
        else:
            package = self.owner[-literal]
            self.trail_old.append(self.high[package])
            self.high[package] = -literal - self.first[package] - 1
            self._ceiling[package] = -literal - 1
            self._fallings[package].append(len(self.trail))
        self.trail.append(literal)
        self.trail_reason.append(reason)
        self.trail_level.append(self.level)

    def _cut(self, start: int) -> None:
        """Take back everything from a place of the trail on."""
        owner, first = self.owner, self.first
        for place in range(len(self.trail) - 1, start - 1, -1):
            literal = self.trail[place]
            old = self.trail_old[place]
            if literal > 0:
                package = owner[literal]
                self.low[package] = old
                self._floor[package] = first[package] + old
                self._risings[package].pop()
            else:
                package = owner[-literal]
                self.high[package] = old
                self._ceiling[package] = first[package] + old
                self._fallings[package].pop()
        for column in (self.trail, self.trail_old, self.trail_reason, self.trail_level):
            del column[start:]
