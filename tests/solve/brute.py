"""The best answer found by trying everything, by the order that docs/solver.md writes down.

Shares no code with the solver but versions, specs and their conditions. Only for worlds of a few names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from engine.model.condition import Condition, Joined
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, PrefixRecord, RepoDataRecord
from engine.model.version import Version

Answer = dict[str, PackageRecord]
Key = tuple[object, ...]
Chosen = Mapping[str, PackageRecord]


@dataclass(frozen=True)
class Case:
    """A request. Channels are lists of records, the most important first."""

    channels: Sequence[Sequence[RepoDataRecord]]
    specs: Sequence[str] = ()
    virtual: Sequence[PackageRecord] = ()
    pinned: Sequence[str] = ()
    installed: Sequence[PrefixRecord] = ()
    keep: str = "prefer"
    priority: str = "strict"
    update: frozenset[str] = frozenset()
    remove: Sequence[str] = ()
    prune: bool = False
    allow_uninstall: bool = True
    allow_downgrade: bool = True
    parsed: list[MatchSpec] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parsed.extend(map(MatchSpec.parse, self.specs))


def best_answer(case: Case) -> Answer | None:
    """The best answer, None if there is none."""
    return _Brute(case).best()


class _Brute:
    def __init__(self, case: Case) -> None:
        self.case = case
        gone = {r.name for r in case.installed for text in case.remove if MatchSpec.parse(text).matches(r)}
        staying = [] if case.keep == "ignore" else [r for r in case.installed if r.name not in gone]
        staying.sort(key=lambda r: (not r.requested_specs, r.name))
        wanted = [r for r in staying if r.requested_specs or not case.prune]
        self.gone = gone
        self.anew = [r for r in wanted if r.name in case.update]
        self.kept = [r for r in wanted if r.name not in case.update]
        self.preferred = {r.name: r for r in staying if r.name not in case.update}
        self.by_name = {spec.name or "" for spec in case.parsed}
        self.rows: dict[str, list[tuple[PackageRecord, int]]] = {}
        names = {row.name for rows in case.channels for row in rows} | {r.name for r in case.installed}
        for name in sorted(names):
            self.rows[name] = self._candidates(name)

    # --- what there is

    def _candidates(self, name: str) -> list[tuple[PackageRecord, int]]:
        specs = [spec for spec in self.case.parsed if spec.name == name]
        found: list[tuple[PackageRecord, int]] = []
        best: int | None = None
        for rank, rows in enumerate(self.case.channels):
            records = [row for row in rows if row.name == name]
            if not records:
                continue
            best = rank if best is None else best
            if self.case.priority == "strict" and rank != best:
                records = [row for row in records if any(spec.channel and spec.matches(row) for spec in specs)]
            found += [(row, rank) for row in records]
        there = None if self.case.keep == "ignore" else next((r for r in self.case.installed if r.name == name), None)
        if there is None:
            return found
        urls = [rows[0].channel if rows else "" for rows in self.case.channels]
        rank = urls.index(there.channel) if there.channel in urls else best or 0
        return [(there, rank), *(pair for pair in found if pair[0].sha256 != there.sha256)]

    def _answers(self) -> Iterator[Answer]:
        """All sets that are sound and hold nothing that isn't needed."""
        choices = [[None, *(row for row, _ in rows)] for rows in self.rows.values()]
        seen = set()
        for picked in product(*choices):
            needed = self._needed({record.name: record for record in picked if record is not None})
            if needed is not None and self._sound(needed):
                key = tuple(sorted((name, record.dist, getattr(record, "url", "")) for name, record in needed.items()))
                if key not in seen:
                    seen.add(key)
                    yield needed

    def _needed(self, picked: Chosen) -> Answer | None:
        """What the request needs of a choice; None if it does not have it."""
        needed: Answer = {r.name: picked[r.name] for r in (*self.anew, *self.kept) if r.name in picked}
        groups = {
            (r.name, extra)
            for r in (*self.anew, *self.kept)
            for t in r.requested_specs
            for extra in MatchSpec.parse(t).extras
        }
        while True:
            size = len(needed) + len(groups)
            for spec in self._demands(needed, groups):
                if spec.when is not None and not self._holds(spec.when, needed):
                    continue
                name = spec.name or ""
                if name.startswith("__"):
                    if not any(spec.matches(fact) for fact in self.case.virtual):
                        return None
                    continue
                found = picked.get(name)
                if found is None or not spec.matches(found):
                    return None
                needed[name] = found
                groups |= {(name, extra) for extra in spec.extras}
            if len(needed) + len(groups) == size:
                return needed

    def _demands(self, needed: Chosen, groups: set[tuple[str, str]]) -> list[MatchSpec]:
        texts = [text for record in needed.values() for text in record.depends]
        texts += [t for name, g in groups if name in needed for t in needed[name].extra_depends.get(g, ())]
        return [*self.case.parsed, *map(MatchSpec.parse, texts)]

    def _holds(self, condition: Condition, there: Chosen) -> bool:
        if isinstance(condition, Joined):
            parts = [self._holds(part, there) for part in condition.parts]
            return all(parts) if condition.operator == "and" else any(parts)
        return any(condition.matches(record) for record in (*there.values(), *self.case.virtual))

    def _sound(self, there: Answer) -> bool:
        limits = [*self.case.pinned, *(text for record in there.values() for text in record.constrains)]
        return all(self._allows(MatchSpec.parse(text), there) for text in limits) and self._keeps(there)

    def _allows(self, spec: MatchSpec, there: Chosen) -> bool:
        if spec.when is not None and not self._holds(spec.when, there):
            return True
        facts = [fact for fact in self.case.virtual if fact.name == spec.name]
        if facts:
            return any(spec.matches(fact) for fact in facts)
        found = there.get(spec.name or "")
        return found is None or spec.matches(found)

    def _keeps(self, there: Chosen) -> bool:
        """What must become of what is installed."""
        if self.gone & there.keys():
            return False
        for record in (*self.kept, *self.anew):
            now = there.get(record.name)
            changed = any(not s.matches(record) for s in self.case.parsed if s.name == record.name)
            if record in self.kept:
                if self.case.keep == "freeze" and not changed:
                    if now is not record:
                        return False
                elif self.gone and now not in (None, record):
                    return False
            if now is None and not self.case.allow_uninstall:
                return False
            older = now is not None and Version.parse(now.version) < Version.parse(record.version)
            if older and not changed and not self.case.allow_downgrade:
                return False
        return True

    # --- what is best

    def best(self) -> Answer | None:
        answers = list(self._answers())
        if not answers:
            return None
        stays = [r.name for r in (*self.anew, *self.kept)]
        for name in stays:
            answers = [a for a in answers if name in a] or answers
        for name in stays:
            answers = self._best(answers, name, self._version_key)
        met: list[str] = []
        layer = self._first_layer()
        while layer:
            met += layer
            for name in layer:
                answers = self._best(answers, name, self._version_key)
            if any("python" in self._below(name, answers, self._version_key) for name in layer):
                answers = self._best(answers, "python", self._version_key)
            for name in layer:
                answers = self._best(answers, name, self._build_key)
            below = {other for name in layer for other in self._below(name, answers, self._build_key)}
            layer = sorted(below - set(met))
        for name in met:
            answers = self._best(answers, name, self._exact_key)
        assert len(answers) == 1
        return answers[0]

    def _first_layer(self) -> list[str]:
        layer = [r.name for r in self.kept]
        for spec in self.case.parsed:
            if not self._never(spec):
                layer += [spec.name or "", *(f"{spec.name}[{extra}]" for extra in spec.extras)]
        for record in (*self.kept, *self.anew):
            layer += [
                f"{record.name}[{extra}]" for text in record.requested_specs for extra in MatchSpec.parse(text).extras
            ]
        layer += [spec.name or "" for spec in self.case.parsed]
        layer += [r.name for r in self.anew]
        return [name for name in dict.fromkeys(layer) if not name.startswith("__")]

    def _version_key(self, record: PackageRecord, channel: int) -> Key:
        version = Version.parse(record.version).key
        place = 0 if self.case.priority == "disabled" else -channel
        first = (record is self.preferred.get(record.name), place)
        return (*first, record.name in self.by_name or not record.feature_names, version)

    def _build_key(self, record: PackageRecord, channel: int) -> Key:
        return (*self._version_key(record, channel), -len(record.feature_names), record.build_number)

    def _exact_key(self, record: PackageRecord, channel: int) -> Key:
        arch = record.noarch_type is None
        fn = getattr(record, "fn", "")
        return (
            *self._build_key(record, channel),
            record.timestamp_ms,
            arch,
            -channel,
            tuple(-ord(c) for c in f"{fn}~"),
        )

    def _keys(self, name: str, key: Callable[[PackageRecord, int], Key]) -> dict[int, Key]:
        return {id(record): key(record, channel) for record, channel in self.rows.get(name, ())}

    def _best(self, answers: list[Answer], name: str, key: Callable[[PackageRecord, int], Key]) -> list[Answer]:
        """The answers that have the best candidate of a name, or do without it where that is possible."""
        keys = self._keys(name, key)
        best = max(keys.values(), default=())
        values = [keys[id(answer[name])] if name in answer else best for answer in answers]
        top = max(values)
        return [answer for answer, value in zip(answers, values, strict=True) if value == top]

    def _below(self, name: str, answers: list[Answer], key: Callable[[PackageRecord, int], Key]) -> Iterator[str]:
        """What the candidates of the settled class may depend on; the best class if the package can be done without."""
        name, _, group = name.removesuffix("]").partition("[")
        keys = self._keys(name, key)
        top = max(keys.values(), default=())
        settled = max(keys[id(answer[name])] if name in answer else top for answer in answers)
        for record, _ in self.rows.get(name, ()):
            if keys[id(record)] == settled:
                for text in record.extra_depends.get(group, ()) if group else record.depends:
                    spec = MatchSpec.parse(text)
                    if not (spec.name or "").startswith("__") and not self._never(spec):
                        yield spec.name or ""
                        yield from (f"{spec.name}[{extra}]" for extra in spec.extras if self.rows.get(spec.name or ""))

    def _never(self, spec: MatchSpec) -> bool:
        return spec.when is not None and not self._may_hold(spec.when)

    def _may_hold(self, condition: Condition) -> bool:
        """Whether a condition can hold at all, by the facts and by what there is."""
        if isinstance(condition, Joined):
            parts = [self._may_hold(part) for part in condition.parts]
            return all(parts) if condition.operator == "and" else any(parts)
        rows = [record for record, _ in self.rows.get(condition.name or "", ())]
        return any(condition.matches(record) for record in (*rows, *self.case.virtual))
