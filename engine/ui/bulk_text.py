"""The end of a run over many environments, as text for people. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.bulk.report import states
from engine.bulk.results import Result, Totals
from engine.ui.text import human_bytes, human_seconds, plural, table


def one_line(result: Result) -> str:
    """What became of one environment, in a few words."""
    if result.failure is not None:
        return f"{result.label}: failed: {_beginning(result.failure.message)}"
    if result.state in ("unchanged", "stopped"):
        return f"{result.label}: {result.state}"
    took = human_seconds(result.solve_seconds + result.make_seconds)
    return f"{result.label}: {result.state}, {plural(len(result.records), 'package')} in {took}"


def _beginning(message: str) -> str:
    """The first line; what is a heading goes with the first that it stands above."""
    first, *more = message.splitlines()
    return f"{first} {more[0].strip().removeprefix('- ')}" if more and first.endswith(":") else first


def report_lines(results: Sequence[Result], totals: Totals) -> list[str]:
    """The table, the reasons of failures in full, and the sum."""
    lines = ["", *_table(results)]
    for result in results:
        if result.failure is not None:
            lines += ["", f"{result.label} ({result.source}) failed:"]
            lines += [f"  {line}" for line in result.failure.message.splitlines()]
            lines += [f"  hint: {result.failure.hint}"] if result.failure.hint else []
    return [*lines, "", _sum(results, totals)]


def _table(results: Sequence[Result]) -> list[str]:
    used = Counter(record.url for result in results for record in result.records)
    head = ("environment", "state", "packages", "shared", "files", "time")
    rows = [
        (
            result.label,
            result.state,
            str(len(result.records) or ""),
            str(sum(used[record.url] > 1 for record in result.records) if result.records else ""),
            str(result.summary.files or ""),
            _time(result),
        )
        for result in results
    ]
    return table([head, *rows], right=frozenset({2, 3, 4, 5}))


def _time(result: Result) -> str:
    seconds = result.solve_seconds + result.make_seconds
    return human_seconds(seconds) if seconds else ""


def _sum(results: Sequence[Result], totals: Totals) -> str:
    ends = ", ".join(f"{count} {state}" for state, count in states(results).items())
    used = Counter(record.url for result in results for record in result.records)
    parts = [f"{plural(len(results), 'environment')}: {ends}"]
    if used:
        parts.append(f"{plural(len(used), 'package')} used {used.total()} times")
    if totals.fetched:
        parts.append(f"{totals.fetched} fetched ({human_bytes(totals.fetched_bytes)})")
    return f"{'; '.join(parts)}; in {human_seconds(totals.seconds)}."
