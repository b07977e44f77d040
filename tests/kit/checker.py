"""An independent judge of a solver's answers: it shares no code with the solver, only specs and records.

assert check(solution.records, ["numpy >=2"], virtual=virtual("__glibc 2.31")) == []
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    for record in records:
        wrong += [f"{record.dist} depends on {text}" for text in _depends(record, add_pip) if not _met(text, there)]
        wrong += [f"{record.dist} constrains {text}" for text in record.constrains if not _held(text, there)]
    needed = _needed(records, wanted, add_pip)
    wrong += [f"{record.dist} is not needed" for record in records if record.name not in needed]
    return wrong + _disorder(records)


def _twice(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def _met(text: str, records: Iterable[PackageRecord]) -> bool:
    spec = MatchSpec.parse(text)
    return any(spec.matches(record) for record in records)


def _held(text: str, records: Iterable[PackageRecord]) -> bool:
    spec = MatchSpec.parse(text)
    return all(spec.matches(record) for record in records if record.name == spec.exact_name)


def _depends(record: PackageRecord, add_pip: bool) -> tuple[str, ...]:
    return (*record.depends, "pip") if add_pip and record.name == "python" else record.depends


def _needed(records: Sequence[PackageRecord], specs: Iterable[str], add_pip: bool) -> set[str]:
    found: set[str] = set()
    texts = list(specs)
    while texts:
        spec = MatchSpec.parse(texts.pop())
        for record in records:
            if record.name not in found and spec.matches(record):
                found.add(record.name)
                texts += _depends(record, add_pip)
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
