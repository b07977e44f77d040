"""From runs to RESULTS.md: medians, ratios, phases, memory, system calls, and the command that made them."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perf.contenders import RATTLER, WHIPSNAKE, WHIPSNAKE_PLAIN, Contender, everyone
from perf.measure import Run
from perf.scenarios import SCENARIOS
from perf.sections import put

if TYPE_CHECKING:
    from perf.syscalls import Calls
    from tests.kit.tree import Entry

Runs = Mapping[tuple[str, str], Sequence[Run]]
_FLOORS = {"warm": "floor: `cp -al` of the same files", "cold": "floor: `bsdtar` of the same archives"}
_FAR_FLOORS = {**_FLOORS, "cold": "floor: the bytes on the wire"}


@dataclass(frozen=True)
class Facts:
    """What was measured."""

    channel: str
    rounds: int
    words: Sequence[str]
    server: str
    archives: int
    bytes: int
    apart: str = ""
    """The contender for whose sake the table is one of its own."""


def write_report(
    path: Path,
    runs: Runs,
    facts: Facts,
    *,
    trees: Mapping[str, Mapping[str, Entry]],
    left: Mapping[tuple[str, str], frozenset[str]],
    calls: Mapping[tuple[str, str], Calls],
    floors: Mapping[str, float],
    differing: Sequence[str],
) -> None:
    """Write the part of the report that belongs to the channel, and its plot beside it."""
    files = max((len(tree) for tree in trees.values()), default=0)
    far = any(word in facts.words for word in ("--latency", "--bandwidth"))
    changing = {scenario for _, scenario in runs} <= CHANGING
    words = ["change" if changing else "create", facts.channel, *(["far"] if far else []), facts.apart]
    part = "-".join(filter(None, words))
    what = "Changing an environment" if changing else "Creating and changing an environment"
    lines = [
        f"## {what} ({_TITLES[facts.channel]}{', far away' if far else ''})"
        + (f", {facts.apart} among them" if facts.apart else ""),
        "",
        f"Made by `{' '.join(('python -m perf.create', *facts.words))}` (what is measured: [README.md](README.md)).",
        f"The channel has {facts.archives} archives ({facts.bytes / 1e6:,.0f} MB), served by {facts.server}"
        + (f"; the\nenvironment has {files:,} files besides records and bytecode." if files else ".")
        + f" {facts.rounds} rounds, medians;",
        f"CPython {platform.python_version()}, py-rattler {version('py-rattler')}, {platform.system()} on "
        f"{os.cpu_count()} processors.",
        "",
        *_comparison(runs, floors, far),
        "",
        *([] if facts.apart else _plot(path, part, runs)),
        *_phases(runs),
        *_calls(calls),
        *_equality(differing, trees),
        *_left(left),
    ]
    put(path, part, lines)


CHANGING: Final = frozenset({"no-op", "remove", "update"})
"""Scenarios that begin with an environment. Measured alone, they have a part of the report to themselves."""
_TITLES = {"mixed": "a third of it in the older format", "conda": "`.conda` only", "made": "made packages"}


def _comparison(runs: Runs, floors: Mapping[str, float], far: bool) -> list[str]:
    rows = ["| | | seconds | (least – most) | to py-rattler | processor seconds | processors busy | peak memory |",
            "|---|---|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    named = _FAR_FLOORS if far else _FLOORS
    for scenario in SCENARIOS:
        base = median(runs.get((RATTLER.name, scenario.name), ()))
        for contender in everyone():
            found = runs.get((contender.name, scenario.name))
            if found:
                rows.append(_row(f"**{scenario.name}**: {scenario.what}", contender.name, found, base))
        if scenario.name in floors:
            ratio = f"{floors[scenario.name] / base:.2f}" if base else ""
            rows.append(f"| | {named[scenario.name]} | {floors[scenario.name]:.2f} | | {ratio} | | | |")
    return rows


def median(runs: Sequence[Run]) -> float:
    """Of the wall times; 0 if there are none."""
    return statistics.median(run.seconds for run in runs) if runs else 0.0


def _row(label: str, name: str, found: Sequence[Run], base: float) -> str:
    seconds = [run.seconds for run in found]
    middle = median(found)
    cpu = statistics.median(run.cpu_seconds for run in found)
    busy = statistics.median(run.cpu_seconds / run.seconds for run in found)
    memory = max(run.rss for run in found) / 1e6
    ratio = f"{middle / base:.2f}" if base else ""
    return (
        f"| {label} | {name} | {middle:.2f} | {min(seconds):.2f} – {max(seconds):.2f} | {ratio} | "
        f"{cpu:.2f} | {busy:.2f} | {memory:.0f} MB |"
    )


def _plot(path: Path, part: str, runs: Runs) -> list[str]:
    try:
        from perf.plots import bars
    except ImportError:
        return []
    picture = path.with_name(f"{part}.png")
    bars(picture, runs)
    return [f"![Seconds by scenario]({picture.name})", ""]


def _phases(runs: Runs) -> list[str]:
    rows = [
        "### Phases",
        "",
        "Seconds by the contender's own clock; phases may overlap.",
        "",
        "| | | phases |",
        "|---|---|---|",
    ]
    for scenario in SCENARIOS:
        for contender in (WHIPSNAKE, WHIPSNAKE_PLAIN, RATTLER):
            found = runs.get((contender.name, scenario.name))
            if found and scenario.name != "direct":
                rows.append(f"| {scenario.name} | {contender.name} | {_medians(contender, found)} |")
    return [*rows, ""]


def _medians(contender: Contender, found: Sequence[Run]) -> str:
    each = [contender.phases(run.output) for run in found]
    names = list(dict.fromkeys(name for phases in each for name in phases))
    return " · ".join(
        f"{name} {statistics.median(phases[name] for phases in each if name in phases):.2f}" for name in names
    )


def _calls(calls: Mapping[tuple[str, str], Calls]) -> list[str]:
    if not calls:
        return []
    rows = ["### System calls", "", "Of one run each. *Making*: files made, links, directories and renames.", "",
            "| | | all | making |", "|---|---|---:|---:|"]  # fmt: skip
    rows += [f"| {scenario} | {name} | {found.total:,} | {found.made:,} |" for (name, scenario), found in calls.items()]
    return [*rows, ""]


def _left(left: Mapping[tuple[str, str], frozenset[str]]) -> list[str]:
    """Whether a change left the same packages, whoever made it."""
    if not any(name == RATTLER.name for name, _ in left):
        return []
    rows = ["", "### What is there afterwards", ""]
    for scenario in dict.fromkeys(scenario for _, scenario in left):
        rows.append(f"- {scenario}: the {len(left[RATTLER.name, scenario])} packages that py-rattler leaves; they run.")
    others = [f"- But {line}." for _, line in otherwise_left(left)]
    return [*rows, *others]


def otherwise_left(left: Mapping[tuple[str, str], frozenset[str]]) -> Iterator[tuple[str, str]]:
    """Contenders that left other packages than py-rattler, each with what that is."""
    for (name, scenario), found in sorted(left.items()):
        expected = left.get((RATTLER.name, scenario), found)
        if found != expected:
            more, fewer = _counted(found - expected), _counted(expected - found)
            yield name, f"{scenario}, {name}: {more} more, {fewer} fewer"


def _counted(dists: Collection[str]) -> str:
    """How many, and the first of them."""
    return f"{len(dists)} ({', '.join(sorted(dists)[:5])})" if dists else "none"


def _equality(differing: Sequence[str], trees: Mapping[str, object]) -> list[str]:
    if RATTLER.name not in trees or WHIPSNAKE_PLAIN.name not in trees:
        return []
    if not differing:
        return ["### Equality", "", "Ours and py-rattler's are equal file for file (path, type, mode, sha256) and run;",
                "entry points have the same names and modes, but for who else may write them; their texts are each",
                "program's own."]  # fmt: skip
    shown = [f"- `{path}`" for path in differing[:50]]
    return ["### Equality", "", f"Ours and py-rattler's differ at {len(differing)} paths:", "", *shown]
