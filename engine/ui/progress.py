"""From the engine's events to what people see while it works.

Rule of this file: it decides what is worth a line, and draws nothing itself. On a terminal a `Live` view (in
`live.py`) is fed; elsewhere one plain line says that a phase ended, and a heartbeat says every ten seconds that
something is still going on (a CI log that is silent for long is killed). Events come from several threads.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Protocol

from engine.events import (
    Event,
    Notice,
    Output,
    Phase,
    PhaseFinished,
    PhaseStarted,
    TransferAdvanced,
    TransferFinished,
    TransferStarted,
    WorkFinished,
    WorkStarted,
)
from engine.ui.out import Out
from engine.ui.text import human_bytes, human_seconds, plural

HEARTBEAT_SECONDS = 10.0

_DOING = {
    Phase.REPODATA: "Loading repodata",
    Phase.SOLVE: "Solving",
    Phase.FETCH: "Fetching packages",
    Phase.LINK: "Linking",
    Phase.UNLINK: "Removing",
    Phase.COMPILE: "Byte-compiling",
    Phase.SCRIPTS: "Running link scripts",
    Phase.PIP: "Running pip",
}
_DONE = {
    Phase.REPODATA: "Loaded repodata",
    Phase.SOLVE: "Solved",
    Phase.FETCH: "Fetched",
    Phase.LINK: "Linked",
    Phase.UNLINK: "Removed",
    Phase.COMPILE: "Byte-compiled",
    Phase.SCRIPTS: "Ran link scripts",
    Phase.PIP: "Ran pip",
}
_NOUN = {Phase.REPODATA: "index", Phase.COMPILE: "file", Phase.PIP: "requirement"}


class Canvas(Protocol):
    """What a live view can do; see `engine.ui.live`."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def show(self, event: Event) -> None: ...
    def print(self, text: str) -> None: ...


class Progress:
    """A `Report` (see `engine.events`) that prints, and remembers what took how long."""

    def __init__(self, out: Out, *, bars: bool, verbose: int = 0) -> None:
        self._out = out
        self._verbose = verbose
        self._bars = bars
        self._canvas: Canvas | None = None
        self._lock = threading.Lock()
        self._last_word = time.monotonic()
        self._running: dict[Phase, float] = {}
        self._bytes = 0
        self._kinds: dict[str, str] = {}
        """Transfers under way, and what they fetch."""
        self.received: Counter[str] = Counter()
        """Bytes that came over the network, by what they were for: "package", "repodata"."""
        self.finished: list[PhaseFinished] = []

    def __call__(self, event: Event) -> None:
        """Take one event; from any thread."""
        with self._lock:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case PhaseStarted():
                self._running[event.phase] = time.monotonic()
                self._open_canvas()
            case PhaseFinished():
                self._running.pop(event.phase, None)
                self.finished.append(event)
                self._say(describe_phase(event))
            case Notice():
                self._notice(event)
            case Output():
                self._say(f"{event.source}: {event.line}")
            case TransferAdvanced():
                self._bytes += event.amount
                self.received[self._kinds.get(event.key, "package")] += event.amount
                self._heartbeat()
            case TransferStarted():
                self._kinds[event.key] = event.kind
                self._heartbeat()
            case TransferFinished() | WorkStarted() | WorkFinished():
                self._heartbeat()
        if self._canvas:
            self._canvas.show(event)

    def _open_canvas(self) -> None:
        if self._bars and self._canvas is None:
            from engine.ui.live import LiveCanvas

            self._canvas = LiveCanvas(self._out.stream)
            self._canvas.start()

    def _notice(self, event: Notice) -> None:
        if event.level == "warning":
            self._pause_for(lambda: self._out.warning(event.text))
        elif event.level == "info":
            self._say(event.text)
        elif self._verbose > 0:
            self._pause_for(lambda: self._out.debug(event.text))

    def _pause_for(self, write: object) -> None:
        """Write past the live view without tearing it."""
        if self._canvas:
            self._canvas.stop()
        assert callable(write)
        write()
        if self._canvas:
            self._canvas.start()

    def _say(self, text: str) -> None:
        self._last_word = time.monotonic()
        if self._canvas:
            self._canvas.print(text)
        else:
            self._out.line(text)

    def _heartbeat(self) -> None:
        if self._canvas or time.monotonic() - self._last_word < HEARTBEAT_SECONDS or not self._running:
            return
        phase, began = next(iter(self._running.items()))
        so_far = f", {human_bytes(self._bytes)} so far" if self._bytes else ""
        self._say(f"{_DOING[phase]} … {human_seconds(time.monotonic() - began)}{so_far}")

    def close(self) -> None:
        """Take the live view away; the lines that were printed stay."""
        with self._lock:
            if self._canvas:
                self._canvas.stop()
                self._canvas = None
            self._bars = False

    def suspend(self) -> None:
        """Take the live view away until the next phase (a question is being asked)."""
        with self._lock:
            if self._canvas:
                self._canvas.stop()
                self._canvas = None


def describe_phase(event: PhaseFinished) -> str:
    """One line for a phase that ended."""
    return f"{_DONE[event.phase]}{_details(event)} in {human_seconds(event.seconds)}"


def _details(event: PhaseFinished) -> str:
    parts = []
    if event.items:
        noun = _NOUN.get(event.phase, "package")
        parts.append(plural(event.items, noun).replace("indexs", "indices"))
    if event.bytes:
        parts.append(human_bytes(event.bytes))
    if event.note:
        parts.append(event.note)
    return f" {', '.join(parts)}" if parts else ""


def describe_run(finished: list[PhaseFinished], seconds: float) -> str:
    """The last line: what took how long and how much of it there was."""
    parts = [
        f"{event.phase.value}{' ' + human_bytes(event.bytes) if event.bytes else ''} {human_seconds(event.seconds)}"
        for event in finished
    ]
    return f"Done in {human_seconds(seconds)}" + (f" ({' · '.join(parts)})" if parts else "")
