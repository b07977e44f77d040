"""The best answer found by trying everything, by the order that `engine.solve.objective` writes down.

Shares no code with the solver but versions and specs. Only for worlds of a few names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.model.version import Version

Answer = dict[str, PackageRecord]


def best_answer(records: Sequence[PackageRecord], specs: Sequence[str]) -> Answer | None:
    """The best answer, None if there is none. One channel, no virtual packages, nothing installed."""
    by_name: dict[str, list[PackageRecord]] = {}
    for record in records:
        by_name.setdefault(record.name, []).append(record)
    asked = list(dict.fromkeys(MatchSpec.parse(spec).exact_name or "" for spec in specs))
    answers = list(_answers(by_name, specs, asked))
    if not answers:
        return None
    met: list[str] = []
    layer = asked
    while layer:
        met += layer
        for precise in (_version_key, _build_key):
            for name in layer:
                answers = _best(answers, name, by_name, precise, name in asked)
        layer = sorted({other for name in layer for other in _below(name, answers, by_name, name in asked)} - set(met))
    for name in met:
        answers = _best(answers, name, by_name, _exact_key, name in asked)
    assert len(answers) == 1
    return answers[0]


def _answers(by_name: dict[str, list[PackageRecord]], specs: Sequence[str], asked: Sequence[str]) -> Iterator[Answer]:
    """All sets that are sound and hold nothing that isn't needed."""
    choices = [[None, *rows] for rows in by_name.values()]
    parsed = [MatchSpec.parse(spec) for spec in specs]
    seen = set()
    for picked in product(*choices):
        there = {record.name: record for record in picked if record is not None}
        if _sound(there, parsed):
            needed = _needed(there, asked)
            key = tuple(sorted(there[name].dist for name in needed))
            if key not in seen:
                seen.add(key)
                yield {name: there[name] for name in needed}


def _sound(there: Answer, specs: Sequence[MatchSpec]) -> bool:
    return all(_meets(spec, there) for spec in specs) and all(
        all(_meets(MatchSpec.parse(text), there) for text in record.depends)
        and all(_allows(MatchSpec.parse(text), there) for text in record.constrains)
        for record in there.values()
    )


def _meets(spec: MatchSpec, there: Answer) -> bool:
    found = there.get(spec.exact_name or "")
    return found is not None and spec.matches(found)


def _allows(spec: MatchSpec, there: Answer) -> bool:
    found = there.get(spec.exact_name or "")
    return found is None or spec.matches(found)


def _needed(there: Answer, asked: Sequence[str]) -> list[str]:
    found = dict.fromkeys(asked)
    stack = list(asked)
    while stack:
        for text in there[stack.pop()].depends:
            name = MatchSpec.parse(text).exact_name or ""
            if name not in found:
                found[name] = None
                stack.append(name)
    return list(found)


Key = tuple[object, ...]


def _version_key(record: PackageRecord, asked: bool) -> Key:
    version = Version.parse(record.version).key
    return (asked or not record.feature_names, version)


def _build_key(record: PackageRecord, asked: bool) -> Key:
    return (*_version_key(record, asked), -len(record.feature_names), record.build_number)


def _exact_key(record: PackageRecord, asked: bool) -> Key:
    arch = record.noarch_type is None
    return (*_build_key(record, asked), record.timestamp_ms, arch, tuple(-ord(c) for c in f"{record.fn}~"))


def _best(
    answers: list[Answer],
    name: str,
    by_name: dict[str, list[PackageRecord]],
    key: Callable[[PackageRecord, bool], Key],
    asked: bool,
) -> list[Answer]:
    """The answers that have the best candidate of a name, or do without it where that is possible."""
    best = max((key(record, asked) for record in by_name.get(name, ())), default=())
    values = [key(answer[name], asked) if name in answer else best for answer in answers]
    top = max(values)
    return [answer for answer, value in zip(answers, values, strict=True) if value == top]


def _below(name: str, answers: list[Answer], by_name: dict[str, list[PackageRecord]], asked: bool) -> Iterator[str]:
    """What the candidates of the settled class depend on; the best class if the package can be done without."""
    rows = by_name.get(name, [])
    top = max((_build_key(record, asked) for record in rows), default=())
    classes = [_build_key(answer[name], asked) if name in answer else top for answer in answers]
    settled = max(classes)
    for record in rows:
        if _build_key(record, asked) == settled:
            for text in record.depends:
                yield MatchSpec.parse(text).exact_name or ""
