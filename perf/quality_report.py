"""From the outcomes of `perf.solve_quality` to docs/solver-quality.md's table of numbers and lists of cases."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from perf.sections import put

MOST_CASES = 20


@dataclass
class Outcome:
    """What became of one instance. Times are seconds."""

    id: str
    platform: str
    feasible: bool = False
    peer_feasible: bool = False
    seconds: float = 0.0
    peer_seconds: float = 0.0
    cpu: float = 0.0
    """Processor seconds: what others do on the machine changes them less than the others."""
    peer_cpu: float = 0.0
    conflicts: int = 0
    sat_calls: int = 0
    wrong: list[str] = field(default_factory=list)
    """What the checker found in our answer."""
    locked_tried: bool = False
    locked_refused: str = ""
    """Why the locked set was not accepted."""
    locked_wrong: list[str] = field(default_factory=list)
    """What the checker finds in the locked set itself, if it was refused."""
    older: str = ""
    dominated: list[str] = field(default_factory=list)
    dominating: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    """The common packages of which ours is newer."""
    peer_newer: list[str] = field(default_factory=list)
    same_versions: bool = False
    same_builds: bool = False
    difference: dict[str, Any] | None = None
    changes: list[str] = field(default_factory=list)

    @property
    def both(self) -> bool:
        """Whether there are two answers to compare."""
        return self.feasible and self.peer_feasible

    @property
    def key(self) -> str:
        """The kind of difference, in one phrase."""
        if self.difference is None:
            return "none that the order knows"
        return f"{self.difference['what']} of {_place(self.difference['layer'])}, better: {self.difference['better']}"


def failures(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that show a fault of ours."""
    return [
        found
        for found in outcomes
        if found.wrong
        or found.feasible != found.peer_feasible
        or found.older
        or (found.dominated and not _avoids_features(found))
        or (found.locked_refused and not found.locked_wrong)
        or _is_worse(found)
    ]


def _avoids_features(found: Outcome) -> bool:
    """Whether ours differs first by not tracking features, which the order asks for before a newer version."""
    return found.difference is not None and found.difference["what"] == "track_features" and not _is_worse(found)


def _is_worse(found: Outcome) -> bool:
    return found.difference is not None and found.difference["better"] == "theirs"


def write_report(path: Path, outcomes: Sequence[Outcome], *, words: Sequence[str]) -> None:
    """Replace the part "quality" of the file."""
    both = [found for found in outcomes if found.both]
    lines = [
        "## Numbers",
        "",
        f"Made by `{' '.join(('python -m perf.solve_quality', *words))}`; py-rattler {version('py-rattler')}.",
        "",
        "| | |",
        "|---|---:|",
        *(f"| {label} | {value} |" for label, value in _numbers(outcomes, both)),
        "",
        "### Time of a solve, decoding of records included, without reading the index",
        "",
        "| | median | 95 % | most |",
        "|---|---:|---:|---:|",
        times("whipsnake, processor seconds", [found.cpu for found in outcomes]),
        times("py-rattler, processor seconds", [found.peer_cpu for found in outcomes]),
        times("ratio of processor seconds", [found.cpu / found.peer_cpu for found in outcomes]),
        "",
        "### Where answers differ",
        "",
        "By the first place in our order at which the two answers differ, and who is better there:",
        "",
        "| | instances |",
        "|---|---:|",
        *(f"| {what} | {count} |" for what, count in _differences(both)),
        "",
        "Whether the order leaves another answer open where names or versions differ:",
        "",
        "| | instances |",
        "|---|---:|",
        *(f"| {what} | {count} |" for what, count in _freedom(both)),
        "",
        "The packages that decide it most often (ours → theirs):",
        "",
        *(f"- {count} × {what}" for what, count in _deciders(both)),
        "",
        "### Locked sets that are refused",
        "",
        "The independent checker refuses them as well: records were corrected since those sets were locked.",
        "",
        *_refused(outcomes),
        "",
        "### Cases to answer for",
        "",
        *(fault(found) for found in failures(outcomes)),
        *(["None."] if not failures(outcomes) else []),
    ]
    put(path, "quality", lines)


def _numbers(outcomes: Sequence[Outcome], both: Sequence[Outcome]) -> list[tuple[str, object]]:
    def share(fits: Callable[[Outcome], object]) -> str:
        count = sum(bool(fits(found)) for found in both)
        return f"{count} ({count / max(1, len(both)):.1%})"

    tried = [found for found in outcomes if found.locked_tried]
    return [
        ("instances", len(outcomes)),
        ("answers that the independent checker refuses", sum(bool(found.wrong) for found in outcomes)),
        ("same feasibility as py-rattler", sum(found.feasible == found.peer_feasible for found in outcomes)),
        ("… of these without an answer", sum(not found.feasible and not found.peer_feasible for found in outcomes)),
        ("locked sets whose records are all there", len(tried)),
        ("… accepted when asked for exactly", sum(not found.locked_refused for found in tried)),
        ("… refused, by the checker too", sum(bool(found.locked_refused and found.locked_wrong) for found in tried)),
        ("requested packages lexicographically older than py-rattler's", share(lambda found: found.older)),
        ("dominated by py-rattler's answer", share(lambda found: found.dominated)),
        ("… of these because a variant with track_features is avoided", share(_is_dominated_for_features)),
        ("dominating py-rattler's answer", share(lambda found: found.dominating)),
        ("same names and versions", share(lambda found: found.same_versions)),
        ("same builds too", share(lambda found: found.same_builds)),
        ("py-rattler's answer better by our order", share(_is_worse)),
    ]


def _is_dominated_for_features(found: Outcome) -> bool:
    return bool(found.dominated) and _avoids_features(found)


def times(label: str, values: Sequence[float]) -> str:
    """A row of the table of times."""
    ordered = sorted(values)
    high = ordered[int(len(ordered) * 0.95)]
    return f"| {label} | {statistics.median(ordered):.3f} | {high:.3f} | {ordered[-1]:.3f} |"


def _place(layer: int) -> str:
    return "a requested package" if layer == 0 else "a dependency"


def _differences(both: Sequence[Outcome]) -> list[tuple[str, int]]:
    return Counter(found.key for found in both if not found.same_builds).most_common()


_OPEN = "open: at the nearest distance where they differ each is newer in something"
_FARTHER = "none: nothing as near to the request would be newer, and something older"
_BUILDS = "none: an older build, and nothing would be newer"


def _freedom(both: Sequence[Outcome]) -> list[tuple[str, int]]:
    """How often the written order leaves no choice, by what it is that leaves none, and how often it does."""
    counts = Counter(_why_not_theirs(found) for found in both if not found.same_versions)
    rows = sorted((what, count) for what, count in counts.items() if what != _OPEN)
    same = sum(found.same_versions for found in both)
    free, most = same + counts[_OPEN], same + counts[_OPEN] + counts[_FARTHER] + counts[_BUILDS]
    return [
        *rows,
        (_OPEN, counts[_OPEN]),
        (f"same names and versions if every open one were decided as there ({free / len(both):.1%})", free),
        (f"… and if, besides, neither distance nor builds counted ({most / len(both):.1%})", most),
    ]


def _why_not_theirs(found: Outcome) -> str:
    """Why the peer's answer can't be ours."""
    fact = found.difference
    if fact is None:
        return "none: the order knows no difference"
    if fact["layer"] == 0 and fact["what"] == "version":
        return "none: a requested package would be older"
    if found.dominating:
        return "none: ours is as new in every package and newer in one"
    if fact["what"] == "track_features":
        return "none: a variant with track_features would be taken"
    if fact["what"] == "version":
        return _OPEN if fact["near_theirs"] else _FARTHER
    return _OPEN if found.peer_newer else _BUILDS


def _deciders(both: Sequence[Outcome]) -> list[tuple[str, int]]:
    found: Counter[str] = Counter()
    for outcome in both:
        if outcome.difference is not None:
            name = outcome.difference["package"]
            found[next((text for text in outcome.changes if text.startswith(f"{name}: ")), name)] += 1
    return found.most_common(MOST_CASES)


def _refused(outcomes: Sequence[Outcome]) -> list[str]:
    """Each reason once for each set, the first that the checker names."""
    reasons = Counter(found.locked_wrong[0] for found in outcomes if found.locked_refused and found.locked_wrong)
    return [f"- {count} × {reason}" for reason, count in reasons.most_common(MOST_CASES)] or ["None."]


def fault(found: Outcome) -> str:
    """What is wrong with one, as an item of a list."""
    facts = {key: value for key, value in asdict(found).items() if value and key in _TOLD}
    return f"- `{found.id}`: {facts}"


_TOLD = ("wrong", "older", "dominated", "locked_refused", "difference", "feasible", "peer_feasible")
