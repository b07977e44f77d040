"""The pictures of RESULTS.md."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from perf.contenders import everyone
from perf.report import Runs, median
from perf.scenarios import SCENARIOS


def bars(path: Path, runs: Runs) -> None:
    """A row of bars for each scenario, seconds to the right, one bar a contender; the thin line is least to most."""
    names = [one.name for one in SCENARIOS if any(scenario == one.name for _, scenario in runs)]
    contenders = [one.name for one in everyone() if any(name == one.name for name, _ in runs)]
    figure, axes = pyplot.subplots(
        1, len(names), figsize=(3.2 * len(names), 0.6 + 0.42 * len(contenders)), squeeze=False
    )
    for axis, scenario in zip(axes[0], names, strict=True):
        for place, name in enumerate(contenders):
            found = runs.get((name, scenario), ())
            middle = median(found)
            spread = (
                [[middle - min(run.seconds for run in found)], [max(run.seconds for run in found) - middle]]
                if found
                else None
            )
            colour = "#c44e52" if name.startswith("whipsnake") else "#8c8c8c"
            axis.barh(place, middle, xerr=spread, color=colour, ecolor="#333333")
            if found:
                axis.text(middle, place, f" {middle:.2f}", va="center", fontsize=8)
        axis.set_title(scenario, fontsize=10)
        axis.set_yticks(
            range(len(contenders)), contenders if scenario == names[0] else [""] * len(contenders), fontsize=8
        )
        axis.invert_yaxis()
        axis.set_xlabel("seconds", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.25)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
