"""The live view of a run on a terminal: a bar for each stage, and below it what is being worked on right now.

Rule of this file: it alone imports rich, and it is imported only where a person watches. Events change numbers;
a refresh some ten times a second draws them, so that drawing costs next to nothing however many events come.
"""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from engine.events import (
    Event,
    Phase,
    PhaseFinished,
    PhaseStarted,
    TransferAdvanced,
    TransferFinished,
    TransferStarted,
    WorkFinished,
    WorkStarted,
)

_SHOWN_NAMES = 6
_STAGES = {"extract": "extract", "link": "link", "compile": "compile", "script": "scripts"}


class LiveCanvas:
    """Draws on ``stream``. One instance can be started and stopped several times."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        spinner = "line" if self._console.options.ascii_only else "dots"
        self._steps = Progress(
            SpinnerColumn(spinner), TextColumn("{task.description:<22}"), TimeElapsedColumn(), console=self._console
        )
        self._bytes = Progress(
            TextColumn("  {task.description:<20}"), BarColumn(30), DownloadColumn(), TransferSpeedColumn(),
            console=self._console,
        )  # fmt: skip
        self._items = Progress(
            TextColumn("  {task.description:<20}"), BarColumn(30), MofNCompleteColumn(), console=self._console
        )
        self._phases: dict[Phase, TaskID] = {}
        self._stages: dict[str, TaskID] = {}
        self._package_bar: TaskID | None = None
        self._index_bars: dict[str, TaskID] = {}
        self._active: dict[str, str] = {}
        """What is being worked on → how it is called."""
        self._packages = 0
        self._live = self._new_live()

    def _new_live(self) -> Live:
        return Live(get_renderable=self._picture, console=self._console, refresh_per_second=10, transient=True)

    def _picture(self) -> Group:
        return Group(self._steps, self._bytes, self._items, self._names())

    def _names(self) -> Text:
        names = list(self._active.values())
        more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
        line = Text(f"  {', '.join(names[:_SHOWN_NAMES])}{more}" if names else "", style="dim")
        line.truncate(max(20, self._console.width - 1), overflow="ellipsis")
        return line

    def start(self) -> None:
        """Begin to draw."""
        self._live = self._new_live()
        self._live.start()

    def stop(self) -> None:
        """Wipe the view away."""
        self._live.stop()

    def print(self, text: str) -> None:
        """Print a line that stays, above the view."""
        self._console.print(text, markup=False, soft_wrap=True)  # the terminal breaks lines; copies stay whole

    def show(self, event: Event) -> None:
        """Take an event into the numbers."""
        match event:
            case PhaseStarted():
                self._phase_started(event)
            case PhaseFinished():
                self._phase_finished(event)
            case TransferStarted():
                self._transfer_started(event)
            case TransferAdvanced():
                bar = self._index_bars.get(event.key, self._package_bar)
                if bar is not None:
                    self._bytes.advance(bar, event.amount)
            case TransferFinished():
                self._active.pop(event.key, None)
                if event.key in self._index_bars:
                    self._bytes.remove_task(self._index_bars.pop(event.key))
            case WorkStarted():
                work = f"{_STAGES[event.stage]} {event.name}"
                self._active[work] = work
            case WorkFinished():
                self._active.pop(f"{_STAGES[event.stage]} {event.name}", None)
                self._advance_stage(event.stage)
            case _:
                pass

    def _phase_started(self, event: PhaseStarted) -> None:
        self._phases[event.phase] = self._steps.add_task(event.phase.value)
        if event.phase is Phase.FETCH:
            self._packages = event.items
            self._package_bar = self._bytes.add_task("download", total=event.bytes or None)
            self._stages["extract"] = self._items.add_task("extract", total=event.items or None)
        elif event.phase is Phase.LINK:
            self._stages["link"] = self._items.add_task("link", total=event.items or None)
        elif event.phase is Phase.COMPILE:
            self._stages["compile"] = self._items.add_task("compile", total=event.items or None)

    def _phase_finished(self, event: PhaseFinished) -> None:
        task = self._phases.pop(event.phase, None)
        if task is not None:
            self._steps.remove_task(task)
        if event.phase is Phase.FETCH and self._package_bar is not None:
            self._bytes.remove_task(self._package_bar)
            self._package_bar = None
        stage = {Phase.FETCH: "extract", Phase.LINK: "link", Phase.COMPILE: "compile"}.get(event.phase, "")
        if stage in self._stages:
            self._items.remove_task(self._stages.pop(stage))

    def _transfer_started(self, event: TransferStarted) -> None:
        if event.kind == "repodata":
            self._index_bars[event.key] = self._bytes.add_task(event.name[-20:], total=event.total)
        self._active[event.key] = f"download {event.name}"

    def _advance_stage(self, stage: str) -> None:
        if stage in self._stages:
            self._items.advance(self._stages[stage])
