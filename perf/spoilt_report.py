"""From the outcomes of spoilt requests to their part of docs/solver-quality.md: feasibility, and the worst times."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from perf.quality_report import Outcome, failures, fault, times
from perf.sections import put

MOST_WORST = 5


def write_spoilt(path: Path, outcomes: Sequence[Outcome], *, way: str, words: Sequence[str]) -> None:
    """Replace the part "spoilt-WAY" of the file."""
    none = [found for found in outcomes if not found.feasible]
    some = [found for found in outcomes if found.feasible]
    command = " ".join(("python -m perf.solve_quality --spoil", way, *words))
    lines = [
        f"### Spoilt requests: {way}",
        "",
        f"Made by `{command}`; py-rattler {version('py-rattler')}.",
        "",
        "| | |",
        "|---|---:|",
        f"| requests | {len(outcomes)} |",
        f"| … without an answer | {len(none)} |",
        f"| same feasibility as py-rattler | {sum(found.feasible == found.peer_feasible for found in outcomes)} |",
        f"| answers that the independent checker refuses | {sum(bool(found.wrong) for found in outcomes)} |",
        "",
        "| processor seconds | median | 95 % | most |",
        "|---|---:|---:|---:|",
        *(row for label, kind in (("without", none), ("with", some)) if kind for row in _rows(label, kind)),
        "",
        "The worst ratios (ours, py-rattler's):",
        "",
        *(_told(found) for found in sorted(outcomes, key=_ratio, reverse=True)[:MOST_WORST]),
        *(fault(found) for found in failures(outcomes)),
    ]
    put(path, f"spoilt-{way}", lines)


def _rows(label: str, outcomes: Sequence[Outcome]) -> list[str]:
    return [
        times(f"{label} an answer: whipsnake", [found.cpu for found in outcomes]),
        times(f"{label} an answer: py-rattler", [found.peer_cpu for found in outcomes]),
        times(f"{label} an answer: ratio", [_ratio(found) for found in outcomes]),
    ]


def _ratio(found: Outcome) -> float:
    return found.cpu / found.peer_cpu


def _told(found: Outcome) -> str:
    kind = "an answer" if found.feasible else "no answer"
    return f"- {_ratio(found):.2f}: `{found.id}`, {kind} ({found.cpu:.2f} s, {found.peer_cpu:.2f} s)"
