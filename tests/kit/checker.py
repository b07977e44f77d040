"""An independent judge of a solver's answers: it shares no code with the solver, only specs and records.

assert check(solution.records, ["numpy >=2"], virtual=virtual("__glibc 2.31")) == []
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.model.condition import Condition, Joined
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord


def check(
    records: Sequence[PackageRecord],
    specs: Iterable[str],
    *,
    virtual: Sequence[PackageRecord] = (),
    pinned: Iterable[str] = (),
    add_pip: bool = False,
) -> list[str]:
    """What is wrong with an answer; nothing if it is sound, minimal and in link order."""
    there = [*records, *virtual]
    wanted = list(specs)
    wrong = [f"{name} is there twice" for name in _twice(record.name for record in records)]
    wrong += [f"{spec} is asked for" for spec in wanted if not _met(spec, there)]
    wrong += [f"{spec} is pinned" for spec in pinned if not _held(spec, there)]
    groups = _groups(records, wanted, there, add_pip)
    for record in records:
        needs = [*_depends(record, add_pip), *_optional(record, groups)]
        wrong += [f"{record.dist} depends on {text}" for text in needs if not _met(text, there)]
        wrong += [f"{record.dist} constrains {text}" for text in record.constrains if not _held(text, there)]
    needed = _needed(records, wanted, add_pip, groups)
    wrong += [f"{record.dist} is not needed" for record in records if record.name not in needed]
    return wrong + _disorder(records)


def _twice(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


Groups = set[tuple[str, str]]
"""Package and group of optional dependencies (CEP 44)."""


def _groups(
    records: Sequence[PackageRecord], specs: Sequence[str], there: Sequence[PackageRecord], pip: bool
) -> Groups:
    """The groups that the request and the records ask for."""
    found: Groups = set()
    while True:
        texts = [*specs, *(t for r in records for t in (*_depends(r, pip), *_optional(r, found)))]
        asked = [spec for spec in map(MatchSpec.parse, texts) if spec.when is None or _holds(spec.when, there)]
        more = {(spec.name or "", extra) for spec in asked for extra in spec.extras}
        if more <= found:
            return found
        found |= more


def _optional(record: PackageRecord, groups: Groups) -> list[str]:
    return [t for name, group in sorted(groups) if name == record.name for t in record.extra_depends.get(group, ())]


def _holds(condition: Condition, there: Sequence[PackageRecord]) -> bool:
    """Whether a condition (CEP 43) holds."""
    if isinstance(condition, Joined):
        return (all if condition.operator == "and" else any)(_holds(part, there) for part in condition.parts)
    return any(condition.matches(record) for record in there)


def _met(text: str, records: Sequence[PackageRecord]) -> bool:
    spec = MatchSpec.parse(text)
    if spec.when is not None and not _holds(spec.when, records):
        return True
    return any(spec.matches(record) for record in records)


def _held(text: str, records: Sequence[PackageRecord]) -> bool:
    spec = MatchSpec.parse(text)
    if spec.when is not None and not _holds(spec.when, records):
        return True
    return all(spec.matches(record) for record in records if record.name == spec.exact_name)


def _depends(record: PackageRecord, add_pip: bool) -> tuple[str, ...]:
    return (*record.depends, "pip") if add_pip and record.name == "python" else record.depends


def _needed(records: Sequence[PackageRecord], specs: Sequence[str], add_pip: bool, groups: Groups) -> set[str]:
    found: set[str] = set()
    texts = list(specs)
    while texts:
        spec = MatchSpec.parse(texts.pop())
        for record in records:
            if record.name not in found and spec.matches(record):
                found.add(record.name)
                texts += [*_depends(record, add_pip), *_optional(record, groups)]
    return found


def _disorder(records: Sequence[PackageRecord]) -> list[str]:
    """Dependencies that come too late although they don't need what needs them."""
    place = {record.name: index for index, record in enumerate(records)}
    after = {r.name: {MatchSpec.parse(text).exact_name or "" for text in r.depends} & place.keys() for r in records}
    wrong = []
    for record in records:
        for name in sorted(after[record.name]):
            if place[name] > place[record.name] and record.name not in _reach(name, after):
                wrong.append(f"{name} is linked after {record.name}, which needs it")
    return wrong


def _reach(name: str, after: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    stack = [name]
    while stack:
        for other in after[stack.pop()]:
            if other not in found:
                found.add(other)
                stack.append(other)
    return found
