"""Two answers to one request, held against each other by the order of docs/solver.md. Shares no code with the solver.

Rule of this file: it walks the order as it is written down, layer by layer, and stops at the first place where the
answers differ. Whoever is better there is the better answer, so each difference has one reason and a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.model.version import Version

Answer: TypeAlias = Mapping[str, PackageRecord]
"""By name."""
Family: TypeAlias = Callable[[str], Sequence[PackageRecord]]
"""All candidates of a name."""
Side = Literal["ours", "theirs"]


@dataclass(frozen=True)
class Difference:
    """The first place, by our order, where two answers differ."""

    package: str
    layer: int
    """How far from the request: 0 is what was asked for."""
    what: str
    """What decided: absence, track_features, version, build number, timestamp, noarch, file name."""
    better: Side
    near_ours: tuple[str, ...] = ()
    """The packages as near to the request as that one whose version is newer in ours."""
    near_theirs: tuple[str, ...] = ()


def requested_names(specs: Sequence[str]) -> list[str]:
    """The plain names that specs ask for, in order."""
    names = (MatchSpec.parse(spec).exact_name for spec in specs)
    return [name for name in dict.fromkeys(names) if name is not None and not name.startswith("__")]


def older_request(ours: Answer, theirs: Answer, names: Sequence[str]) -> str | None:
    """The requested package, first in the order of the request, in which ours is older: None if it is newer before."""
    for name in names:
        if name in ours and name in theirs:
            mine, other = _version(ours[name]), _version(theirs[name])
            if mine != other:
                return name if mine < other else None
    return None


def dominated(ours: Answer, theirs: Answer) -> list[str]:
    """The packages in which theirs is newer, if in no common package ours is."""
    pairs = {name: (_version(ours[name]), _version(theirs[name])) for name in ours.keys() & theirs.keys()}
    if any(mine > other for mine, other in pairs.values()):
        return []
    return sorted(name for name, (mine, other) in pairs.items() if mine < other)


def newer(ours: Answer, theirs: Answer, names: Iterable[str]) -> list[str]:
    """The packages among some that both have and of which ours is newer."""
    both = (name for name in names if name in ours and name in theirs)
    return sorted(name for name in both if _version(ours[name]) > _version(theirs[name]))


def same_versions(ours: Answer, theirs: Answer) -> bool:
    """Whether both have the same names and versions."""
    return ours.keys() == theirs.keys() and all(_version(ours[name]) == _version(theirs[name]) for name in ours)


def first_difference(ours: Answer, theirs: Answer, asked: Sequence[str], family: Family) -> Difference | None:
    """Where the order tells the answers apart; None if they are equal as far as it goes."""
    met: dict[str, int] = {}
    layer = list(asked)
    while layer:
        depth = max(met.values(), default=-1) + 1
        met.update(dict.fromkeys(layer, depth))
        python = ["python"] if "python" not in met and _needs_python(ours, layer, depth == 0, family) else []
        for key, names in ((_version_key, [*layer, *python]), (_build_key, layer)):
            for name in names:
                found = _differ(ours, theirs, name, met.get(name, depth + 1), family, key)
                if found is not None:
                    mine, peers = newer(ours, theirs, layer), newer(theirs, ours, layer)
                    return replace(found, near_ours=tuple(mine), near_theirs=tuple(peers))
        below = {other for name in layer for other in _below(ours, theirs, name, family, depth == 0)}
        layer = sorted(below - met.keys())
    for name, depth in met.items():
        found = _differ(ours, theirs, name, depth, family, _exact_key)
        if found is not None:
            return found
    return None


def _needs_python(ours: Answer, layer: Sequence[str], asked: bool, family: Family) -> bool:
    """Whether a candidate of a version that was settled depends on python."""
    settled = {name: _version_key(ours[name], asked) for name in layer if name in ours}
    return any(
        "python" in _names(record)
        for name, key in settled.items()
        for record in family(name)
        if _version_key(record, asked) == key
    )


Keys: TypeAlias = "tuple[tuple[str, Any], ...]"
"""What counts, in order: (what it is called, a value of which greater is better)."""


def _version_key(record: PackageRecord, asked: bool) -> Keys:
    plain = ("track_features", asked or not record.feature_names)
    return (plain, ("version", _version(record)))


def _build_key(record: PackageRecord, asked: bool) -> Keys:
    features = ("track_features", -len(record.feature_names))
    return (*_version_key(record, asked), features, ("build number", record.build_number))


def _exact_key(record: PackageRecord, asked: bool) -> Keys:
    name = tuple(-ord(char) for char in f"{getattr(record, 'fn', '')}~")
    tail = (("timestamp", record.timestamp_ms), ("noarch", record.noarch_type is None), ("file name", name))
    return (*_build_key(record, asked), *tail)


def _differ(
    ours: Answer, theirs: Answer, name: str, depth: int, family: Family, key: Callable[[PackageRecord, bool], Keys]
) -> Difference | None:
    one, other = ours.get(name), theirs.get(name)
    if one is None and other is None:
        return None
    asked = depth == 0
    best = max((key(record, asked) for record in family(name)), default=None)
    mine = best if one is None else key(one, asked)
    peer = best if other is None else key(other, asked)
    if mine is None or peer is None:  # not among the candidates: nothing to tell them apart by
        return None
    for (what, here), (_, there) in zip(mine, peer, strict=True):
        if here != there:
            label = f"without it, or {what}" if one is None or other is None else what
            return Difference(name, depth, label, "ours" if here > there else "theirs")
    return None


def _below(ours: Answer, theirs: Answer, name: str, family: Family, asked: bool) -> Iterator[str]:
    """What the candidates of the class depend on that both answers agree upon."""
    records = family(name)
    there = ours.get(name) or theirs.get(name)
    if there is None or (name in ours) != (name in theirs):
        settled = max((_build_key(record, asked) for record in records), default=())
    else:
        settled = _build_key(there, asked)
    for record in records:
        if _build_key(record, asked) == settled:
            yield from _names(record)
            if record.name == "python" and family("pip"):
                yield "pip"


def _names(record: PackageRecord) -> Iterator[str]:
    for text in record.depends:
        try:
            name = MatchSpec.parse(text).exact_name
        except ParseError:
            continue
        if name is not None and not name.startswith("__"):
            yield name


def _version(record: PackageRecord) -> Version:
    return Version.parse(record.version)
