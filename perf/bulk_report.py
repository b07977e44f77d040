"""The section "Many environments" of RESULTS.md, and its plot."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from perf.measure import Run
from perf.sections import put

Runs = Mapping[tuple[str, str, int], Sequence[Run]]


class Measured(Protocol):
    """What `perf.bulk.Bench` knows at the end."""

    runs: dict[tuple[str, str, int], list[Run]]
    memory: dict[tuple[str, int], int]
    files: dict[int, int]


def write_report(path: Path, bench: Measured, *, counts: Sequence[int], differing: Sequence[str]) -> None:
    """Write the section, and the plot beside the file."""
    rounds = len(next(iter(bench.runs.values())))
    most = max(counts)
    lines = [
        "## Many environments",
        "",
        "Made by `python -m perf.bulk` (what is measured: the first lines of that module).",
        f"Up to {most} overlapping environments ({bench.files.get(most, 0):,} files, bytecode included),",
        f"{rounds} rounds, medians; CPython {platform.python_version()}, "
        f"py-rattler {version('py-rattler')}, {platform.system()} on "
        f"{os.cpu_count()} processors.",
        "The ratio is that of the time of `whipsnake bulk` to the contender's: who byte-compiles is compared with who",
        "byte-compiles, and py-rattler, which does not, with both.",
        "",
        *_table(bench.runs, counts),
        "",
        "Peak memory of `whipsnake bulk`, all its processes together: "
        + ", ".join(f"{size / 1e6:,.0f} MB ({count}, {heat})" for (heat, count), size in sorted(bench.memory.items()))
        + ".",
        "",
        "An environment of `bulk` is equal to that of `create`, file for file."
        if not differing
        else f"An environment of `bulk` differs from that of `create` in {len(differing)} files: {differing[:5]}",
        "",
        "![seconds by number of environments](bulk.svg)",
    ]
    put(path, "bulk", lines)
    _plot(path.with_name("bulk.svg"), bench.runs, counts)


def _names(runs: Runs) -> list[str]:
    return list(dict.fromkeys(name for name, _, _ in runs))


def _median(runs: Runs, key: tuple[str, str, int]) -> float | None:
    return statistics.median(run.seconds for run in runs[key]) if key in runs else None


def _table(runs: Runs, counts: Sequence[int]) -> list[str]:
    rows = [
        "| | environments | | seconds | (least – most) | processor seconds | `bulk` / this | `bulk --no-pyc` / this |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for heat in ("cold", "warm"):
        for count in counts:
            ours = [_median(runs, (name, heat, count)) for name in ("whipsnake bulk", "whipsnake bulk --no-pyc")]
            for name in _names(runs):
                found = runs[name, heat, count]
                seconds = [run.seconds for run in found]
                middle = statistics.median(seconds)
                cpu = statistics.median(run.cpu_seconds for run in found)
                ratios = " | ".join(f"{one / middle:.2f}" if one else "" for one in ours)
                rows.append(
                    f"| {heat} | {count} | {name} | {middle:.2f} | {min(seconds):.2f} – {max(seconds):.2f} "
                    f"| {cpu:.2f} | {ratios} |"
                )
    return rows


def _plot(path: Path, runs: Runs, counts: Sequence[int]) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.2))
    for axis, heat in zip(axes, ("cold", "warm"), strict=True):
        for name in _names(runs):
            middle = [_median(runs, (name, heat, count)) or 0.0 for count in counts]
            ours = name.startswith("whipsnake bulk")
            axis.plot(counts, middle, marker="o", label=name, linewidth=2.2 if ours else 1.2)
        axis.set_title(f"{heat} caches")
        axis.set_xlabel("environments")
        axis.set_ylabel("seconds")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
