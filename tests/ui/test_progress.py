"""`engine.ui.progress`: one plain line a phase, a heartbeat, and a last line with what took how long."""

from __future__ import annotations

import io
import json

import pytest

from engine.events import Event, Notice, Output, Phase, PhaseFinished, PhaseStarted, TransferAdvanced, TransferStarted
from engine.ui import progress as module
from engine.ui.out import Out
from engine.ui.progress import Progress, describe_phase, describe_run


def run(*events: Event, **options: int) -> tuple[Progress, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    progress = Progress(Out(stdout=stdout, stderr=stderr), bars=False, **options)
    for event in events:
        progress(event)
    progress.close()
    return progress, stdout.getvalue(), stderr.getvalue()


def test_one_line_a_phase() -> None:
    progress, text, _ = run(
        PhaseStarted(Phase.FETCH, items=2, bytes=100),
        TransferStarted("a", "a", "package", 100),
        TransferAdvanced("a", 100),
        PhaseFinished(Phase.FETCH, 1.25, items=2, bytes=100),
    )
    assert text == "Fetched 2 packages, 100 B in 1.2 s\n"
    assert len(progress.finished) == 1


def test_notices_and_output_of_programs() -> None:
    _, text, errors = run(Notice("warning", "beware"), Notice("info", "so"), Notice("debug", "no"), Output("pip", "ok"))
    assert errors == "warning: beware\n"
    assert text == "so\npip: ok\n"


def test_what_goes_on_inside_is_said_to_those_who_ask_on_standard_error() -> None:
    """As micromamba's log is; an answer in JSON has it in ``log_history``."""
    _, text, errors = run(Notice("debug", "inside"), Notice("info", "so"), verbose=1)
    assert (text, errors) == ("so\n", "debug: inside\n")
    out = Out(json=True, stdout=io.StringIO(), stderr=io.StringIO())
    Progress(out, bars=False, verbose=1)(Notice("debug", "inside"))
    out.result(success=True)
    out.close(success=True)
    found = json.loads(out.stream.getvalue())["log_history"]  # type: ignore[attr-defined]
    assert found == [{"level": "debug", "message": "inside", "source": "whipsnake"}]


def test_a_long_phase_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", -1)
    _, text, _ = run(PhaseStarted(Phase.FETCH), TransferAdvanced("a", 2_000_000))
    assert text.startswith("Fetching packages … ")
    assert "2 MB so far" in text


def test_the_last_line() -> None:
    finished = [PhaseFinished(Phase.SOLVE, 0.25, items=3), PhaseFinished(Phase.LINK, 1.0, items=3, bytes=2_000_000)]
    assert describe_run(finished, 1.3) == "Done in 1.3 s (solve 0.2 s · link 2 MB 1.0 s)"
    assert describe_phase(finished[0]) == "Solved 3 packages in 0.2 s"
