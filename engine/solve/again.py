"""Tasks like one that has no answer, solved on what was written down for it.

Rule of this file: nothing serves again that could be otherwise for the other task. What records say about candidates
does, where both tasks rank them alike and have the same facts; the rules of the request, and what follows from them,
don't.
"""

from __future__ import annotations

from engine.errors import SolveError
from engine.solve.clauses import Problem
from engine.solve.relax import Tried
from engine.solve.run import NoAnswer, Run
from engine.solve.task import SolveTask


class Again:
    """Solves one task after the other, without explanations."""

    def __init__(self, task: SolveTask, problem: Problem) -> None:
        """``problem``: what was written down for a task. It is of no other use afterwards."""
        self._known = [(task, problem)]

    def __call__(self, task: SolveTask, limit: int, whole: bool) -> Tried:
        """An answer, or the reasons that there is none, without looking for the fewest; and what that took.

        ``whole``: whether it is to be the best one, and not only in what stays and what is asked for.
        """
        run = Run(task, self._known[0][1].index)
        problem = self._like(task, run)
        before = problem.domains.work
        try:
            found = run.search(problem, limit, whole=whole)
        except NoAnswer as none:
            reasons = none.problem.reasons
            told = dict.fromkeys(reasons[number] for number in none.origins if number in reasons)
            return Tried(tuple(told), problem.domains.work - before)
        except SolveError:
            return Tried(None, limit)
        return Tried(found, found.work)

    def _like(self, task: SolveTask, run: Run) -> Problem:
        """A problem without rules that fits a task: one that is there, else a new one."""
        for other, problem in self._known:
            if _facts(other) == _facts(task) and run.index.ranks_as(problem.index):
                problem.start_over()
                return problem
        problem = run.problem()
        self._known.append((task, problem))
        return problem


def _facts(task: SolveTask) -> tuple[object, ...]:
    """What candidates' relations mean differently, but for the candidates themselves."""
    return task.virtual, task.add_pip, task.ignore_needs
