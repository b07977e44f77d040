"""`solve`: a task in, the best answer out, or an error that explains why there is none.

Rule of this file: the flow. Digest the request, check that what it names exists, write the rules, search, collect
what is needed, order it. The same task gives the same answer whatever the order of records and the hash seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from engine.errors import SolveError
from engine.model.records import PackageRecord, PrefixRecord, RepoDataRecord
from engine.solve.clauses import Problem
from engine.solve.fits import spec_matches
from engine.solve.index import PackageIndex
from engine.solve.missing import check_names
from engine.solve.objective import Agenda
from engine.solve.order import link_order
from engine.solve.request import Request, digest, state_rules
from engine.solve.search import Contradiction, Search
from engine.solve.task import Solution, SolveTask

if TYPE_CHECKING:
    from engine.solve.relax import Tried


def solve(task: SolveTask) -> Solution:
    """The best set of packages for a task (see `engine.solve.objective` for what "best" means).

    Raises `PackagesNotFound` for names and specs that no channel has, `Unsatisfiable` where requirements contradict
    each other, `SolveError` if ``task.stop`` says so.
    """
    try:
        return _solve(task)
    except _NoAnswer as found:
        from engine.solve.explain import explain  # who gets an answer need not wait for that

        problem, search = found.problem, found.search
        again = partial(_try, known=problem.index)
        work = problem.domains.work
        raise explain(task, problem, found.origins, search.formula, work=work, solve=again) from None


class _NoAnswer(Exception):
    """Clauses of a problem that contradict each other."""

    def __init__(self, problem: Problem, search: Search, origins: list[int]) -> None:
        super().__init__(origins)
        self.problem, self.search, self.origins = problem, search, origins


def _try(task: SolveTask, limit: int, known: PackageIndex) -> Tried:
    """An answer, or the reasons that there is none, without looking for the fewest; and what that took."""
    from engine.solve.relax import Tried

    try:
        found = _solve(task, known, limit)
    except _NoAnswer as none:
        reasons = none.problem.reasons
        told = dict.fromkeys(reasons[number] for number in none.origins if number in reasons)
        return Tried(tuple(told), none.problem.domains.work)
    except SolveError:
        return Tried(None, limit)
    return Tried(found, found.work)


def _solve(task: SolveTask, known: PackageIndex | None = None, limit: float = inf) -> Solution:
    request = digest(task)
    index = PackageIndex(task, request.specs_by_name, request.preferred, known)
    check_names(task, request, index)
    virtual: dict[str, list[PackageRecord]] = {}
    for fact in task.virtual:
        virtual.setdefault(fact.name, []).append(fact)
    problem = Problem(index, virtual, add_pip=task.add_pip, ignore_needs=task.ignore_needs)
    asked = state_rules(problem, request, task)
    roots = list(dict.fromkeys([*asked, *(problem.package(name) for name in request.asked)]))
    kept = [problem.package(record.name) for record in request.keep]
    updated = [problem.package(record.name) for record in request.anew]
    search = Search(problem, Agenda(problem, updated, kept, roots), task.stop, limit)
    try:
        search.run()
    except Contradiction as found:
        raise _NoAnswer(problem, search, found.origins) from None
    chosen = _needed(problem, [*kept, *roots])
    return Solution(
        records=link_order(_filtered(task, request, chosen)),
        requested=tuple(_requested_names(request, chosen)),
        decisions=search.decisions,
        conflicts=search.conflicts,
        sat_calls=search.formula.calls,
        work=problem.domains.work,
    )


def _needed(problem: Problem, roots: Sequence[int]) -> list[RepoDataRecord]:
    """What the search chose for the roots and for what they need, directly or not."""
    found: list[RepoDataRecord] = []
    stack, seen = list(reversed(roots)), set(roots)
    while stack:
        package = stack.pop()
        record = problem.chosen(package)
        if record is None:
            continue
        if isinstance(record, RepoDataRecord):
            found.append(record)
        rank = problem.domains.low[package]
        for target in problem.needs(package, rank):
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return found


def _requested_names(request: Request, chosen: Iterable[PackageRecord]) -> list[str]:
    names = [record.name for record in chosen if any(spec_matches(spec, record) for spec in request.specs)]
    return list(dict.fromkeys(names))


def _filtered(task: SolveTask, request: Request, chosen: Sequence[RepoDataRecord]) -> list[RepoDataRecord]:
    """The answer without dependencies, or with nothing but them; what is installed stays then as it is."""
    if not (task.no_deps or task.only_deps):
        return list(chosen)
    wanted = set(_requested_names(request, chosen))
    taken = {record.name: record for record in chosen if (record.name in wanted) == task.no_deps}
    installed: dict[str, PrefixRecord] = {record.name: record for record in task.installed}
    return list({**installed, **taken}.values())
