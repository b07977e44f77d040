"""Which ranks a spec matches, as intervals.

Rule of this file: one version is asked once, a record's head only where the spec says more than a version, and the
record itself only where it says more than that.
"""

from __future__ import annotations

from bisect import bisect_left

from engine.model.match_spec import MatchSpec
from engine.model.version_spec import VersionSpec
from engine.solve.candidates import Candidates, Interval
from engine.solve.fits import spec_matches


def ranks_matching(candidates: Candidates, spec: MatchSpec) -> tuple[Interval, ...]:
    """The ranks of the candidates that ``spec`` matches, best first, neighbours joined."""
    found: list[Interval] = []
    plain, starts = _is_plain(spec), candidates.group_starts
    for start, stop in _group_runs(candidates, spec.version):
        first, after = starts[start], starts[stop]
        if plain and spec.build is None:
            _join(found, first, after)
        elif plain and spec.build:
            # a build shows in the head of a record; that most are not looked at whole is what makes deep channels fast
            for rank, build in enumerate(candidates.builds(first, after), first):
                if spec.build.matches(build):
                    _join(found, rank, rank + 1)
        else:
            for rank in range(first, after):
                if spec_matches(spec, candidates.records[rank]):
                    _join(found, rank, rank + 1)
    return tuple(found)


def _group_runs(candidates: Candidates, version: VersionSpec | None) -> list[Interval]:
    """Runs of groups whose version meets a constraint, in order: found by bisection unless it looks at the text."""
    if version is None:
        count = len(candidates.group_starts) - 1
        return [(0, count)] if count > 0 else []
    if version.bounds is None:
        return [(place, place + 1) for place, group in enumerate(candidates.groups) if version.matches(group.version)]
    found = []
    for stretch in candidates.stretches:
        places = [stretch.stop - bisect_left(stretch.keys, bound) for bound in version.bounds]
        found += [(start, stop) for stop, start in zip(places[::2], places[1::2], strict=True) if start < stop]
    return sorted(found)


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


def _is_plain(spec: MatchSpec) -> bool:
    """Whether a spec says nothing that counts for matching but a name, a version and a build."""
    others = (spec.name_matcher, spec.channel, spec.subdir, spec.url, spec.fn)
    return not spec.has_rare_fields and others == _NOTHING


_NOTHING = (None,) * 5
