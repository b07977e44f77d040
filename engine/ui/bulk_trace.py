"""``--trace`` for a run over many environments: downloads and unpacking as ever, and each environment as one job."""

from __future__ import annotations

from collections.abc import Sequence

from engine.bulk.results import Result, Watch
from engine.events import Event, Notice, WorkFinished, WorkStarted
from engine.ui.trace import Trace


class TracedWatch:
    """Passes everything on to another `Watch`, and into a trace."""

    def __init__(self, watch: Watch, trace: Trace, labels: Sequence[str]) -> None:
        self._watch, self._trace, self._labels = watch, trace, labels
        self._making: set[int] = set()

    def stage(self, number: int, stage: str, done: int = 0, total: int = 0) -> None:
        """An environment is in work from its first step of linking on."""
        if stage == "link" and number not in self._making:
            self._making.add(number)
            self._trace(WorkStarted("link", self._labels[number]))
        self._watch.stage(number, stage, done, total)

    def finished(self, number: int, result: Result) -> None:
        """It is ready, or has failed."""
        if number in self._making:
            summary = result.summary
            self._trace(WorkFinished("link", self._labels[number], summary.files, summary.bytes))
        self._watch.finished(number, result)

    def notice(self, number: int, notice: Notice) -> None:
        """Something worth reading."""
        self._watch.notice(number, notice)

    def event(self, event: Event) -> None:
        """From loading and fetching."""
        self._trace(event)
        self._watch.event(event)
