"""``--trace FILE``: the engine's events as a Chrome trace, to be opened in Perfetto or ``chrome://tracing``.

Source: the "Trace Event Format" (JSON array form within an object). Each stage has a row for each of its workers (the
lowest free row takes the next package), each download a row of its own while it lasts, phases stand above all, and
counters tell how many packages each stage has in work, how many wait between two stages, and the bytes received.

Rule of this file: it records and writes at the end; it decides nothing and may be called from several threads.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from engine.errors import StorageError
from engine.events import (
    Event,
    Notice,
    Output,
    PhaseFinished,
    PhaseStarted,
    TransferAdvanced,
    TransferFinished,
    TransferStarted,
    WorkFinished,
    WorkStarted,
)

_PHASES = "phases"
_ROWS = (_PHASES, "download", "extract", "link", "compile", "script")
"""Groups of rows from top to bottom."""
_BYTES_EVERY = 10_000
"""Microseconds between two points of the curve of bytes."""


class Trace:
    """A `Report` that remembers everything with its time. `save` writes the file."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """``clock`` gives nanoseconds."""
        self._clock, self._began = clock, clock()
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self._rows: dict[str, list[str | None]] = {}
        """Group → what each of its rows is busy with."""
        self._open: dict[tuple[str, str], tuple[int, float]] = {}
        """(group, name) → row and begin."""
        self._names: dict[str, str] = {}
        self._done: Counter[str] = Counter()
        self._bytes = 0
        self._bytes_told: float = -_BYTES_EVERY

    def __call__(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            self._take(event, (self._clock() - self._began) / 1000)

    def _take(self, event: Event, now: float) -> None:
        match event:
            case PhaseStarted():
                self._begin(_PHASES, event.phase.value, now)
            case PhaseFinished():
                self._phase_ends(event, now)
            case TransferStarted():
                self._names[event.key] = event.name
                self._begin("download", event.key, now)
            case TransferAdvanced():
                self._advance(event.amount, now)
            case TransferFinished():
                self._end("download", event.key, now, {"from": event.note or "network"})
            case WorkStarted():
                self._begin(event.stage, event.name, now)
            case WorkFinished():
                self._end(event.stage, event.name, now, {"files": event.files, "bytes": event.bytes})
            case Notice():
                self._events.append({"ph": "i", "s": "g", "name": event.text, "ts": now, "tid": 0})
            case Output():
                self._events.append({"ph": "i", "s": "g", "name": f"{event.source}: {event.line}", "ts": now, "tid": 0})

    def _begin(self, group: str, name: str, now: float) -> None:
        rows = self._rows.setdefault(group, [])
        row = next((number for number, busy in enumerate(rows) if busy is None), len(rows))
        rows[row:] = [name, *rows[row + 1 :]]
        self._open[group, name] = (row, now)
        self._count(now)

    def _end(self, group: str, name: str, now: float, facts: dict[str, Any]) -> None:
        row, began = self._open.pop((group, name), (0, now))
        if row < len(self._rows.get(group, ())):
            self._rows[group][row] = None
        self._done[group] += 1
        self._span(group, row, self._names.get(name, name), (began, now), facts)
        self._count(now)

    def _phase_ends(self, event: PhaseFinished, now: float) -> None:
        """A phase that only tells its length had no beginning of its own."""
        if (_PHASES, event.phase.value) not in self._open:
            self._begin(_PHASES, event.phase.value, now - event.seconds * 1e6)
        facts = {"items": event.items, "bytes": event.bytes, "note": event.note}
        self._end(_PHASES, event.phase.value, now, facts)

    def _span(self, group: str, row: int, name: str, times: tuple[float, float], facts: dict[str, Any]) -> None:
        place = {"tid": _row_id(group, row), "cat": group}
        self._events.append(
            {"ph": "X", "name": name, "ts": times[0], "dur": times[1] - times[0], "args": facts, **place}
        )

    def _advance(self, amount: int, now: float) -> None:
        self._bytes += amount
        if now - self._bytes_told >= _BYTES_EVERY:
            self._bytes_told = now
            self._counter("bytes received", now, {"bytes": self._bytes})

    def _count(self, now: float) -> None:
        """How many packages are in each stage, and between each and the next."""
        work = {group: sum(busy is not None for busy in self._rows.get(group, ())) for group in _ROWS[1:]}
        self._counter("in work", now, work)
        waiting = self._done["extract"] - self._done["link"] - work["link"]
        self._counter("waiting to be linked", now, {"packages": max(0, waiting)})

    def _counter(self, name: str, now: float, values: dict[str, int]) -> None:
        self._events.append({"ph": "C", "name": name, "ts": now, "args": values, "tid": 0})

    def save(self, path: str) -> None:
        """Write the trace; what is unfinished (after a failure) ends now. Raises `StorageError`."""
        with self._lock:
            now = (self._clock() - self._began) / 1000
            for group, name in list(self._open):
                self._end(group, name, now, {"unfinished": True})
            data = msgspec.json.encode(
                {"traceEvents": [*self._titles(), *self._with_process()], "displayTimeUnit": "ms"}
            )
        try:
            with open(path, "wb") as file:
                file.write(data)
        except OSError as error:
            raise StorageError.from_os_error(f"write the trace {path}", error) from error

    def _with_process(self) -> list[dict[str, Any]]:
        return [{"pid": 1, **event} for event in sorted(self._events, key=lambda event: event["ts"])]

    def _titles(self) -> list[dict[str, Any]]:
        """Names and the order of the rows."""
        found = [{"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "whipsnake"}}]
        for group in _ROWS:
            for row in range(len(self._rows.get(group, ()))):
                tid, name = _row_id(group, row), group if group == _PHASES else f"{group} {row + 1}"
                found.append({"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}})
                found.append(
                    {"ph": "M", "pid": 1, "tid": tid, "name": "thread_sort_index", "args": {"sort_index": tid}}
                )
        return found


def _row_id(group: str, row: int) -> int:
    return 1 + 1000 * _ROWS.index(group) + row
