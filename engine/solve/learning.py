"""What a conflict teaches: the clause to add and the level to go back to (first unique implication point).

Rule of this file: from a false clause and the trail, nothing else. It also notes which clauses each learned one
follows from, so that a contradiction can be traced to the clauses of the problem itself.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from engine.solve.domains import DECIDED, Domains


class Lesson(NamedTuple):
    """A clause that follows from others; at ``level`` its first literal is open and the rest is false."""

    literals: list[int]
    level: int
    sources: tuple[int, ...]


class Ancestry:
    """Which clauses a learned clause was made from."""

    def __init__(self) -> None:
        self._sources: dict[int, tuple[int, ...]] = {}

    def note(self, number: int, sources: tuple[int, ...]) -> None:
        """Clause ``number`` follows from the clauses ``sources``."""
        self._sources[number] = sources

    def origins(self, numbers: set[int]) -> list[int]:
        """The clauses of the problem itself that these follow from, in order."""
        seen, stack = set(numbers), sorted(numbers)
        while stack:
            for source in self._sources.get(stack.pop(), ()):
                if source not in seen:
                    seen.add(source)
                    stack.append(source)
        return sorted(number for number in seen if number not in self._sources)


def conflict_level(domains: Domains, conflict: int) -> int:
    """The level at which a clause became false; 0 means that the problem has no answer."""
    places = [domains.falsified_at(literal) for literal in domains.clauses[conflict]]
    return max((domains.trail_level[place] for place in places), default=0)


def learn(domains: Domains, conflict: int) -> Lesson:
    """The lesson of a clause that is false at the current level, which must be above 0."""
    needed: dict[int, int] = {}
    here: list[int] = []
    sources = {conflict}
    _need(domains, domains.clauses[conflict], 0, needed, here, sources)
    while True:
        place = -heapq.heappop(here)
        if not here:
            break
        reason = domains.trail_reason[place]
        sources.add(reason)
        del needed[place]
        _need(domains, domains.clauses[reason], domains.trail[place], needed, here, sources)
    first = needed.pop(place)
    rest = sorted(needed, reverse=True)
    level = domains.trail_level[rest[0]] if rest else 0
    return Lesson([first, *(needed[place] for place in rest)], level, tuple(sorted(sources)))


def _need(
    domains: Domains, clause: list[int], implied: int, needed: dict[int, int], here: list[int], sources: set[int]
) -> None:
    """Add the false literals of a clause; of two that one entry of the trail made false the weaker one covers both."""
    for literal in clause:
        if literal == implied:
            continue
        place = domains.falsified_at(literal)
        level = domains.trail_level[place]
        if level == 0:
            sources |= trace(domains, place)
        elif place in needed:
            needed[place] = min(needed[place], literal)
        else:
            needed[place] = literal
            if level == domains.level:
                heapq.heappush(here, -place)


def trace(domains: Domains, *places: int) -> set[int]:
    """The clauses that forced these entries of the trail, and those that forced what they rest on."""
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
