"""The SAT solver's part: proofs that propagation alone would take too long to find, and answers to part of a problem.

Rule of this file: the only importer of pycosat, which takes a whole formula at each call and knows no assumptions. So
we hand over only the ranks that some clause speaks of (a package of 1000 candidates that clauses cut in three places
is three variables), and ask few questions.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import chain, pairwise
from types import ModuleType
from typing import Generic, TypeVar

from engine.solve.domains import Domains

Key = TypeVar("Key", bound=Hashable)


class Formula:
    """Clauses on choices as clauses on true and false, for pycosat.

    ``calls`` counts the questions asked, ``handed_over`` their clauses.
    """

    def __init__(self, domains: Domains) -> None:
        self.domains = domains
        self.calls = 0
        self.handed_over = 0

    def satisfiable(self, clauses: Iterable[Sequence[int]]) -> bool:
        """Whether some choices make all clauses true."""
        return Groups(self, {0: list(clauses)}).model((0,)) is not None


class Groups(Generic[Key]):
    """Groups of clauses of which some are chosen, again and again: do these fit?

    All is put into the form that pycosat takes once, for that takes longer than most of its answers.
    """

    def __init__(self, formula: Formula, groups: Mapping[Key, Sequence[Sequence[int]]]) -> None:
        self._formula = formula
        names: dict[int, int] = {}

        def dense_literal(literal: int) -> int:
            name = names.setdefault(abs(literal), len(names) + 1)
            return name if literal > 0 else -name

        self.clauses = {key: [list(map(dense_literal, clause)) for clause in found] for key, found in groups.items()}
        """By group; each variable has a number of its own here."""
        self.order = self._order(names)
        """Pairs of variables: who is true needs the other, which is that of the next lower rank of its package."""
        self._count = len(names)
        self._hopeless = {key for key, found in self.clauses.items() if not all(found)}
        self._order_clauses = [[-above, below] for above, below in self.order]
        self._solve = _library().solve

    def model(self, keys: Iterable[Key]) -> set[int] | None:
        """The true literals of an answer to some groups; None if there is none."""
        chosen = list(keys)
        if not self._hopeless.isdisjoint(chosen):
            return None
        order = self._order_clauses
        self._formula.calls += 1
        self._formula.handed_over += len(order) + sum(len(self.clauses[key]) for key in chosen)
        found = self._solve(chain(order, *(self.clauses[key] for key in chosen)))
        if found == "UNSAT":
            return None
        return {*found, *range(-self._count, -len(found))}  # of what no clause speaks of pycosat says nothing

    def _order(self, names: Mapping[int, int]) -> list[tuple[int, int]]:
        """A choice which is ≥ a rank is ≥ every lower rank that a clause speaks of."""
        owner = self._formula.domains.owner
        pairs = pairwise(sorted(names))
        return [(names[above], names[below]) for below, above in pairs if owner[below] == owner[above]]


def _library() -> ModuleType:
    """pycosat. A Python that runs without its lock takes it back for it, and would warn users of that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The global interpreter lock", RuntimeWarning)
        import pycosat
    module: ModuleType = pycosat
    return module


def shortest_refuted(formula: Formula, clauses: Sequence[Sequence[int]], decisions: Sequence[int]) -> int | None:
    """The length of the shortest prefix of ``decisions`` that contradicts ``clauses``; None if all of them fit."""

    groups: dict[int, Sequence[Sequence[int]]] = {place: [[decision]] for place, decision in enumerate(decisions)}
    known = Groups(formula, {**groups, -1: clauses})

    def fits(length: int) -> bool:
        return known.model(range(-1, length)) is not None

    if fits(len(decisions)):
        return None
    low, high = -1, len(decisions)  # high never fits; low does, or is none
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return high
