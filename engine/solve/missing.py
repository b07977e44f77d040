"""What was asked for and isn't there: found before the search, with what may have been meant.

Rule of this file: a spec is missing if no candidate at all matches it, whatever else is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nsmallest

from engine.errors import PackagesNotFound
from engine.model.match_spec import MatchSpec
from engine.solve.fits import spec_matches
from engine.solve.index import Candidates, PackageIndex
from engine.solve.matching import matches_name, ranks_matching
from engine.solve.request import Request
from engine.solve.task import SolveTask
from engine.solve.wording import listed, spec_text, version_ranges

MAX_SUGGESTIONS = 3


def check_names(task: SolveTask, request: Request, index: PackageIndex) -> None:
    """Raises `PackagesNotFound` if a spec of the request has no candidate."""
    missing = [spec for spec in request.specs if not _is_there(spec, task, index)]
    if not missing:
        return
    where = searched(task)
    lines = [_line(spec, task, index, where) for spec in missing]
    if len(missing) == 1:
        message = f"Could not find {lines[0]}"
    else:
        message = "\n".join(["Could not find these packages:", *(f"  - {line}" for line in lines)])
    raise PackagesNotFound(message, hint=_hint(task, missing, index), data=_data(task, missing, index, where))


def searched(task: SolveTask) -> dict[str, list[str]]:
    """The channels looked in, in order, each with its subdirs."""
    found: dict[str, list[str]] = {}
    for rows in task.repodata:
        found.setdefault(rows.channel.name, []).append(rows.subdir)
    return found


def _is_there(spec: MatchSpec, task: SolveTask, index: PackageIndex) -> bool:
    name = spec.exact_name
    if spec.when is not None:
        return True  # it may not count at all; the search finds out
    if name is None:
        names = (name for name in sorted(index.names()) if matches_name(spec, name))
        return any(ranks_matching(index.candidates(name), spec) for name in names)
    if name.startswith("__"):
        return any(spec_matches(spec, fact) for fact in task.virtual)
    return bool(ranks_matching(index.candidates(name), spec))


def _line(spec: MatchSpec, task: SolveTask, index: PackageIndex, where: dict[str, list[str]]) -> str:
    name = spec.exact_name
    if name is not None and name.startswith("__"):
        return f"{spec_text(spec)}: {machine_has(task, name)}"
    candidates = index.candidates(name) if name else None
    if candidates and candidates.records:
        versions = version_ranges(candidates, [(0, len(candidates.records))])
        return f"{spec_text(spec)}: there is {name} {versions}{_left_out(candidates)} in {_places(where)}"
    meant = did_you_mean(name, index.names()) if name else []
    tail = f". Did you mean {listed(meant, 'or')}?" if meant else ""
    return f"{spec_text(spec)} in {_places(where)}{tail}"


def _left_out(candidates: Candidates) -> str:
    if not candidates.held_back:
        return ""
    return f" (and more in {listed(candidates.held_back)}, not looked at because of strict channel priority)"


def machine_has(task: SolveTask, name: str) -> str:
    """What is known of a virtual package."""
    facts = [fact.version for fact in task.virtual if fact.name == name]
    return f"this machine has {name} {listed(facts)}" if facts else f"this machine has no {name}"


def _places(where: dict[str, list[str]]) -> str:
    if not where:
        return "no channel at all"
    return listed([f"{channel} ({', '.join(subdirs)})" for channel, subdirs in where.items()])


def _hint(task: SolveTask, missing: Sequence[MatchSpec], index: PackageIndex) -> str:
    if not task.repodata:
        return "Name a channel, as with `-c conda-forge`."
    if any((spec.exact_name or "").startswith("__") for spec in missing):
        return "Names that begin with two underscores are facts of the machine; CONDA_OVERRIDE_… variables change them."
    if all(spec.exact_name and index.has(spec.exact_name) for spec in missing):
        return "Ask for a version and build that are there, or add the channel that has them with `-c CHANNEL`."
    return "Check the spelling, or add the channel that has it with `-c CHANNEL`."


def _data(
    task: SolveTask, missing: Sequence[MatchSpec], index: PackageIndex, where: dict[str, list[str]]
) -> dict[str, object]:
    packages = [
        {
            "spec": spec_text(spec),
            "name": spec.exact_name,
            "exists": bool(spec.exact_name and index.has(spec.exact_name)),
            "did_you_mean": did_you_mean(spec.exact_name, index.names()) if spec.exact_name else [],
        }
        for spec in missing
    ]
    channels = [{"channel": channel, "subdirs": subdirs} for channel, subdirs in where.items()]
    return {"packages": packages, "channels": channels}


def did_you_mean(name: str, known: Iterable[str]) -> list[str]:
    """The nearest known names by edit distance, at most a third of the name's length away."""
    limit = max(1, min(3, len(name) // 3))
    near = ((distance(name, other, limit), other) for other in known if abs(len(other) - len(name)) <= limit)
    return [other for found, other in nsmallest(MAX_SUGGESTIONS, (pair for pair in near if 0 < pair[0] <= limit))]


def distance(one: str, other: str, limit: int) -> int:
    """How many letters must be changed, added, dropped or swapped with a neighbour; ``limit + 1`` if more than that."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, target in enumerate(other, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != target))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == target:
                best = min(best, before_last[j - 2] + 1)
            row.append(best)
        if min(row) > limit:
            return limit + 1
        before_last, last = last, row
    return min(last[-1], limit + 1)
