"""Why an installed package has the version that it has, and not the newest one.

Rule of this file: it asks the solver, and nothing else, so what it says is true of what a command would do. The newest
version is demanded together with everything that was asked for. If that can't be had, the explanation names who is in
the way. If it can, either nothing holds the package back, or others would have to be older than they are at best; then
these are demanded too, and again the explanation tells the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from engine.errors import InvalidVersion, PackagesNotFound, SolveError, Unsatisfiable
from engine.model.match_spec import MatchSpec
from engine.model.records import PrefixRecord, RepoDataRecord
from engine.model.version import Version
from engine.solve.candidates import Candidates
from engine.solve.index import PackageIndex
from engine.solve.solver import solve
from engine.solve.story import BOTH
from engine.solve.task import Solution, SolveTask
from engine.solve.transaction import Change, Transaction
from engine.solve.wording import listed, spec_text

Verdict = Literal["newest", "unavailable", "free", "outweighed", "held"]
"""newest: there is no newer one; unavailable: no channel has the package; free: nothing holds it back; outweighed: it
could be had, but others would be older then; held: it can't be had together with what was asked for."""

MAX_BETTER = 3
"""How many packages that would be older are demanded, so that the explanation stays about the matter."""


class WhyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    verdict: Verdict
    newest: RepoDataRecord | None = None
    """The best candidate that the channels offer by themselves."""
    story: tuple[str, ...] = ()
    """Who is in the way, told from what was asked for downwards; lines with their indentation."""
    held_by: tuple[str, ...] = ()
    """The requests, pins and so on that the story begins with."""
    remedies: tuple[str, ...] = ()
    """Changes after which the newest version can be had; each was tried (see `engine.solve.relax`)."""
    data: Mapping[str, object] = {}
    """The story as plain values (see `engine.solve.explain`)."""
    changes: tuple[Change, ...] = ()
    """What else would change with the newest version (free, outweighed)."""
    left_out: tuple[str, ...] = ()
    """Channels that have the package too, but are not looked at because of strict channel priority."""


def why_version(task: SolveTask, name: str) -> WhyVersion:
    """Why the installed ``name`` is not newer. ``task``: what was asked for, what is installed, and the channels.

    Raises `SolveError` if ``task.stop`` says so.
    """
    installed = next(record for record in task.installed if record.name == name)
    candidates = _offered(task, name)
    newest = next((found for found in candidates.records if isinstance(found, RepoDataRecord)), None)
    left_out = candidates.held_back
    if newest is None:
        return WhyVersion(verdict="unavailable", left_out=left_out)
    if _order(newest) <= _order(installed):
        return WhyVersion(verdict="newest", newest=newest, left_out=left_out)
    answer = _demand(task, newest)
    return msgspec.structs.replace(answer, newest=newest, left_out=left_out)


def newer_than(task: SolveTask, installed: PrefixRecord) -> RepoDataRecord | None:
    """The newest that the channels offer, if that is newer than what is installed."""
    newest = next(
        (found for found in _offered(task, installed.name).records if isinstance(found, RepoDataRecord)), None
    )
    return newest if newest is not None and _order(newest) > _order(installed) else None


def _offered(task: SolveTask, name: str) -> Candidates:
    """The candidates as if nothing were installed and the package were asked for: newest first."""
    return PackageIndex(msgspec.structs.replace(task, installed=()), {name: ()}, {}).candidates(name)


def _order(record: RepoDataRecord) -> tuple[bool, Version]:
    try:
        return True, Version.parse(record.version)
    except InvalidVersion:
        return False, Version.parse("0")


def _demand(task: SolveTask, newest: RepoDataRecord) -> WhyVersion:
    """What happens if the newest version is asked for as well."""
    demand = _exactly(newest)
    python = MatchSpec(name="python")
    # python's minor version stays unless somebody asks for python; that somebody once did says nothing about now.
    kept = tuple(spec for spec in task.specs if spec != python)
    try:
        wanted = solve(msgspec.structs.replace(task, specs=(demand, *kept), keep="prefer"))
    except (Unsatisfiable, PackagesNotFound) as error:
        return _held(error, newest)
    changes = _other_changes(task.installed, wanted, newest.name)
    return _weighed(_anew(task), demand, newest) or WhyVersion(verdict="free", changes=changes)


def _exactly(record: RepoDataRecord) -> MatchSpec:
    return MatchSpec.parse(f"{record.name}[version='=={record.version}']")


def _anew(task: SolveTask) -> SolveTask:
    """The same request for an empty place; python keeps its minor version all the same."""
    pins = task.pinned
    python = next((record for record in task.installed if record.name == "python"), None)
    if python is not None and task.pin_python:
        minor = ".".join(python.version.split(".")[:2])
        pins = (*pins, MatchSpec.parse(f"python {minor}.*"))
    return msgspec.structs.replace(task, installed=(), keep="ignore", pinned=pins)


def _weighed(task: SolveTask, demand: MatchSpec, newest: RepoDataRecord) -> WhyVersion | None:
    """Who would be older with the newest version than without; None if nobody would."""
    try:
        best = _by_name(solve(task))
        with_demand = _by_name(solve(msgspec.structs.replace(task, specs=(*task.specs, demand))))
    except (Unsatisfiable, PackagesNotFound):
        return None  # what was asked for can't be had anew: there is nothing to compare with
    mine = best.get(newest.name)
    if mine is None or _order(mine) >= _order(newest):
        return None
    better = [
        record for name, record in best.items() if name in with_demand and _order(with_demand[name]) < _order(record)
    ]
    asked = {spec.exact_name for spec in task.specs}
    better.sort(key=lambda record: (record.name not in asked, record.name))
    changes = tuple(Change("downgrade", _as_installed(record), with_demand[record.name]) for record in better)
    specs = (demand, *map(_exactly, better[:MAX_BETTER]))
    try:
        solve(msgspec.structs.replace(task, specs=(*task.specs, *specs)))
    except (Unsatisfiable, PackagesNotFound) as error:
        held = _held(error, newest)
        return msgspec.structs.replace(held, verdict="outweighed", changes=changes, remedies=())
    return WhyVersion(verdict="outweighed", changes=changes)


def _as_installed(record: RepoDataRecord) -> PrefixRecord:
    fields = {field: getattr(record, field) for field in record.__struct_fields__}
    return PrefixRecord(**fields)


def _by_name(solution: Solution) -> dict[str, RepoDataRecord]:
    return {record.name: record for record in solution.records}


def _other_changes(installed: Sequence[PrefixRecord], wanted: Solution, name: str) -> tuple[Change, ...]:
    changes = Transaction.between(installed, wanted.records).changes
    return tuple(change for change in changes if change.name != name)


def _held(error: SolveError, newest: RepoDataRecord) -> WhyVersion:
    """The solver's explanation, told about the newest version instead of a demand that nobody made."""
    demand = spec_text(_exactly(newest))
    lines = [
        line.replace(f"{demand} is asked for", f"{newest.name} {newest.version} is the newest")
        for line in error.message.splitlines()
        if BOTH not in line  # nobody asked for the newest one as well
    ]
    texts = [str(rule.get("spec") or rule.get("dist") or "") for rule in _mappings(error.data, "rules")]
    # What would work without the newest version is no help here.
    remedies = [found for found in _mappings(error.data, "remedies") if demand not in str(found.get("change"))]
    return WhyVersion(
        verdict="held",
        story=tuple(lines[1:] if len(lines) > 1 else lines),
        held_by=tuple(text for text in dict.fromkeys(texts) if text and text != demand),
        remedies=tuple(map(_remedy_text, remedies)),
        data={**error.data, "remedies": remedies},
    )


def _mappings(data: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    found = data.get(key)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, Sequence) else []


def _remedy_text(remedy: Mapping[str, object]) -> str:
    gives = remedy.get("gives")
    versions = listed([str(item) for item in gives]) if isinstance(gives, Sequence) else ""
    return f"{remedy.get('change')}{f' (gives {versions})' if versions else ''}"
