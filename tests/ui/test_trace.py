"""The trace is what the events say, in the form that trace viewers read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StorageError
from engine.events import (
    Event,
    Notice,
    Phase,
    PhaseFinished,
    PhaseStarted,
    TransferAdvanced,
    TransferFinished,
    TransferStarted,
    WorkFinished,
    WorkStarted,
)
from engine.ui.trace import Trace


def _clock() -> Callable[[], int]:
    """One millisecond more at each look."""
    now = -1_000_000

    def clock() -> int:
        nonlocal now
        now += 1_000_000
        return now

    return clock


def _saved(path: Path, *events: Event) -> list[dict[str, Any]]:
    trace = Trace(_clock())
    for event in events:
        trace(event)
    trace.save(str(path))
    found: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    return found


def _spans(events: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    return {event["name"]: (event["ts"], event["dur"]) for event in events if event["ph"] == "X"}


def test_work_and_transfers_become_spans_in_microseconds(tmp_path: Path) -> None:
    found = _saved(
        tmp_path / "trace.json",
        PhaseStarted(Phase.FETCH),
        TransferStarted("key", "numpy-2.0", "package", 10),
        TransferAdvanced("key", 10),
        TransferFinished("key"),
        WorkStarted("extract", "numpy"),
        WorkFinished("extract", "numpy", files=3, bytes=10),
        PhaseFinished(Phase.FETCH, 0.006),
    )
    assert _spans(found) == {"numpy-2.0": (2000, 2000), "numpy": (5000, 1000), "fetch": (1000, 6000)}
    received = [event["args"] for event in found if event["name"] == "bytes received"]
    assert received == [{"bytes": 10}]


def test_what_goes_on_at_once_has_rows_of_its_own_and_rows_are_used_again(tmp_path: Path) -> None:
    found = _saved(
        tmp_path / "trace.json",
        WorkStarted("link", "a"),
        WorkStarted("link", "b"),
        WorkFinished("link", "a"),
        WorkStarted("link", "c"),
        WorkFinished("link", "b"),
        WorkFinished("link", "c"),
    )
    rows = {event["name"]: event["tid"] for event in found if event["ph"] == "X"}
    assert rows["a"] == rows["c"] != rows["b"]
    names = [event["args"]["name"] for event in found if event["name"] == "thread_name"]
    assert names == ["link 1", "link 2"]


def test_the_queue_between_two_stages_is_counted(tmp_path: Path) -> None:
    found = _saved(
        tmp_path / "trace.json",
        WorkStarted("extract", "a"),
        WorkFinished("extract", "a"),
        WorkStarted("link", "a"),
        WorkFinished("link", "a"),
    )
    waiting = [event["args"]["packages"] for event in found if event["name"] == "waiting to be linked"]
    assert waiting == [0, 1, 0, 0]
    work = [event["args"] for event in found if event["name"] == "in work"]
    assert [(one["extract"], one["link"]) for one in work] == [(1, 0), (0, 0), (0, 1), (0, 0)]


def test_phases_without_a_beginning_and_work_without_an_end_are_shown(tmp_path: Path) -> None:
    found = _saved(
        tmp_path / "trace.json",
        PhaseFinished(Phase.REPODATA, 0.001),
        WorkStarted("link", "stuck"),
        Notice("warning", "look out"),
    )
    assert _spans(found) == {"repodata": (0, 1000), "stuck": (2000, 2000)}
    assert [event["name"] for event in found if event["ph"] == "i"] == ["look out"]
    assert [event["args"] for event in found if event["name"] == "stuck"] == [{"unfinished": True}]


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="write the trace"):
        Trace().save(str(tmp_path / "missing" / "trace.json"))
