"""The live table of many environments on a terminal. Rule: it reads the board some times a second, and draws."""

from __future__ import annotations

import time
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from engine.ui.bulk import Board, Row
from engine.ui.text import human_bytes, human_seconds, plain

_COLOURS = {"failed": "red", "unchanged": "dim", "stopped": "yellow"}
_BAR = 20


class BulkCanvas:
    """Draws a board on ``stream`` until it is stopped."""

    def __init__(self, stream: TextIO, board: Board) -> None:
        self._console = Console(file=stream, highlight=False)
        self._board, self._began = board, time.monotonic()
        self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=8, transient=True)
        self._live.start()

    def stop(self) -> None:
        """Wipe the table away."""
        self._live.stop()

    def print(self, text: str) -> None:
        """Print a line that stays, above the table."""
        self._console.print(text, markup=False, soft_wrap=True)

    def _picture(self) -> Group:
        board = self._board
        table = Table.grid(padding=(0, 2))
        for row in self._shown():
            table.add_row(*self._cells(row))
        received = f", {human_bytes(board.bytes)} fetched" if board.bytes else ""
        line = f"{board.finished} of {len(board.rows)} environments ready{received}"
        return Group(table, Text(f"{line}, {human_seconds(time.monotonic() - self._began)}", style="bold"))

    def _shown(self) -> list[Row]:
        """What the screen has room for: those in work first, then those that wait, then the ready ones, latest last."""
        room = max(3, self._console.height - 3)
        rows = self._board.rows
        if len(rows) <= room:
            return rows
        waiting = [row for row in rows if row.result is None and row.began is None]
        ready = [row for row in rows if row.result is not None]
        chosen = {id(row) for row in [*self._board.active, *waiting, *ready][:room]}
        return [row for row in rows if id(row) in chosen]

    def _cells(self, row: Row) -> tuple[Text, Text, Text, Text]:
        label = Text(plain(row.label), overflow="ellipsis", no_wrap=True)
        if row.result is not None:
            state = row.result.state
            seconds = row.result.solve_seconds + row.result.make_seconds
            took = human_seconds(seconds) if seconds else ""
            return label, Text(state, style=_COLOURS.get(state, "green")), Text(""), Text(took, style="dim")
        if row.began is None:
            return label, Text(row.stage, style="dim"), Text(""), Text("")
        bar = ""
        if row.total:
            filled = min(_BAR, _BAR * row.done // row.total)
            mark = "#" if self._console.options.ascii_only else "━"
            bar = f"{mark * filled:<{_BAR}} {row.done}/{row.total}"
        return label, Text(row.stage), Text(bar), Text(human_seconds(time.monotonic() - row.began), style="dim")
