"""Lists and ranges in plain words, for messages of the solver.

Rule of this file: short. Whoever reads wants the gist, so long lists end in "…".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from engine.model.condition import Condition, Joined
from engine.model.match_spec import MatchSpec
from engine.model.url import mask_secrets
from engine.solve.candidates import Candidates, Interval, VersionGroup

MAX_RANGES = 3
_DIGITS = re.compile(r"([0-9]+)")


def listed(words: Sequence[str], conjunction: str = "and") -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def in_order(words: Iterable[str]) -> list[str]:
    """Sorted as people count: ``2`` before ``10``."""
    return sorted(words, key=lambda word: ([part.zfill(18) for part in _DIGITS.split(word)], word))


def shortened(words: Sequence[str], most: int, separator: str = " | ") -> str:
    """The first few words."""
    more = [f"… ({len(words) - most} more)"] if len(words) > most else []
    return separator.join([*words[:most], *more])


def spec_text(spec: MatchSpec) -> str:
    """A spec as people write it, ``name version build`` where that says all of it; without secrets."""
    bare = spec.with_(when=None, extras=(), flags=())
    plain = bare.to_conda_build_form()
    text = plain if MatchSpec.parse(plain) == bare else mask_secrets(str(bare))
    lists = ((key, values) for key, values in (("extras", spec.extras), ("flags", spec.flags)) if values)
    pairs = ",".join(f"{key}=[{','.join(values)}]" for key, values in lists)
    if pairs:
        text = f"{text[:-1]},{pairs}]" if text.endswith("]") else f"{text}[{pairs}]"
    return text if spec.when is None else f"{text} if {condition_text(spec.when)}"


def condition_text(condition: Condition) -> str:
    """A condition (CEP 43) in the same words."""
    if not isinstance(condition, Joined):
        return spec_text(condition)
    parts = (
        f"({condition_text(part)})"
        if isinstance(part, Joined) and condition.operator == "and"
        else condition_text(part)
        for part in condition.parts
    )
    return f" {condition.operator} ".join(parts)


def version_ranges(candidates: Candidates, ranks: Iterable[Interval]) -> str:
    """The versions of some ranks, oldest first; neighbours among all versions of the package as one range."""
    versions = sorted({group.version for group in candidates.groups}, key=lambda version: version.key)
    places = {version: place for place, version in enumerate(versions)}
    wanted = {group.version for group in _groups_in(candidates, ranks)}
    runs: list[list[int]] = []
    for place in sorted(places[version] for version in wanted):
        if runs and runs[-1][1] == place - 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    texts = [str(versions[first]) if first == last else f"{versions[first]}–{versions[last]}" for first, last in runs]
    return shortened(texts, MAX_RANGES, ", ")


def covers(candidates: Candidates, ranks: Iterable[Interval]) -> bool:
    """Whether some ranks are all candidates of their versions."""
    chosen = sorted(ranks)
    versions = {group.version for group in _groups_in(candidates, chosen)}
    wanted = {
        rank for group in candidates.groups if group.version in versions for rank in range(group.start, group.stop)
    }
    return wanted <= {rank for start, stop in chosen for rank in range(start, stop)}


def _groups_in(candidates: Candidates, ranks: Iterable[Interval]) -> Iterator[VersionGroup]:
    """The groups that have a candidate among some ranks."""
    rest = iter(candidates.groups)
    group = next(rest, None)
    for start, stop in sorted(ranks):
        while group is not None and group.stop <= start:
            group = next(rest, None)
        while group is not None and group.start < stop:
            yield group
            if group.stop > stop:
                break
            group = next(rest, None)
