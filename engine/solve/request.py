"""From a task to what the search needs to know: which packages are asked for, which stay, and the rules for both.

Rule of this file: what the commands mean. install: specs are met, the rest stays. update: named packages are asked
for anew. remove: matching packages go, what needs them goes too, nothing else changes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.records import PrefixRecord
from engine.model.version import Version
from engine.solve.candidates import Candidates, Interval
from engine.solve.clauses import Problem
from engine.solve.fits import spec_matches
from engine.solve.reasons import Bounded, Frozen, Pinned, Removed, Requested
from engine.solve.task import SolveTask
from engine.solve.wording import spec_text

_PYTHONS = frozenset(("python", "python_abi", "python-freethreading"))
_ABI_NAMES = frozenset(("python_abi", "python-freethreading", "python-gil"))
"""Who names one of these means to change the ABI."""


class Request(msgspec.Struct, frozen=True):
    """A task, digested. Channels of its specs are addresses or patterns of them."""

    specs: tuple[MatchSpec, ...]
    texts: tuple[str, ...]
    """The specs in the user's words."""
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
    said = _with_pip(task)
    specs = tuple(resolved(spec, task) for spec in said)
    removals = [(spec, resolved(spec, task)) for spec in task.remove]
    removed = tuple(
        (record, spec) for record in task.installed for spec, meant in removals if spec_matches(meant, record)
    )
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
        texts=tuple(map(spec_text, said)),
        asked=asked,
        keep=tuple(record for record in wanted if record.name not in updated),
        anew=anew,
        preferred={record.name: record for record in installed if record.name not in updated},
        pins=tuple(_pins(task, asked)),
        removed=removed,
    )


def resolved(spec: MatchSpec, task: SolveTask) -> MatchSpec:
    """A spec whose channel is the address that its text means to the user, or a pattern where it means several."""
    addresses = task.channel_addresses.get(spec.channel or "")
    if not addresses:
        return spec
    known = {rows.channel.public_url for rows in task.repodata} | {record.channel for record in task.installed}
    relevant = [address for address in addresses if address in known] or addresses[:1]
    if len(relevant) == 1:
        return spec.with_(channel=relevant[0])
    return spec.with_(channel=f"^({'|'.join(map(re.escape, relevant))})$")


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
        yield resolved(spec, task), Pinned(spec_text(spec), spec.exact_name or str(spec))
    named = (set(asked) - _all(task)) | task.update
    if not task.pin_python or task.keep == "ignore" or "python" in named:
        return
    there = {record.name: record for record in task.installed if record.name in _PYTHONS}
    for text, name in _python_pins(there, named):
        try:
            yield MatchSpec.parse(text), Pinned(text, name, python=True)
        except ParseError:
            continue  # the installed python's version is none, so it has no minor version to keep


def _python_pins(there: Mapping[str, PrefixRecord], named: Collection[str]) -> Iterator[tuple[str, str]]:
    """Python keeps its minor version; with python-freethreading it keeps its ABI, as in micromamba."""
    if "python" not in there:
        return
    yield f"python {'.'.join(there['python'].version.split('.')[:2])}.*", "python"
    abi = there.get("python_abi")
    if abi and "python-freethreading" in there and not _ABI_NAMES.intersection(named):
        yield f"python_abi * *_{abi.build.rpartition('_')[2]}", "python_abi"


def _all(task: SolveTask) -> set[str]:
    """What is asked for only because everything is to be updated."""
    named = {spec.exact_name for spec in task.specs}
    return {record.name for record in task.installed if record.name not in named} if task.update_all else set()


def state_rules(problem: Problem, request: Request, task: SolveTask) -> list[int]:
    """Write the rules of the request into a problem; the packages that the specs stand for, in order.

    A spec without a plain name stands for an artificial package, named as the spec; so does a group of optional
    dependencies (CEP 44).
    """
    roots: list[int] = []
    for spec, text in zip(request.specs, request.texts, strict=True):
        roots += problem.require(spec, Requested(text, spec.exact_name or str(spec)))
    for spec, pin in request.pins:
        problem.limit(spec, pin)
    for record, spec in request.removed:
        problem.allow(problem.package(record.name), (), Removed(spec_text(spec), record.name), absent=True)
    for record in request.keep:
        if task.keep == "freeze" and not _must_change(record, request):
            problem.allow(problem.package(record.name), ((0, 1),), Frozen(record.name, record.dist), absent=False)
        elif request.removed:
            problem.allow(problem.package(record.name), ((0, 1),), Removed("", record.name), absent=True)
    for record in (*request.keep, *request.anew):
        _bound(problem, record, request, task)
        roots += _earlier_groups(problem, record)
    return list(dict.fromkeys(roots))


def _must_change(record: PrefixRecord, request: Request) -> bool:
    """Whether the user asked for something else in the place of an installed package."""
    return any(not spec_matches(spec, record) for spec in request.asked.get(record.name, ()))


def _bound(problem: Problem, record: PrefixRecord, request: Request, task: SolveTask) -> None:
    """What must not become of an installed package that stays."""
    package = problem.package(record.name)
    candidates = problem.candidates[package]
    if not candidates.records:
        return
    if not task.allow_uninstall:
        everything = ((0, len(candidates.records)),)
        problem.allow(package, everything, Bounded(record.name, record.dist, "uninstall"), absent=False)
    if not task.allow_downgrade and not _must_change(record, request):
        ranks = _not_older(candidates, record.version)
        problem.allow(package, ranks, Bounded(record.name, record.dist, "downgrade"), absent=True)


def _not_older(candidates: Candidates, version: str) -> Sequence[Interval]:
    """The ranks whose versions are at least ``version``; all, if that is no version."""
    try:
        least = Version.parse(version)
    except ParseError:
        return ((0, len(candidates.records)),)
    return [(group.start, group.stop) for group in candidates.groups if group.version >= least]


def _earlier_groups(problem: Problem, record: PrefixRecord) -> tuple[int, ...]:
    """The groups of optional dependencies that somebody asked for when the package was installed: they stay needed."""
    names: dict[str, None] = {}
    for text in record.requested_specs or filter(None, (record.requested_spec,)):
        try:
            names.update(dict.fromkeys(MatchSpec.parse(text).extras))
        except ParseError:
            continue  # history written by another tool; it says nothing about groups then
    package = problem.package(record.name)
    if not names or not problem.candidates[package].records:
        return ()
    reason = Requested(f"{record.name}[extras=[{','.join(names)}]]", record.name)
    return problem.require_groups(package, tuple(names), reason)
