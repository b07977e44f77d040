"""The benchmark of `bulk`: what is drawn, and what is reported."""

from __future__ import annotations

import sys
from pathlib import Path

from perf.bulk import Bench, draw, peak_of_tree
from perf.bulk_report import write_report
from perf.measure import Run
from perf.science import PROJECTS


def test_the_same_environments_each_time_and_few_among_many() -> None:
    many = draw(PROJECTS, 20)
    assert draw(PROJECTS, 20) == many
    assert dict(list(many.items())[:3]) == draw(PROJECTS, 3)
    assert all(specs[0] == "python" and 4 <= len(specs) <= 9 for specs in many.values())


def test_the_report_has_ratios_and_a_plot(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "", ())
    for heat in ("cold", "warm"):
        bench.runs["whipsnake bulk", heat, 10] = [Run(2.0, 3.0, 1, "")]
        bench.runs["loop: py-rattler", heat, 10] = [Run(8.0, 9.0, 1, ""), Run(10.0, 9.0, 1, "")]
        bench.memory[heat, 10] = 120_000_000
    write_report(tmp_path / "RESULTS.md", bench, counts=[10], differing=[])
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| warm | 10 | loop: py-rattler | 9.00 | 8.00 – 10.00 | 9.00 | 0.22 |" in text
    assert "120 MB (10, cold)" in text
    assert (tmp_path / "bulk.svg").read_text().lstrip().startswith("<?xml")


def test_memory_is_that_of_the_whole_tree(tmp_path: Path) -> None:
    if sys.platform != "linux":
        return
    hold = "x = bytearray(60_000_000); import subprocess, sys; subprocess.run([sys.executable, '-c', {!r}])"
    inner = "y = bytearray(60_000_000)\nfor _ in range(300): sum(range(20_000))"
    peak = peak_of_tree([sys.executable, "-S", "-c", hold.format(inner)], {})
    assert 120_000_000 < peak < 300_000_000
