"""`solve`: a task in, the best answer out, or an error that explains why there is none.

Rule of this file: an answer is handed on as it is, and only who gets none waits for an explanation. What is done for
either stands in `run` and `explain`.
"""

from __future__ import annotations

from engine.solve.run import NoAnswer, Run
from engine.solve.task import Solution, SolveTask


def solve(task: SolveTask) -> Solution:
    """The best set of packages for a task (see `engine.solve.objective` for what "best" means).

    Raises `PackagesNotFound` for names and specs that no channel has, `Unsatisfiable` where requirements contradict
    each other, `SolveError` if ``task.stop`` says so.
    """
    run = Run(task)
    try:
        return run.search(run.problem())
    except NoAnswer as found:
        from engine.solve.again import Again  # who gets an answer need not wait for that
        from engine.solve.explain import explain

        problem = found.problem
        work = problem.domains.work
        raise explain(
            task, problem, found.origins, found.search.formula, work=work, solve=Again(task, problem)
        ) from None
