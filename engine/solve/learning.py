"""What a conflict teaches: the clause to add and the level to go back to (first unique implication point).

Rule of this file: from a false clause and the trail, nothing else. It also notes what each learned clause follows
from, so that a contradiction can be traced to the clauses of the problem itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple

from engine.solve.domains import Domains
from engine.solve.trail import DECIDED


class Lesson(NamedTuple):
    """A clause that follows from others; at ``level`` its first literal is open and the rest is false."""

    literals: list[int]
    level: int
    sources: tuple[int, ...]
    """The clauses that it follows from."""
    facts: tuple[int, ...]
    """Places in the trail, of level 0 and so never taken back, that it rests on as well."""


class Ancestry:
    """What learned clauses were made from."""

    def __init__(self, domains: Domains) -> None:
        self._domains = domains
        self._sources: dict[int, tuple[int, ...]] = {}
        self._facts: dict[int, tuple[int, ...]] = {}

    def note(self, number: int, sources: tuple[int, ...], facts: tuple[int, ...] = ()) -> None:
        """Clause ``number`` follows from the clauses ``sources`` and what the trail has at the places ``facts``."""
        self._sources[number] = sources
        self._facts[number] = facts

    def start_over(self, gone: set[int]) -> set[int]:
        """Forget what rests on clauses that go, or on the trail, which goes too: all clauses that are gone then."""
        lost = set(gone)
        for number, sources in self._sources.items():  # each was noted after those that it follows from
            if self._facts[number] or not lost.isdisjoint(sources):
                lost.add(number)
        for number in lost:
            self._sources.pop(number, None)
            self._facts.pop(number, None)
        return lost

    def origins(self, conflict: int) -> list[int]:
        """The clauses of the problem itself that a clause follows from and is false for at level 0, in order."""
        places = (self._domains.falsified_at(literal) for literal in self._domains.clauses[conflict])
        return self.roots({conflict} | self._trace(places))

    def roots(self, numbers: set[int]) -> list[int]:
        """The clauses of the problem itself that these clauses follow from, in order."""
        seen, stack = set(numbers), sorted(numbers)
        while stack:
            number = stack.pop()
            for source in (*self._sources.get(number, ()), *self._trace(self._facts.get(number, ()))):
                if source not in seen:
                    seen.add(source)
                    stack.append(source)
        return sorted(number for number in seen if number not in self._sources)

    def _trace(self, places: Iterable[int]) -> set[int]:
        """The clauses that forced these entries of the trail, and those that forced what they rest on."""
        domains = self._domains
        found: set[int] = set()
        stack = list(places)
        seen = set(stack)
        while stack:
            place = stack.pop()
            reason = domains.trail_reason[place]
            if reason == DECIDED:
                continue
            found.add(reason)
            for literal in domains.clauses[reason]:
                if literal != domains.trail[place]:
                    before = domains.falsified_at(literal)
                    if before not in seen:
                        seen.add(before)
                        stack.append(before)
        return found


def conflict_level(domains: Domains, conflict: int) -> int:
    """The level at which a clause became false; 0 means that the problem has no answer."""
    places = [domains.falsified_at(literal) for literal in domains.clauses[conflict]]
    return max((domains.trail_level[place] for place in places), default=0)


def learn(domains: Domains, conflict: int) -> Lesson:
    """The lesson of a clause that is false at the current level, which must be above 0."""
    cut = _Cut(domains)
    cut.add(conflict)
    while True:
        place = -heapq.heappop(cut.here)
        if not cut.here:
            break
        del cut.needed[place]
        cut.add(domains.trail_reason[place], implied=domains.trail[place])
    first = cut.needed.pop(place)
    rest = sorted(cut.needed, reverse=True)
    level = domains.trail_level[rest[0]] if rest else 0
    literals = [first, *(cut.needed[place] for place in rest)]
    return Lesson(literals, level, tuple(sorted(cut.sources)), tuple(sorted(cut.facts)))


class _Cut:
    """False literals that together are a contradiction, on their way back through the trail."""

    def __init__(self, domains: Domains) -> None:
        self._domains = domains
        self.needed: dict[int, int] = {}
        """Place in the trail → the literal that became false there."""
        self.here: list[int] = []
        """A heap of those places of the current level, negated."""
        self.sources: set[int] = set()
        self.facts: set[int] = set()

    def add(self, number: int, implied: int = 0) -> None:
        """Take in a clause. Of two literals that became false at the same place the weaker one covers both."""
        domains = self._domains
        self.sources.add(number)
        for literal in domains.clauses[number]:
            if literal == implied:
                continue
            place = domains.falsified_at(literal)
            if place in self.needed:
                self.needed[place] = min(self.needed[place], literal)
            elif domains.trail_level[place] == 0:
                self.facts.add(place)
            else:
                self.needed[place] = literal
                if domains.trail_level[place] == domains.level:
                    heapq.heappush(self.here, -place)
