"""From runs of `perf.solve` to its part of RESULTS.md and the plot beside it."""

from __future__ import annotations

import importlib.util
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from perf.measure import Run
from perf.sections import put

PEER = "py-rattler"


@dataclass(frozen=True)
class Scenario:
    """What is measured: on which channel, and with which caches."""

    kind: str
    heat: str

    @property
    def title(self) -> str:
        return f"{self.kind}, {self.heat}"


Runs = Mapping[tuple[Scenario, str], Sequence[Run]]


def write_report(path: Path, runs: Runs, *, origins: Mapping[str, str], words: Sequence[str]) -> None:
    """Replace the part "solve" of the file, and the plot beside it."""
    rounds = len(next(iter(runs.values())))
    lines = [
        "## From the shell to the plan (`create --dry-run`)",
        "",
        f"Made by `{' '.join(('python -m perf.solve', *words))}` (what is measured: [README.md](README.md)); "
        f"{rounds} rounds, medians of whole processes; CPython {platform.python_version()}, "
        f"py-rattler {version('py-rattler')}, {platform.system()} on {os.cpu_count()} processors.",
        "",
        *(f"- *{kind}*: {origin}" for kind, origin in origins.items()),
        "",
        "| | | seconds | (least – most) | ratio to py-rattler | processor seconds | peak memory |",
        "|---|---|---:|---:|---:|---:|---:|",
        *(_row(scenario, name, found, runs) for (scenario, name), found in runs.items()),
    ]
    if importlib.util.find_spec("matplotlib"):
        _plot(path.with_name("solve.svg"), runs)
        lines += ["", "![Seconds and peak memory](solve.svg)"]
    put(path, "solve", lines)


def _row(scenario: Scenario, name: str, found: Sequence[Run], runs: Runs) -> str:
    seconds = [run.seconds for run in found]
    middle = statistics.median(seconds)
    base = statistics.median(run.seconds for run in runs[scenario, PEER])
    cpu = statistics.median(run.cpu_seconds for run in found)
    memory = max(run.rss for run in found) / 1e6
    return (
        f"| {scenario.title} | {name} | {middle:.2f} | {min(seconds):.2f} – {max(seconds):.2f} | "
        f"{middle / base:.2f} | {cpu:.2f} | {memory:.0f} MB |"
    )


def _plot(path: Path, runs: Runs) -> None:
    """Bars side by side: seconds on the left, peak memory on the right."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "whipsnake"  # the same numbers give the same file
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    _bars(left, runs, "seconds (median)", lambda found: statistics.median(run.seconds for run in found))
    _bars(right, runs, "peak memory in MB", lambda found: max(run.rss for run in found) / 1e6)
    left.legend()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _bars(axes: Any, runs: Runs, label: str, value: Any) -> None:
    scenarios = list(dict.fromkeys(scenario for scenario, _ in runs))
    names = list(dict.fromkeys(name for _, name in runs))
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        places = [place + number * width for place in range(len(scenarios))]
        bars = axes.bar(places, [value(runs[scenario, name]) for scenario in scenarios], width, label=name)
        axes.bar_label(bars, fmt="%.3g", fontsize=7)
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(scenarios))])
    axes.set_xticklabels([scenario.title.replace(", ", "\n", 1) for scenario in scenarios], fontsize=8)
    axes.set_ylabel(label)
