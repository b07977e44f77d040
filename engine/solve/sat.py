"""The SAT solver's part: proofs that propagation alone would take too long to find, and small contradictions.

Rule of this file: the only importer of pycosat, which takes a whole formula at each call and knows no assumptions. So
we hand over only the ranks that some clause speaks of (a package of 1000 candidates that clauses cut in three places
is three variables), and ask few questions.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import chain, pairwise
from types import ModuleType
from typing import TypeVar

from engine.solve.domains import Domains

MAX_WORK = 60_000
"""Clauses to hand over, in all, for the sake of a shorter explanation: some tenths of a second."""
Key = TypeVar("Key", bound=Hashable)


class Formula:
    """Clauses on choices as clauses on true and false, for pycosat.

    ``calls`` counts the questions asked, ``handed_over`` their clauses.
    """

    def __init__(self, domains: Domains) -> None:
        self._domains = domains
        self.calls = 0
        self.handed_over = 0

    def satisfiable(self, clauses: Iterable[Sequence[int]]) -> bool:
        """Whether some choices make all clauses true."""
        return self.chooser({0: list(clauses)})((0,))

    def chooser(self, groups: Mapping[Key, Sequence[Sequence[int]]]) -> Callable[[Iterable[Key]], bool]:
        """The same for groups of clauses of which some are chosen, again and again: the answer to "are these fit?".

        All is put into the form that pycosat takes once, for that takes longer than most of its answers.
        """
        pycosat = _library()
        names: dict[int, int] = {}

        def dense_literal(literal: int) -> int:
            name = names.setdefault(abs(literal), len(names) + 1)
            return name if literal > 0 else -name

        dense = {key: [list(map(dense_literal, clause)) for clause in clauses] for key, clauses in groups.items()}
        hopeless = {key for key, clauses in dense.items() if not all(clauses)}
        order = self._order(names)

        def satisfiable(keys: Iterable[Key]) -> bool:
            chosen = list(keys)
            if not hopeless.isdisjoint(chosen):
                return False
            self.calls += 1
            self.handed_over += len(order) + sum(len(dense[key]) for key in chosen)
            return bool(pycosat.solve(chain(order, *(dense[key] for key in chosen))) != "UNSAT")

        return satisfiable

    def _order(self, names: Mapping[int, int]) -> list[list[int]]:
        """That a choice which is ≥ a rank is ≥ every lower rank that a clause speaks of."""
        owner = self._domains.owner
        pairs = pairwise(sorted(names))
        return [[-names[above], names[below]] for below, above in pairs if owner[below] == owner[above]]


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
    satisfiable = formula.chooser({**groups, -1: clauses})

    def fits(length: int) -> bool:
        return satisfiable(range(-1, length))

    if fits(len(decisions)):
        return None
    low, high = -1, len(decisions)  # high never fits; low does, or is none
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return high


def shrink(
    formula: Formula, groups: Mapping[Key, Sequence[Sequence[int]]], stop: Callable[[], bool], limit: int
) -> list[Key]:
    """A set of groups that contradict each other, of which none can be left out.

    It may hold more than that once ``limit`` clauses were handed over in all.

    Whole halves, quarters and so on are tried first, later groups (farther from the request) before earlier ones.
    """
    satisfiable = formula.chooser(groups)
    kept = list(groups)
    step = max(1, len(kept) // 2)
    while True:
        end = len(kept)
        while end > 0 and formula.handed_over < limit and not stop():
            start = max(0, end - step)
            rest = kept[:start] + kept[end:]
            if not satisfiable(rest):
                kept = rest
            end = start
        if step == 1 or formula.handed_over >= limit:
            return kept
        step = max(1, step // 2)
