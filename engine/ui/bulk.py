"""What people see of a run over many environments while it goes on.

Rule of this file: it decides what is worth a line, and draws nothing itself. On a terminal a table of all environments
is drawn by `bulk_live`; elsewhere one line says that an environment is ready, and a heartbeat every ten seconds that
something goes on. With ``--json`` each environment is a line when nothing more will happen to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from engine.bulk.report import environment_json
from engine.bulk.results import Result
from engine.events import Event, Notice, Phase, PhaseFinished, TransferAdvanced, TransferStarted
from engine.ui.bulk_text import one_line
from engine.ui.out import Out
from engine.ui.progress import HEARTBEAT_SECONDS, describe_phase
from engine.ui.text import human_bytes, human_seconds

_SHOWN_NAMES = 5


class Row:
    """One environment in the table."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.stage = "waiting"
        self.done = self.total = 0
        self.began: float | None = None
        self.result: Result | None = None


class Board:
    """All that the table shows. Numbers are written by events and read by whoever draws."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.rows = [Row(label) for label in labels]
        self.bytes = 0
        """Of packages, that arrived."""

    @property
    def active(self) -> list[Row]:
        """Environments in work."""
        return [row for row in self.rows if row.result is None and row.began is not None]

    @property
    def finished(self) -> int:
        """How many environments are done with."""
        return sum(row.result is not None for row in self.rows)


class Canvas(Protocol):
    """What a live view can do; see `engine.ui.bulk_live`."""

    def stop(self) -> None: ...
    def print(self, text: str) -> None: ...


class BulkProgress:
    """A `Watch` (see `engine.bulk.results`) that shows what it hears."""

    def __init__(self, out: Out, labels: Sequence[str], *, live: bool, verbose: int = 0, urls: bool = False) -> None:
        """``urls``: list the packages in JSON lines."""
        self.board = Board(labels)
        self._out, self._verbose, self._urls = out, verbose, urls
        self._lock = threading.Lock()
        self._began = self._last_word = time.monotonic()
        self._packages: set[str] = set()
        """Keys of downloads that are packages."""
        self._canvas: Canvas | None = None
        if live:
            from engine.ui.bulk_live import BulkCanvas

            self._canvas = BulkCanvas(out.stream, self.board)

    def stage(self, number: int, stage: str, done: int = 0, total: int = 0) -> None:
        """An environment has moved on."""
        row = self.board.rows[number]
        row.began = row.began or time.monotonic()
        row.stage, row.done, row.total = stage, done, total
        self._heartbeat()

    def finished(self, number: int, result: Result) -> None:
        """Nothing more will happen to an environment."""
        self.board.rows[number].result = result
        if self._out.json:
            self._out.event(**environment_json(result, listed=self._urls))
        elif self._canvas is None or result.failure is not None:
            count = f"[{self.board.finished}/{len(self.board.rows)}]"
            self._say(f"{count} {one_line(result)}")

    def notice(self, number: int, notice: Notice) -> None:
        """Something about one environment."""
        self._note(Notice(notice.level, f"{self.board.rows[number].label}: {notice.text}"))

    def event(self, event: Event) -> None:
        """From loading and fetching, in any thread."""
        with self._lock:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case PhaseFinished(phase=Phase.REPODATA):
                self._say(describe_phase(event))
            case TransferStarted(kind="package"):
                self._packages.add(event.key)
            case TransferAdvanced() if event.key in self._packages:
                self.board.bytes += event.amount
                self._heartbeat()
            case Notice():
                self._note(event)
            case _:
                pass

    def _note(self, notice: Notice) -> None:
        if notice.level == "warning":
            self._out.warning(notice.text)
        elif notice.level == "info" or self._verbose > 0:
            self._say(notice.text)

    def _say(self, text: str) -> None:
        self._last_word = time.monotonic()
        if self._canvas:
            self._canvas.print(text)
        else:
            self._out.line(text)

    def _heartbeat(self) -> None:
        if self._canvas or time.monotonic() - self._last_word < HEARTBEAT_SECONDS:
            return
        active = self.board.active
        names = ", ".join(f"{row.label} ({row.stage})" for row in active[:_SHOWN_NAMES])
        more = f" and {len(active) - _SHOWN_NAMES} more" if len(active) > _SHOWN_NAMES else ""
        so_far = f", {human_bytes(self.board.bytes)} fetched" if self.board.bytes else ""
        seconds = human_seconds(time.monotonic() - self._began)
        self._say(f"… {self.board.finished} of {len(self.board.rows)} ready after {seconds}{so_far}: {names}{more}")

    def close(self) -> None:
        """Take the table away; lines that were printed stay."""
        canvas, self._canvas = self._canvas, None
        if canvas:
            canvas.stop()
