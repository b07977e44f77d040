"""From a task to what the search needs to know: which packages are asked for, which stay, and the rules for both.

Rule of this file: what the commands mean. install: specs are met, the rest stays. update: named packages are asked
for anew. remove: matching packages go, what needs them goes too, nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from engine.model.match_spec import MatchSpec
from engine.model.records import PrefixRecord
from engine.solve.clauses import Problem
from engine.solve.reasons import Frozen, Pinned, Removed, Requested
from engine.solve.task import SolveTask


class Request(msgspec.Struct, frozen=True):
    """A task, digested."""

    specs: tuple[MatchSpec, ...]
    asked: Mapping[str, tuple[MatchSpec, ...]]
    """Plain names to bring to their best, in order, each with its specs."""
    keep: tuple[PrefixRecord, ...]
    """Installed packages that stay, in order of importance."""
    preferred: Mapping[str, PrefixRecord]
    """Installed packages that are the best candidates of their names: ``keep`` and those that stay only if needed."""
    pins: tuple[Pinned, ...]
    removed: tuple[tuple[PrefixRecord, MatchSpec], ...]

    @property
    def specs_by_name(self) -> dict[str, tuple[MatchSpec, ...]]:
        """As `asked`, without the names that no spec is about."""
        return {name: specs for name, specs in self.asked.items() if specs}


def digest(task: SolveTask) -> Request:
    """What a task means."""
    specs = _with_pip(task)
    removed = tuple((record, spec) for record in task.installed for spec in task.remove if spec.matches(record))
    gone = {record.name for record, _ in removed}
    asked: dict[str, tuple[MatchSpec, ...]] = {}
    for spec in specs:
        if spec.exact_name is not None and not spec.exact_name.startswith("__"):
            asked[spec.exact_name] = (*asked.get(spec.exact_name, ()), spec)
    installed = sorted((r for r in task.installed if r.name not in gone), key=lambda r: (not _by_user(r), r.name))
    if task.keep == "ignore":
        installed = []
    anew = {record.name for record in installed if task.update_all or record.name in task.update}
    for record in installed:
        if record.name in anew and (not task.prune or _by_user(record)):
            asked.setdefault(record.name, ())
    staying = [record for record in installed if record.name not in anew]
    return Request(
        specs=specs,
        asked=asked,
        keep=tuple(r for r in staying if _by_user(r) or not task.prune),
        preferred={record.name: record for record in staying},
        pins=tuple(_pins(task, asked)),
        removed=removed,
    )


def _by_user(record: PrefixRecord) -> bool:
    return bool(record.requested_specs or record.requested_spec)


def _with_pip(task: SolveTask) -> tuple[MatchSpec, ...]:
    """micromamba asks for pip too where somebody asks for python."""
    names = {spec.exact_name for spec in task.specs}
    if task.add_pip and "python" in names and "pip" not in names and any(rows.records("pip") for rows in task.repodata):
        return (*task.specs, MatchSpec.parse("pip"))
    return task.specs


def _pins(task: SolveTask, asked: Mapping[str, object]) -> Iterable[Pinned]:
    for spec in task.pinned:
        yield Pinned(str(spec), spec.exact_name or str(spec))
    python = next((record for record in task.installed if record.name == "python"), None)
    if task.pin_python and python and task.keep != "ignore" and "python" not in (set(asked) - _all(task)) | task.update:
        minor = ".".join(python.version.split(".")[:2])
        yield Pinned(f"python {minor}.*", "python", python=True)


def _all(task: SolveTask) -> set[str]:
    """What is asked for only because everything is to be updated."""
    named = {spec.exact_name for spec in task.specs}
    return {record.name for record in task.installed if record.name not in named} if task.update_all else set()


def state_rules(problem: Problem, request: Request, task: SolveTask) -> list[str]:
    """Write the rules of the request into a problem; the names that the specs stand for, in order.

    A spec without a plain name stands for an artificial package, named as the spec.
    """
    names: dict[str, None] = {}
    for spec in request.specs:
        number = problem.require(spec, Requested(str(spec), spec.exact_name or str(spec)))
        if number >= 0:
            names[problem.candidates[number].name] = None
    for pin in request.pins:
        problem.limit(MatchSpec.parse(pin.spec), pin)
    for record, spec in request.removed:
        problem.allow(problem.package(record.name), (), Removed(str(spec), record.name), absent=True)
    for record in request.keep:
        if task.keep == "freeze" and not _must_change(record, request):
            problem.allow(problem.package(record.name), ((0, 1),), Frozen(record.name, record.dist), absent=False)
        elif request.removed:
            problem.allow(problem.package(record.name), ((0, 1),), Removed("", record.name), absent=True)
    return list(names)


def _must_change(record: PrefixRecord, request: Request) -> bool:
    """Whether the user asked for something else in the place of an installed package."""
    return any(not spec.matches(record) for spec in request.asked.get(record.name, ()))
