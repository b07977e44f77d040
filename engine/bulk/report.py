"""Results → what programs read. Pure: no clock, no stream.

As JSON each environment is one line when nothing more will happen to it, and a last line sums up (docs/bulk.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from engine.bulk.results import STATES, Result, Totals
from engine.model.url import strip_secrets

_LINKS = ("files", "bytes", "hardlinked", "reflinked", "copied", "softlinked", "rewritten", "compiled", "bytecode")


def environment_json(result: Result, *, listed: bool = False) -> dict[str, object]:
    """One environment; ``listed`` names its packages (a dry run is asked for them)."""
    found: dict[str, object] = {
        "event": "environment",
        "name": result.label,
        "prefix": result.prefix,
        "source": result.source,
        "state": result.state,
        "packages": len(result.records),
        "linked": result.linked,
        "seconds": round(result.solve_seconds + result.make_seconds, 3),
    }
    if result.summary.files:
        found["link"] = {name: getattr(result.summary, name) for name in _LINKS}
    if listed:
        found["urls"] = [strip_secrets(record.url) for record in result.records]
    if result.failure is not None:
        failure = result.failure
        found["error"] = {**msgspec.to_builtins(failure.data), "exception_name": failure.kind}
        found["error"] |= {"message": failure.message, "hint": failure.hint}  # type: ignore[operator]
    return found


def summary_json(results: Sequence[Result], totals: Totals) -> dict[str, object]:
    """The last line."""
    used = Counter(record.url for result in results for record in result.records)
    return {
        "event": "summary",
        "environments": len(results),
        "states": states(results),
        "failed": [result.label for result in results if result.state == "failed"],
        "solves": totals.solves,
        "packages": len(used),
        "packages_shared": sum(count > 1 for count in used.values()),
        "packages_used": used.total(),
        "fetched": totals.fetched,
        "fetched_bytes": totals.fetched_bytes,
        "files": sum(result.summary.files for result in results),
        "seconds": round(totals.seconds, 3),
    }


def states(results: Sequence[Result]) -> dict[str, int]:
    """How many environments came to each end."""
    counted = Counter(result.state for result in results)
    return {state: counted[state] for state in STATES if counted[state]}
