"""What would work instead: small changes of a request that has no answer, each tried by solving it.

Rule of this file: nothing is offered that was not solved. Tries are few, and the work that they take is bounded by what
it took to see that there is no answer, so that an explanation is not what one waits for. Later requests are relaxed
before earlier ones, since those matter less (see `engine.solve.task`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from engine.errors import ParseError
from engine.model.cutoff import Cutoffs
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.model.version import Version
from engine.solve.reasons import Bounded, Frozen, Pinned, Reason, Relation, Requested
from engine.solve.task import Solution, SolveTask
from engine.solve.wording import listed, spec_text

MAX_TRIES = 8
MAX_REMEDIES = 3
MIN_WORK, MAX_WORK = 12_000, 36_000
"""What all tries may take (see `Domains.work`): a usual request that has an answer takes as much as the first, and some
of those that have none take little more than a few hundred. Half of what it took to see that there is no answer is
always allowed; up to the second number, `SHARE` times as much."""
SHARE = 4.5
TOGETHER = 55_000
"""The work, that of the search included, beyond which no more than half of that is allowed: whoever has waited so long
waits no longer for a change that may not be found either."""
ENOUGH = 24_000
"""The work, that of the search included, after which one remedy is enough: another is a convenience."""
_OVERRIDABLE = frozenset({"__cuda", "__glibc", "__linux", "__osx", "__win"})
_LITERAL = re.compile(r"[0-9]+(?:\.[0-9]+)*")

Kind = Literal["option", "request", "machine"]
Outcome: TypeAlias = "Solution | tuple[Reason, ...] | None"
"""An answer, the reasons that there is none, or nothing because it took too long or a package is missing."""


class Tried(NamedTuple):
    """What became of a try, and the work that it took."""

    outcome: Outcome
    work: int


Solve: TypeAlias = "Callable[[SolveTask, int, bool], Tried]"
"""What solves a task within a limit; whole, or only as far as `_settled_first` goes."""


class Remedy(msgspec.Struct, frozen=True):
    """A change after which there is an answer."""

    change: str
    """What to do, in words."""
    gives: tuple[str, ...]
    """What would be installed of the packages in question, as ``name version``."""
    kind: Kind
    """What it changes: how it is solved, what is asked for, or what for."""

    def __str__(self) -> str:
        return f"{self.change} (gives {listed(self.gives)})" if self.gives else self.change


def find_remedies(task: SolveTask, reasons: Sequence[Reason], held_back: bool, work: int, solve: Solve) -> list[Remedy]:
    """Changes that work, the gentlest first.

    ``held_back``: strict channel priority kept candidates away. ``work``: what it took to see that there is no answer;
    the tries together take half of that, if it was much.
    """
    tries = _Tries(task, work, solve)
    found = list(_virtual(task, reasons, tries))
    for change, changed, names in _changes(task, reasons, held_back):
        solution = tries.solution(changed, names)
        if solution is not None:
            kind: Kind = "option" if changed.specs == task.specs else "request"
            found.append(Remedy(change, _given(solution, names), kind))
            tries.be_content()
        if len(found) == MAX_REMEDIES or tries.exhausted:
            return found
    return found or list(_together(task, reasons, tries))


class _Tries:
    """Solving within limits."""

    def __init__(self, task: SolveTask, work: int, solve: Solve) -> None:
        self._stop, self._solve = task.stop, solve
        self._left, self._work = MAX_TRIES, _allowed(work)
        self._spent, self._last = work, 0
        self._known: list[tuple[SolveTask, bool, Outcome]] = []
        """Changes come in many ways: the same one is not tried twice."""

    @property
    def exhausted(self) -> bool:
        return self._left <= 0 or self._work <= 0

    def outcome(self, task: SolveTask, about: Sequence[str]) -> Outcome:
        """``about``: the packages whose versions are of interest."""
        whole = not _settled_first(task).issuperset(about)
        for known, as_whole, outcome in self._known:
            if as_whole == whole and known == task:
                return outcome
        if self.exhausted or self._stop():
            return None
        self._left -= 1
        tried = self._solve(task, self._work, whole)
        self._work -= tried.work
        self._spent += tried.work
        self._last = tried.work
        if tried.outcome is not None:
            self._known.append((task, whole, tried.outcome))
        return tried.outcome

    def be_content(self) -> None:
        """One remedy is found: look for others only while little was done."""
        self._work = min(self._work, ENOUGH - self._spent)

    def begin_anew(self) -> None:
        """What was tried last is the question now: what it took says what its changes may take."""
        self._work = max(self._work, _allowed(self._last))

    def solution(self, task: SolveTask, about: Sequence[str]) -> Solution | None:
        found = self.outcome(task, about)
        return found if isinstance(found, Solution) else None


def _settled_first(task: SolveTask) -> set[str]:
    """Packages that stay or are asked for: their versions are the first things that a search settles."""
    stays = () if task.prune or task.keep == "ignore" else task.installed
    return {spec.name for spec in task.specs if spec.name} | {record.name for record in stays}


def _allowed(work: int) -> int:
    """What tries may take where seeing that there is no answer took ``work``."""
    return max(work // 2, MIN_WORK, min(int(SHARE * work), MAX_WORK, TOGETHER - work))


def _given(solution: Solution, names: Iterable[str]) -> tuple[str, ...]:
    records = {record.name: record for record in solution.records}
    return tuple(f"{name} {records[name].version}" for name in names if name in records)


def _changes(
    task: SolveTask, reasons: Sequence[Reason], held_back: bool
) -> Iterator[tuple[str, SolveTask, Sequence[str]]]:
    """Each change in words, the task after it, and the packages whose versions are then of interest."""
    replace = msgspec.structs.replace
    kinds = {type(reason) for reason in reasons}
    names = list(dict.fromkeys(reason.target for reason in reasons if isinstance(reason, (Requested, Bounded, Frozen))))
    if Frozen in kinds:
        yield "leave --freeze-installed away", replace(task, keep="prefer"), names
    for rule in dict.fromkeys(reason.rule for reason in reasons if isinstance(reason, Bounded)):
        yield f"use --allow-{rule}", replace(task, **{f"allow_{rule}": True}), names
    for pin in (reason for reason in reasons if isinstance(reason, Pinned)):
        if pin.python:
            yield "use --no-py-pin", replace(task, pin_python=False), [pin.target]
        else:
            pins = tuple(spec for spec in task.pinned if spec_text(spec) != pin.spec)
            yield f"take away the pin {pin.spec}, or use --no-pin", replace(task, pinned=pins), [pin.target]
    if held_back:
        yield "use --channel-priority flexible", replace(task, channel_priority="flexible"), names
    yield from _relaxations(task, reasons)
    if task.exclude_newer:
        yield "leave exclude_newer away", replace(task, exclude_newer=Cutoffs()), names


def _relaxations(task: SolveTask, reasons: Sequence[Reason]) -> Iterator[tuple[str, SolveTask, Sequence[str]]]:
    """Each requested spec, the last first, in any version, or not at all."""
    roots = {reason.spec: reason.target for reason in reasons if isinstance(reason, Requested)}
    for spec in reversed([spec for spec in task.specs if spec_text(spec) in roots]):
        relaxed, text = _relaxed(spec), spec_text(spec)
        if relaxed != spec:
            yield f"ask for {spec_text(relaxed)} instead of {text}", _with_loose(task, [spec]), _names([spec])
        elif len(roots) > 1:
            fewer = tuple(other for other in task.specs if other is not spec)
            others = [name for root, name in roots.items() if root != text]
            yield f"leave {text} away", msgspec.structs.replace(task, specs=fewer), others


def _relaxed(spec: MatchSpec) -> MatchSpec:
    """The same package in any version and build."""
    return spec.with_(version=None, build=None, build_number=None, flags=(), md5=None, sha256=None, url=None, fn=None)


def _names(specs: Iterable[MatchSpec]) -> list[str]:
    return list(dict.fromkeys(spec.name for spec in specs if spec.name))


def _together(task: SolveTask, reasons: Sequence[Reason], tries: _Tries) -> Iterator[Remedy]:
    """No single change is enough: leave all versions open that are in question, and those that are then, and so on.

    Then take back what need not be open, earlier requests first.
    """
    loose: list[MatchSpec] = []
    outcome: Outcome = tuple(reasons)
    while not isinstance(outcome, Solution):
        roots = {reason.spec for reason in outcome or () if isinstance(reason, Requested)}
        more = [
            spec for spec in task.specs if spec_text(spec) in roots and spec not in loose and _relaxed(spec) != spec
        ]
        if not more:
            return
        loose += more
        outcome = tries.outcome(_with_loose(task, loose), _names(loose))
    for spec in [spec for spec in task.specs if spec in loose]:
        fewer = [other for other in loose if other is not spec]
        solution = tries.solution(_with_loose(task, fewer), _names(fewer)) if fewer else None
        if solution is not None:
            loose, outcome = fewer, solution
    names = _names(spec for spec in task.specs if spec in loose)
    yield Remedy(f"leave the versions of {listed(names)} open", _given(outcome, names), "request")


def _with_loose(task: SolveTask, loose: Sequence[MatchSpec]) -> SolveTask:
    specs = tuple(_relaxed(spec) if spec in loose else spec for spec in task.specs)
    return msgspec.structs.replace(task, specs=specs)


def _virtual(task: SolveTask, reasons: Sequence[Reason], tries: _Tries) -> Iterator[Remedy]:
    """A machine that could: the lowest versions of virtual packages that are enough for one answer.

    If that alone is not enough, one request is relaxed as well.
    """
    before = {fact.name: fact for fact in task.virtual}
    facts, changed = dict(before), task
    names = [reason.target for reason in reasons if isinstance(reason, Requested)]
    outcome: Outcome = tuple(reasons)
    while not isinstance(outcome, Solution) and (wanted := _wanted_facts(outcome or (), facts)):
        facts |= wanted
        changed = msgspec.structs.replace(task, virtual=tuple(facts.values()))
        outcome = tries.outcome(changed, names)
    settings = [
        f"CONDA_OVERRIDE_{name[2:].upper()}={facts[name].version}" for name in facts if facts[name] != before.get(name)
    ]
    if not settings:
        return
    text = f"for a machine that has it, set {' '.join(settings)}"
    if isinstance(outcome, Solution):
        yield Remedy(text, _given(outcome, names), "machine")
        return
    tries.begin_anew()
    for change, relaxed, about in _relaxations(changed, outcome or ()):
        solution = tries.solution(relaxed, about)
        if solution is not None:
            yield Remedy(f"{text}, and {change}", _given(solution, about), "machine")
            return


def _wanted_facts(reasons: Sequence[Reason], facts: dict[str, PackageRecord]) -> dict[str, PackageRecord]:
    """Newer versions of virtual packages, as relations on them ask for."""
    found: dict[str, PackageRecord] = {}
    for reason in reasons:
        if isinstance(reason, Relation) and reason.target in _OVERRIDABLE:
            known = found.get(reason.target) or facts.get(reason.target)
            version = _needed_version(reason.spec, known.version if known else None)
            if version is not None and (known or reason.target == "__cuda"):
                found[reason.target] = PackageRecord(name=reason.target, version=version, build="0")
    return found


def _needed_version(text: str, known: str | None) -> str | None:
    """The lowest version named in a spec that meets it and is newer than ``known``; None if there is none."""
    try:
        spec = MatchSpec.parse(text)
        named = [Version.parse(found) for found in _LITERAL.findall(str(spec.version or ""))] or [Version.parse("1")]
        least = Version.parse(known) if known is not None else None
    except ParseError:
        return None
    good = [v for v in named if (spec.version is None or spec.version.matches(v)) and (least is None or v > least)]
    return str(min(good)) if good else None
