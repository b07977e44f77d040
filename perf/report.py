"""From runs to RESULTS.md: medians, ratios, phases, memory, and the command that made them."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from perf.contenders import EVERYONE, RATTLER, Contender
from perf.measure import Run
from perf.sections import put

Runs = Mapping[tuple[str, str], Sequence[Run]]
_WHAT = {"cold": "empty caches", "warm": "full caches"}


def write_report(path: Path, runs: Runs, *, files: int, differing: Sequence[str], words: Sequence[str]) -> None:
    """Write the report."""
    rounds = len(next(iter(runs.values())))
    lines = [
        "## Creating an environment",
        "",
        f"Made by `{' '.join(('python -m perf.create', *words))}` (what is measured: [README.md](README.md)).",
        f"An environment of {files:,} files, {rounds} rounds, medians; CPython {platform.python_version()}, "
        f"py-rattler {version('py-rattler')}, {platform.system()} on {os.cpu_count()} processors.",
        "",
        *_comparison(runs),
        "",
        "### Phases",
        "",
        "Seconds by the contender's own clock; phases of one contender may overlap, and name its own stages.",
        "",
        *_phases(runs),
        "",
        "### Equality",
        "",
        *_equality(differing),
    ]
    put(path, "create", lines)


def _comparison(runs: Runs) -> list[str]:
    rows = ["| | | seconds | (least – most) | ratio to py-rattler | processor seconds | peak memory |",
            "|---|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    for heat, what in _WHAT.items():
        base = statistics.median(run.seconds for run in runs[RATTLER.name, heat])
        for contender in EVERYONE:
            rows.append(_row(f"{heat} ({what})", contender.name, runs[contender.name, heat], base))
    return rows


def _row(label: str, name: str, found: Sequence[Run], base: float) -> str:
    seconds = [run.seconds for run in found]
    middle = statistics.median(seconds)
    cpu = statistics.median(run.cpu_seconds for run in found)
    memory = max(run.rss for run in found) / 1e6
    return (
        f"| {label} | {name} | {middle:.2f} | {min(seconds):.2f} – {max(seconds):.2f} | {middle / base:.2f} | "
        f"{cpu:.2f} | {memory:.0f} MB |"
    )


def _phases(runs: Runs) -> list[str]:
    rows = ["| | | phases |", "|---|---|---|"]
    for heat in _WHAT:
        for contender in EVERYONE:
            rows.append(f"| {heat} | {contender.name} | {_medians(contender, runs[contender.name, heat])} |")
    return rows


def _medians(contender: Contender, found: Sequence[Run]) -> str:
    each = [contender.phases(run.output) for run in found]
    names = list(dict.fromkeys(name for phases in each for name in phases))
    return " · ".join(
        f"{name} {statistics.median(phases[name] for phases in each if name in phases):.2f}" for name in names
    )


def _equality(differing: Sequence[str]) -> list[str]:
    if not differing:
        return ["Both environments are equal file for file (path, type, mode, sha256) and run; entry points have the",
                "same names and modes, their texts are each program's own."]  # fmt: skip
    shown = [f"- `{path}`" for path in differing[:50]]
    return [f"The environments differ at {len(differing)} paths:", "", *shown]
