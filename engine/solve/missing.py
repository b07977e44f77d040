"""What was asked for and isn't there: found before the search, with what may have been meant.

Rule of this file: a spec is missing if no candidate at all matches it, whatever else is asked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from heapq import nsmallest

from engine.errors import PackagesNotFound, ParseError
from engine.model.match_spec import MatchSpec
from engine.model.version import Version
from engine.solve.candidates import Candidates
from engine.solve.fits import spec_matches
from engine.solve.index import PackageIndex
from engine.solve.matching import matches_name, ranks_matching
from engine.solve.request import Request
from engine.solve.task import SolveTask
from engine.solve.wording import in_order, listed, shortened, spec_text, version_ranges

ALONE = "Could not solve for environment specs. The following package could not be installed:"
SEVERAL = "Could not solve for environment specs. The following packages could not be installed:"
"""micromamba's words, which logs are searched for; so is "does not exist"."""
MAX_SUGGESTIONS = 3
MAX_BUILDS = 3
_FORMS = ("py{}", "python-{}", "{}-python", "lib{}", "r-{}", "{}-base", "scikit-{}")
"""How names of packages differ from what people call them."""
_FIRST_VERSION = re.compile(r"[0-9]+(?:[.][0-9a-z]+)*")


def check_names(task: SolveTask, request: Request, index: PackageIndex) -> None:
    """Raises `PackagesNotFound` if a spec of the request has no candidate."""
    missing = [spec for spec in request.specs if not _is_there(spec, task, index)]
    if not missing:
        return
    lines = [_line(spec, task, index) for spec in missing]
    message = "\n".join([ALONE if len(missing) == 1 else SEVERAL, *(f"  - {line}" for line in lines)])
    raise PackagesNotFound(message, hint=_hint(task, missing, index), data=_data(task, missing, index, lines))


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


def _line(spec: MatchSpec, task: SolveTask, index: PackageIndex) -> str:
    name = spec.exact_name
    if name is not None and name.startswith("__"):
        return f"{spec_text(spec)}: {machine_has(task, name)}"
    candidates = index.candidates(name) if name else None
    if candidates and candidates.records:
        there = f"{_what_there_is(spec, candidates)}{left_out(candidates)}"
        return f"{spec_text(spec)} does not exist: {there} in {places(task)}"
    meant = did_you_mean(name, index.names()) if name else []
    tail = f". Did you mean {listed(meant, 'or')}?" if meant else ""
    left = left_out(candidates) if candidates else ""
    return f"{spec_text(spec)} does not exist in {places(task)}{left}{tail}"


def _what_there_is(spec: MatchSpec, candidates: Candidates) -> str:
    """Of the right version but other builds, if there are such, else of other versions."""
    any_build = spec.with_(build=None, build_number=None, flags=(), md5=None, sha256=None, url=None, fn=None)
    ranks = ranks_matching(candidates, any_build)
    if not ranks or any_build == spec:
        return f"there is {candidates.name} {version_ranges(candidates, [(0, len(candidates.records))])}"
    records = [candidates.records[rank] for start, stop in ranks for rank in range(start, stop)]
    if spec.flags:
        flags = dict.fromkeys(flag for record in records for flag in record.flag_names)
        have = f"with the flags {shortened(in_order(flags), MAX_BUILDS, ', ')}" if flags else "without flags"
    else:
        have = f"in the builds {shortened(in_order({record.build for record in records}), MAX_BUILDS, ', ')}"
    return f"there is {candidates.name} {version_ranges(candidates, ranks)}, but only {have}"


def left_out(candidates: Candidates) -> str:
    """Of what more there would be."""
    notes = []
    if candidates.held_back:
        notes.append(f"more in {listed(candidates.held_back)}, not looked at because of strict channel priority")
    if candidates.too_new:
        notes.append(f"{candidates.too_new} too new for exclude_newer")
    return f" (and {', '.join(notes)})" if notes else ""


def machine_has(task: SolveTask, name: str) -> str:
    """What is known of a virtual package."""
    facts = [fact.version for fact in task.virtual if fact.name == name]
    return f"this machine has {name} {listed(facts)}" if facts else f"this machine has no {name}"


_SYSTEMS = {"__win": "Windows", "__osx": "macOS", "__linux": "Linux", "__unix": "Unix"}


def for_another_system(names: Iterable[str]) -> str:
    """A hint, if virtual packages are missing that belong to other operating systems."""
    systems = [_SYSTEMS[name] for name in names if name in _SYSTEMS]
    return f"It is for {listed(systems, 'or')}; --platform chooses another platform." if systems else ""


def places(task: SolveTask) -> str:
    """Where it was looked: ``conda-forge (linux-64, noarch)``."""
    where = searched(task)
    if not where:
        return "any channel: none is given"
    return listed([f"{channel} ({', '.join(subdirs)})" for channel, subdirs in where.items()])


def _hint(task: SolveTask, missing: Sequence[MatchSpec], index: PackageIndex) -> str:
    if not task.repodata:
        return "Name a channel, as with `-c conda-forge`."
    virtual = [spec.name for spec in missing if spec.name and spec.name.startswith("__")]
    if virtual:
        variables = listed([f"CONDA_OVERRIDE_{name[2:].upper()}" for name in virtual])
        return f"Names that begin with two underscores are facts of the machine; {variables} would change them."
    known = [(spec, index.candidates(spec.name)) for spec in missing if spec.name and index.has(spec.name)]
    if len(known) == len(missing):
        near = [text for spec, candidates in known if (text := _nearest(spec, candidates))]
        return f"{'; '.join(near) or 'Ask for what is there'}. Or add the channel that has it with `-c CHANNEL`."
    name = missing[0].name if len(missing) == 1 and missing[0].name else "NAME"
    return (
        "Check the spelling, or add the channel that has it with `-c CHANNEL`. "
        f"`whipsnake search {name} --platform PLATFORM` looks on another platform."
    )


def _nearest(spec: MatchSpec, candidates: Candidates) -> str:
    """The versions around the first that a spec names."""
    named = _FIRST_VERSION.search(str(spec.version or ""))
    if named is None or ranks_matching(candidates, MatchSpec(name=spec.name, version=spec.version)):
        return ""
    try:
        middle = Version.parse(named.group())
    except ParseError:
        return ""
    versions = sorted({group.version for group in candidates.groups})
    place = bisect_left(versions, middle)
    around = [str(version) for version in versions[max(0, place - 1) : place + 1]]
    return f"The nearest to {spec_text(spec)} {'are' if around[1:] else 'is'} {listed(around)}"


def _data(
    task: SolveTask, missing: Sequence[MatchSpec], index: PackageIndex, lines: Sequence[str]
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
    return {"solver_problems": list(lines), "packages": packages, "channels": channel_data(task)}


def channel_data(task: SolveTask) -> list[dict[str, object]]:
    """Where it was looked, for ``--json``."""
    return [{"channel": channel, "subdirs": subdirs} for channel, subdirs in searched(task).items()]


def did_you_mean(name: str, known: Collection[str]) -> list[str]:
    """Known names that may be meant: the same but for usual parts and signs (torch: pytorch), then the nearest by edit
    distance, at most a third of the name's length away."""
    plain = name.replace("_", "-").replace(".", "-")
    cut = (plain.removesuffix("-python"), plain.removeprefix("python-"), plain.removeprefix("py").lstrip("-"))
    added = (form.format(plain) for form in _FORMS)
    forms = (plain, plain.replace("-", "_"), plain.replace("-", ""), *cut, *added, re.sub("^sk", "scikit-", plain))
    usual = [form for form in dict.fromkeys(forms) if form != name and form in known]
    return list(dict.fromkeys([*usual, *_near(name, known)]))[:MAX_SUGGESTIONS]


def _near(name: str, known: Iterable[str]) -> list[str]:
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
