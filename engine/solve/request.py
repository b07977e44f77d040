"""From a task to what the search needs to know: which packages are asked for, which stay, and the rules for both.

Rule of this file: what the commands mean. install: specs are met, the rest stays. update: named packages are asked
for anew. remove: matching packages go, what needs them goes too, nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from engine.model.match_spec import MatchSpec
from engine.model.records import PrefixRecord
from engine.solve.clauses import Problem
from engine.solve.reasons import Frozen, Pinned, Removed, Requested
from engine.solve.task import SolveTask
from engine.solve.wording import spec_text


class Request(msgspec.Struct, frozen=True):
    """A task, digested."""

    specs: tuple[MatchSpec, ...]
    asked: Mapping[str, tuple[MatchSpec, ...]]
    """Plain names to bring to their best, in order, each with its specs."""
    keep: tuple[PrefixRecord, ...]
    """Installed packages that stay, in order of importance."""
    anew: tuple[PrefixRecord, ...]
    """Installed packages that stay too, but at their best."""
    preferred: Mapping[str, PrefixRecord]
    """Installed packages that are the best candidates of their names: ``keep`` and those that stay only if needed."""
    pins: tuple[tuple[MatchSpec, Pinned], ...]
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
    wanted = [record for record in installed if _by_user(record) or not task.prune]
    updated = {record.name for record in installed if task.update_all or record.name in task.update}
    anew = tuple(record for record in wanted if record.name in updated)
    for record in anew:
        asked.setdefault(record.name, ())
    return Request(
        specs=specs,
        asked=asked,
        keep=tuple(record for record in wanted if record.name not in updated),
        anew=anew,
        preferred={record.name: record for record in installed if record.name not in updated},
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


def _pins(task: SolveTask, asked: Mapping[str, object]) -> Iterator[tuple[MatchSpec, Pinned]]:
    for spec in task.pinned:
        yield spec, Pinned(spec_text(spec), spec.exact_name or str(spec))
    python = next((record for record in task.installed if record.name == "python"), None)
    if task.pin_python and python and task.keep != "ignore" and "python" not in (set(asked) - _all(task)) | task.update:
        text = f"python {'.'.join(python.version.split('.')[:2])}.*"
        yield MatchSpec.parse(text), Pinned(text, "python", python=True)


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
        number = problem.require(spec, Requested(spec_text(spec), spec.exact_name or str(spec)))
        if number >= 0:
            names[problem.candidates[number].name] = None
    for spec, pin in request.pins:
        problem.limit(spec, pin)
    for record, spec in request.removed:
        problem.allow(problem.package(record.name), (), Removed(spec_text(spec), record.name), absent=True)
    for record in request.keep:
        if task.keep == "freeze" and not _must_change(record, request):
            problem.allow(problem.package(record.name), ((0, 1),), Frozen(record.name, record.dist), absent=False)
        elif request.removed:
            problem.allow(problem.package(record.name), ((0, 1),), Removed("", record.name), absent=True)
    return list(names)


def _must_change(record: PrefixRecord, request: Request) -> bool:
    """Whether the user asked for something else in the place of an installed package."""
    return any(not spec.matches(record) for spec in request.asked.get(record.name, ()))
