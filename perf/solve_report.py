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

OURS = "whipsnake"


@dataclass(frozen=True)
class Scenario:
    """What is measured: on which channel, and with which caches."""

    kind: str
    heat: str

    @property
    def title(self) -> str:
        return f"{self.kind}, {self.heat}"


Runs = Mapping[tuple[Scenario, str], Sequence[Run]]
Plans = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By channel and program: the version of each package that was asked for."""


def write_report(path: Path, runs: Runs, *, origins: Mapping[str, str], plans: Plans, words: Sequence[str]) -> None:
    """Replace the part "solve" of the file, and the plot beside it."""
    rounds = len(next(iter(runs.values())))
    lines = [
        "## From the shell to the plan (`create --dry-run`)",
        "",
        f"Made by `{' '.join(('python -m perf.solve', *words))}` (what is measured: [README.md](README.md)); "
        f"{rounds} rounds, medians of whole processes; CPython {platform.python_version()}, "
        f"py-rattler {version('py-rattler')}, {platform.system()} on {os.cpu_count()} processors. The ratio is that of "
        "whipsnake's time to the program's.",
        "",
        *(f"- *{kind}*: {origin}" for kind, origin in origins.items()),
        "",
        "| | | seconds | (least – most) | whipsnake / this | processor seconds | peak memory |",
        "|---|---|---:|---:|---:|---:|---:|",
        *(_row(scenario, name, runs) for scenario, name in _in_order(runs)),
        "",
        "The plans have all that was asked for, in these versions:",
        "",
        *(f"- *{kind}*: {_told(found)}" for kind, found in plans.items()),
    ]
    if importlib.util.find_spec("matplotlib"):
        _plot(path.with_name("solve.svg"), runs)
        lines += ["", "![Seconds and peak memory](solve.svg)"]
    put(path, "solve", lines)


def _in_order(runs: Runs) -> list[tuple[Scenario, str]]:
    """The rows of one scenario together, whoever went first."""
    scenarios = list(dict.fromkeys(scenario for scenario, _ in runs))
    return [(scenario, name) for scenario in scenarios for other, name in runs if other == scenario]


def _row(scenario: Scenario, name: str, runs: Runs) -> str:
    found = runs[scenario, name]
    seconds = [run.seconds for run in found]
    middle = statistics.median(seconds)
    ratio = statistics.median(run.seconds for run in runs[scenario, OURS]) / middle
    cpu = statistics.median(run.cpu_seconds for run in found)
    memory = f"{max(run.rss for run in found) / 1e6:.0f} MB"
    if any(run.stopped for run in found):
        cells = [f"over {middle:.0f}", "stopped", f"below {ratio:.3f}", f"over {cpu:.0f}", memory]
    else:
        spread = f"{min(seconds):.2f} – {max(seconds):.2f}"
        cells = [f"{middle:.2f}", spread, f"{ratio:.2f}", f"{cpu:.2f}", memory]
    return f"| {' | '.join((scenario.title, name, *cells))} |"


def _told(plans: Mapping[str, Mapping[str, str]]) -> str:
    """Who plans what; those who plan the same together."""
    programs: dict[str, list[str]] = {}
    for program, found in plans.items():
        programs.setdefault(", ".join(" ".join(pair) for pair in found.items()), []).append(program)
    return "; ".join(f"{text} ({', '.join(names)})" for text, names in programs.items())


def _plot(path: Path, runs: Runs) -> None:
    """Bars side by side: seconds on the left, peak memory on the right."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "whipsnake"  # the same numbers give the same file
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    _bars(
        left,
        runs,
        "seconds (median; who was stopped: until then)",
        lambda found: statistics.median(run.seconds for run in found),
    )
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
    axes.set_yscale("log")
