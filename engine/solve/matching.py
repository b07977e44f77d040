"""Which ranks a spec matches, as intervals.

Rule of this file: one version is asked once, and a record only where the spec says more than a version.
"""

from __future__ import annotations

from typing import TypeAlias

from engine.model.match_spec import MatchSpec
from engine.solve.index import Candidates

Interval: TypeAlias = "tuple[int, int]"
"""Ranks from the first to before the second."""


def ranks_matching(candidates: Candidates, spec: MatchSpec) -> tuple[Interval, ...]:
    """The ranks of the candidates that ``spec`` matches, best first, neighbours joined."""
    found: list[Interval] = []
    version, plain = spec.version, _only_version(spec)
    for group in candidates.groups:
        if version is not None and not version.matches(group.version):
            continue
        if plain:
            _join(found, group.start, group.stop)
            continue
        for rank in range(group.start, group.stop):
            if spec.matches(candidates.records[rank]):
                _join(found, rank, rank + 1)
    return tuple(found)


def _join(found: list[Interval], start: int, stop: int) -> None:
    if found and found[-1][1] == start:
        found[-1] = (found[-1][0], stop)
    else:
        found.append((start, stop))


def matches_name(spec: MatchSpec, name: str) -> bool:
    """Whether a spec may mean packages of this name."""
    if spec.exact_name is not None:
        return spec.exact_name == name
    return spec.name_matcher is None or spec.name_matcher.matches(name)


def _only_version(spec: MatchSpec) -> bool:
    """Whether a spec says nothing that counts for matching but a name and a version."""
    return spec.build is None and spec.with_(name=None, version=None, extras=(), when=None) == _ANY


_ANY = MatchSpec()
