"""The search: propagate, learn from a conflict, else answer the next question of the agenda for the better.

Rule of this file: the loop and nothing of what its literals mean. Each decision is the best that is not refuted, and
what a conflict teaches follows from the clauses; so when the agenda is finished its answers are the best there are,
proven. Where conflicts pile up, it is asked whether there is any answer at all (`probing`), and later the SAT solver
says which decision was the first that can't be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Protocol

from engine.errors import SolveError
from engine.solve.domains import NO_CONFLICT
from engine.solve.learning import conflict_level, learn
from engine.solve.probing import FINISHED, Probe, Rules, Trouble
from engine.solve.sat import Formula, shortest_refuted

PATIENCE = 300
"""Conflicts before the SAT solver is asked for the first time; the next time after twice as many, and so on."""

PROBE = 10
"""Conflicts before it is asked whether there is any answer."""


class Questions(Protocol):
    """What decides the order of decisions."""

    def next_literal(self) -> int | None:
        """The next literal to decide, `FINISHED`, or None if new clauses must be propagated first."""

    def backtrack(self, level: int, /) -> None:
        """Forget what was asked above a level of the search, which is about to be taken back."""


class Contradiction(Exception):
    """There is no answer; ``origins`` are the clauses of the problem that contradict each other."""

    def __init__(self, origins: list[int]) -> None:
        super().__init__(origins)
        self.origins = origins


class Search:
    """One run over a problem."""

    def __init__(
        self,
        problem: Rules,
        agenda: Questions,
        stop: Callable[[], bool],
        trouble: Trouble,
        limit: float = inf,
    ) -> None:
        """``limit``: the `Domains.work` after which it gives up."""
        self._problem = problem
        self._domains = problem.domains
        self._agenda = agenda
        self._stop = stop
        self._limit = limit
        self._patience = PATIENCE
        self._trouble = trouble
        self._probe_at: float = PROBE
        self._work_before = problem.domains.work
        self.formula = Formula(problem.domains)
        self.decisions = 0
        self.conflicts = 0

    def run(self) -> None:
        """Settle all questions. Raises `Contradiction`, or `SolveError` when told to stop."""
        while self._step():
            if self._domains.work > self._limit:
                raise _stopped()
            if self.conflicts >= self._probe_at:
                self._probe()

    def _step(self) -> bool:
        """Draw all conclusions and mend a conflict or make a decision; False if nothing is left to decide."""
        conflict = self._domains.propagate()
        if conflict != NO_CONFLICT:
            self._recover(conflict)
            return True
        literal = self._agenda.next_literal()
        if literal is not None and literal != FINISHED:
            self.decisions += 1
            self._domains.decide(literal)
        return literal != FINISHED

    def _probe(self) -> None:
        """Look for any answer, for as long as the search took so far; if there is none, it ends here."""
        self._backtrack(0)
        agenda, self._agenda = self._agenda, Probe(self._problem, self._trouble)
        limit = 2 * self._domains.work - self._work_before
        more = True
        while more and self._domains.work <= limit:
            more = self._step()
        self._backtrack(0)
        self._agenda = agenda
        self._probe_at = 2 * self.conflicts if more else inf

    def _recover(self, conflict: int) -> None:
        """Learn from a false clause and go back to where the lesson tells something new."""
        check(self._stop)
        level = conflict_level(self._domains, conflict)
        if level == 0:
            raise Contradiction(self._problem.ancestry.origins(conflict))
        self._backtrack(level)
        lesson = learn(self._domains, conflict)
        self._backtrack(lesson.level)
        self._problem.ancestry.note(self._domains.add_clause(lesson.literals), lesson.sources, lesson.facts)
        self._trouble.note({self._domains.owner[abs(literal)] for literal in lesson.literals})
        self.conflicts += 1
        if self.conflicts >= self._patience:
            self._patience += 2 * self.conflicts
            self._ask_sat()

    def _backtrack(self, level: int) -> None:
        self._agenda.backtrack(level)
        self._domains.backtrack(level)

    def _ask_sat(self) -> None:
        """Rule out the first decision that can't be kept, if there is one."""
        domains = self._domains
        decisions = [domains.trail[start] for start in domains.level_start]
        everything = tuple(domains.standing())
        length = shortest_refuted(self.formula, [domains.clauses[number] for number in everything], decisions)
        if length is None:
            return
        if length == 0:
            raise Contradiction(self._problem.ancestry.roots(set(everything)))
        self._backtrack(length - 1)
        lesson = [-decision for decision in reversed(decisions[:length])]
        self._problem.ancestry.note(domains.add_clause(lesson), everything)


def check(stop: Callable[[], bool]) -> None:
    """Raises `SolveError` if the caller has no more time."""
    if stop():
        raise _stopped()


def _stopped() -> SolveError:
    return SolveError(
        "The search for a set of packages was stopped before it had an answer.",
        hint="Give versions for some of the packages, so that there is less to search.",
    )
