"""What a worker says while it works: progress in small doses, notices in full.

Rule of this file: reports come from many threads and often; one task sends what has changed, a few times a second.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import anyio

from engine.bulk.messages import Job, Progressed, Said, Step
from engine.bulk.wire import Closed, Wire
from engine.events import Event, Notice, Output, Phase, PhaseStarted, Report, WorkFinished

_INTERVAL = 0.1
"""Seconds between two doses."""
_STEPS: dict[str, Step] = {"link": "link", "compile": "compile", "script": "scripts"}


class Teller:
    """Collects what is to be told over a wire."""

    def __init__(self, wire: Wire[Job]) -> None:
        self._wire = wire
        self._lock = threading.Lock()
        self._done: dict[tuple[int, Step], int] = {}
        self._changed: dict[tuple[int, Step], int] = {}
        self._notices: deque[Said] = deque()

    def of(self, number: int) -> Report:
        """The `Report` for one environment."""
        return _Report(number, self._count, self._notices.append)

    def _count(self, number: int, step: Step, amount: int) -> None:
        with self._lock:
            key = (number, step)
            self._done[key] = self._changed[key] = self._done.get(key, 0) + amount

    async def run(self) -> None:
        """Send doses until cancelled."""
        while True:
            await anyio.sleep(_INTERVAL)
            await self.flush()

    async def flush(self) -> None:
        """Send what has changed now."""
        with self._lock:
            changed, self._changed = self._changed, {}
        try:
            while self._notices:
                await self._wire.send(self._notices.popleft())
            for (number, step), done in changed.items():
                await self._wire.send(Progressed(number, step, done))
        except Closed:
            return  # the end of the stream will be seen by the reader


class _Report:
    """Sorts the events of one environment."""

    def __init__(self, number: int, count: Callable[[int, Step, int], None], say: Callable[[Said], None]) -> None:
        self._number, self._count, self._say = number, count, say

    def __call__(self, event: Event) -> None:
        match event:
            case WorkFinished() if event.stage in _STEPS:
                self._count(self._number, _STEPS[event.stage], 1)
            case PhaseStarted() if event.phase is Phase.PIP:
                self._count(self._number, "pip", 0)
            case Notice():
                self._say(Said(self._number, event))
            case Output():
                self._say(Said(self._number, Notice("debug", f"{event.source}: {event.line}")))
            case _:
                pass
