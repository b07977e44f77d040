"""What people see of `bulk`: lines, heartbeats, the live table, the report."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from engine.bulk.results import Result, State, Totals
from engine.events import Notice, TransferAdvanced, TransferStarted
from engine.link.request import LinkSummary
from engine.model.records import RepoDataRecord
from engine.system.failure import Failure
from engine.ui import bulk as module
from engine.ui.bulk import BulkProgress
from engine.ui.bulk_live import BulkCanvas
from engine.ui.bulk_text import report_lines
from engine.ui.out import Out

A, B = (RepoDataRecord(name=n, version="1", build="0", fn=f"{n}.conda", url=f"http://h/{n}.conda") for n in "ab")


def result(label: str, state: State = "created", *records: RepoDataRecord, failure: Failure | None = None) -> Result:
    return Result(
        label=label,
        prefix=f"/envs/{label}",
        source=f"{label}.yml",
        state=state,
        records=records,
        make_seconds=1.5 if records else 0.0,
        summary=LinkSummary(files=12 * len(records)),
        failure=failure,
    )


def progress(out: io.StringIO, *labels: str) -> BulkProgress:
    return BulkProgress(Out(stdout=out, stderr=out), labels, live=False)


def test_a_line_for_each_that_is_ready() -> None:
    out = io.StringIO()
    watch = progress(out, "web", "docs", "bad")
    watch.finished(1, result("docs", "unchanged"))
    watch.finished(0, result("web", "created", A, B))
    watch.finished(2, result("bad", "failed", failure=Failure("X", "It is broken.\nIn two lines.")))
    assert out.getvalue().splitlines() == [
        "[1/3] docs: unchanged",
        "[2/3] web: created, 2 packages in 1.5 s",
        "[3/3] bad: failed: It is broken.",
    ]


def test_a_heading_goes_with_the_first_reason() -> None:
    out = io.StringIO()
    message = "Could not solve. These are not there:\n  - xyz does not exist\n  - uvw does not exist"
    progress(out, "bad").finished(0, result("bad", "failed", failure=Failure("X", message)))
    assert out.getvalue() == "[1/1] bad: failed: Could not solve. These are not there: xyz does not exist\n"


def test_a_heartbeat_says_who_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.0)
    out = io.StringIO()
    watch = progress(out, "web", "docs")
    watch.stage(0, "link", 3, 10)
    watch.event(TransferStarted("index", "index", "repodata", 10))
    watch.event(TransferAdvanced("index", 1_000_000))
    watch.event(TransferStarted("p", "p", "package", 10))
    watch.event(TransferAdvanced("p", 2_000_000))
    first, second = out.getvalue().splitlines()
    assert first.startswith("… 0 of 2 ready after ")
    assert first.endswith(": web (link)")
    assert ", 2 MB fetched: " in second


def test_notices_name_their_environment() -> None:
    out = io.StringIO()
    watch = progress(out, "web")
    watch.notice(0, Notice("info", "Waiting for something."))
    watch.notice(0, Notice("warning", "Odd."))
    watch.notice(0, Notice("debug", "unsaid"))
    assert out.getvalue() == "web: Waiting for something.\nwarning: web: Odd.\n"


def test_the_report_tells_what_was_shared_and_why_some_failed() -> None:
    failure = Failure("X", "It is broken.\n    in detail", "Mend it.")
    results = [result("web", "created", A, B), result("docs", "created", B), result("bad", "failed", failure=failure)]
    assert report_lines(results, Totals(seconds=2.0, fetched=2, fetched_bytes=3_000_000)) == [
        "",
        "  environment  state    packages  shared  files   time",
        "  web          created         2       1     24  1.5 s",
        "  docs         created         1       1     12  1.5 s",
        "  bad          failed",
        "",
        "bad (bad.yml) failed:",
        "  It is broken.",
        "      in detail",
        "  hint: Mend it.",
        "",
        "3 environments: 2 created, 1 failed; 2 packages used 3 times; 2 fetched (3 MB); in 2.0 s.",
    ]


def test_the_live_table_shows_stages_and_ends(tmp_path: Path) -> None:
    board = module.Board([f"env{number}" for number in range(40)])
    board.rows[3].began, board.rows[3].stage, board.rows[3].done, board.rows[3].total = 1.0, "link", 5, 10
    board.rows[4].result = result("env4", "created", A)
    with open(tmp_path / "screen", "w+") as stream:
        canvas = BulkCanvas(stream, board)
        try:
            shown = canvas._shown()
            canvas.print("a line that stays")
        finally:
            canvas.stop()
        stream.seek(0)
        text = stream.read()
    assert board.rows[3] in shown
    assert len(shown) < 40
    assert "a line that stays" in text
