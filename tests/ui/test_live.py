"""`engine.ui.live`: what a person at a terminal sees; drawn into a text here."""

from __future__ import annotations

import io

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
from engine.ui.live import LiveCanvas


def drawn(*events: Event) -> str:
    """The picture after the events, as plain text."""
    stream = io.StringIO()
    canvas = LiveCanvas(stream)
    for event in events:
        canvas.show(event)
    canvas._console.width = 120
    canvas._console.print(canvas._picture())
    return stream.getvalue()


START = (
    PhaseStarted(Phase.FETCH, items=2, bytes=2000),
    TransferStarted("key", "numpy-1.0-h_0.conda", "package", 2000),
    WorkStarted("extract", "numpy"),
    TransferAdvanced("key", 500),
)


def test_bars_and_what_is_running_now() -> None:
    picture = drawn(*START)
    assert "0.5/2.0 kB" in picture
    assert "0/2" in picture
    assert "download numpy-1.0-h_0.conda, extract numpy" in picture


def test_what_is_done_disappears() -> None:
    picture = drawn(*START, TransferFinished("key"), WorkFinished("extract", "numpy"))
    assert "numpy" not in picture
    assert "1/2" in picture
    assert drawn(*START, TransferFinished("key"), PhaseFinished(Phase.FETCH, 1.0)).count("━") == 0


def test_an_index_has_a_bar_of_its_own() -> None:
    started = (PhaseStarted(Phase.REPODATA), TransferStarted("i", "conda-forge/noarch", "repodata", 100))
    assert "conda-forge/noarch" in drawn(*started, TransferAdvanced("i", 50))
    assert "conda-forge/noarch" not in drawn(*started, TransferFinished("i"))


def test_printing_and_stopping() -> None:
    stream = io.StringIO()
    canvas = LiveCanvas(stream)
    canvas.start()
    canvas.print("a line that [stays]")
    canvas.stop()
    assert "a line that [stays]" in stream.getvalue()


def test_lines_are_left_for_the_terminal_to_break() -> None:
    stream = io.StringIO()
    canvas = LiveCanvas(stream)
    canvas._console.width = 20
    canvas.print("a line that is longer than the terminal is wide")
    assert stream.getvalue() == "a line that is longer than the terminal is wide\n"


def test_a_terminal_without_unicode() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    canvas = LiveCanvas(stream)
    for event in START:
        canvas.show(event)
    canvas._console.print(canvas._picture())
    stream.flush()
    assert b"download numpy-1.0" in written.getvalue()
