"""One run: what is known of a request, searched for the best answer.

Rule of this file: the flow. Digest the request, check that what it names exists, write the rules, search, collect
what is needed, order it. The same task gives the same answer whatever the order of records and the hash seed, and
whatever else was written down for other tasks before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from engine.model.records import PackageRecord, PrefixRecord, RepoDataRecord
from engine.solve.clauses import Problem
from engine.solve.fits import spec_matches
from engine.solve.index import PackageIndex
from engine.solve.missing import check_names
from engine.solve.objective import Agenda, Outline
from engine.solve.order import link_order
from engine.solve.probing import Trouble
from engine.solve.request import Request, digest, state_rules
from engine.solve.search import Contradiction, Search
from engine.solve.task import Solution, SolveTask


class NoAnswer(Exception):
    """Clauses of a problem that contradict each other."""

    def __init__(self, problem: Problem, search: Search, origins: list[int]) -> None:
        super().__init__(origins)
        self.problem, self.search, self.origins = problem, search, origins


class Run:
    """A task, digested, and the candidates that it may choose from."""

    def __init__(self, task: SolveTask, known: PackageIndex | None = None) -> None:
        """``known``: what was ranked for a similar task."""
        self._task = task
        self._request = digest(task)
        self.index = PackageIndex(task, self._request.specs_by_name, self._request.preferred, known)

    def problem(self) -> Problem:
        """Nothing written down yet."""
        task = self._task
        virtual: dict[str, list[PackageRecord]] = {}
        for fact in task.virtual:
            virtual.setdefault(fact.name, []).append(fact)
        return Problem(self.index, virtual, add_pip=task.add_pip, ignore_needs=task.ignore_needs)

    def search(self, problem: Problem, limit: float = inf, *, whole: bool = True) -> Solution:
        """The best answer. ``problem`` has no rules yet; ``limit``: the work after which it is given up.

        If it need not be ``whole``, it is best in what stays and what is asked for only: enough to tell what a change
        of the request would give.

        Raises `PackagesNotFound`, `NoAnswer`, and `SolveError` where it is stopped.
        """
        task, request, before = self._task, self._request, problem.domains.work
        check_names(task, request, self.index)
        asked = state_rules(problem, request, task)
        roots = list(dict.fromkeys([*asked, *(problem.package(name) for name in request.asked)]))
        kept = [problem.package(record.name) for record in request.keep]
        updated = [problem.package(record.name) for record in request.anew]
        trouble = Trouble()
        questions = (problem, updated, kept, roots)
        agenda = Agenda(*questions) if whole else Outline(*questions, trouble)
        search = Search(problem, agenda, task.stop, trouble, before + limit)
        try:
            search.run()
        except Contradiction as found:
            raise NoAnswer(problem, search, found.origins) from None
        chosen = _needed(problem, [*kept, *roots])
        return Solution(
            records=link_order(_filtered(task, request, chosen)),
            requested=tuple(_requested_names(request, chosen)),
            decisions=search.decisions,
            conflicts=search.conflicts,
            sat_calls=search.formula.calls,
            work=problem.domains.work - before,
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
