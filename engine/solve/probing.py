"""Questions in the order of trouble: whether there is any answer at all, asked where conflicts are.

Rule of this file: nothing here decides what is best. The agenda's order spreads the search over all layers before it
comes to what can't be had; this one takes first the packages that the latest lessons were about. What is learned on
the way holds for every order, so the search for the best goes on with it; and if there is no answer, that is seen
sooner, from fewer clauses.
"""

from __future__ import annotations

from typing import Protocol

from engine.solve.candidates import Interval
from engine.solve.domains import Domains
from engine.solve.learning import Ancestry

FINISHED = 0
"""No literal: every question is answered."""
_GROWTH = 1.05
_MOST = 1e100


class Rules(Protocol):
    """What a search needs to know of a problem."""

    @property
    def domains(self) -> Domains: ...

    @property
    def ancestry(self) -> Ancestry: ...

    def consider(self, package: int, rank: int) -> None:
        """Write down the relations of the candidates like that of a rank."""

    def build_class(self, package: int, rank: int) -> Interval:
        """The candidates of the same version and build number as that of a rank."""


class Trouble:
    """How much each package was in the way of late."""

    def __init__(self) -> None:
        self.of: dict[int, float] = {}
        self._step = 1.0

    def note(self, packages: set[int]) -> None:
        """These had a part in a conflict."""
        for package in sorted(packages):
            self.of[package] = self.of.get(package, 0.0) + self._step
        self._step *= _GROWTH
        if self._step > _MOST:
            self._step /= _MOST
            self.of = {package: trouble / _MOST for package, trouble in self.of.items()}


class Probe:
    """Settles what must be there, the most troublesome first, and nothing else."""

    def __init__(self, problem: Rules, trouble: Trouble) -> None:
        self._problem, self._domains, self._trouble = problem, problem.domains, trouble
        self._place = 0
        """How much of the trail was looked at."""
        self._loosened: dict[int, None] = {}
        """Packages whose bounds were taken back since: what they are now may never have been looked at."""
        self._settled = 0
        """How much of the trail is about packages that nothing is left to choose of."""

    def next_literal(self) -> int | None:
        """The next literal to decide, `FINISHED`, or None if new clauses must be propagated first."""
        if not self._look():
            return None
        domains = self._domains
        open_ones = [(trouble, -package) for package, trouble in self._trouble.of.items() if self._end(package)]
        if open_ones:
            package = -max(open_ones)[1]
            return -domains.literal(package, self._end(package))
        while self._settled < len(domains.trail):
            literal = domains.trail[self._settled]
            end = self._end(domains.owner[literal]) if literal > 0 else 0
            if end:
                return -domains.literal(domains.owner[literal], end)
            self._settled += 1
        return FINISHED

    def _look(self) -> bool:
        """Write down what the best candidates need of all that must be there; False if there is something to
        propagate now."""
        domains = self._domains
        while self._loosened:
            if not self._consider(self._loosened.popitem()[0]):
                return False
        while self._place < len(domains.trail):
            literal = domains.trail[self._place]
            self._place += 1
            if literal > 0 and not self._consider(domains.owner[literal]):  # there, or worse than it could have been
                return False
        return True

    def _consider(self, package: int) -> bool:
        low = self._domains.low[package]
        if low >= 0:
            self._problem.consider(package, low)
        return self._domains.settled

    def backtrack(self, level: int) -> None:
        """Forget what was asked above a level of the search, before that is taken back."""
        self._settled = 0
        domains = self._domains
        if level < domains.level:
            start = domains.level_start[level]
            self._place = min(self._place, start)
            for literal in domains.trail[start:]:
                if literal > 0:
                    self._loosened[domains.owner[literal]] = None

    def _end(self, package: int) -> int:
        """Where the best build class that is left ends, if the package must be there and has others; else 0."""
        low, high = self._domains.low[package], self._domains.high[package]
        if low < 0 or low == high:
            return 0
        end = self._problem.build_class(package, low)[1]
        return end if high >= end else 0
