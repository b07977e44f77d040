"""`engine.ui.out`: text or one JSON object, never both."""

from __future__ import annotations

import io
import json

import pytest

from engine.errors import Interrupted, NetworkError
from engine.ui.out import Out


def make_out(**options: bool) -> tuple[Out, io.StringIO, io.StringIO]:
    stdout, stderr = io.StringIO(), io.StringIO()
    return Out(stdout=stdout, stderr=stderr, **options), stdout, stderr


def test_an_error_is_words_on_stderr() -> None:
    out, stdout, stderr = make_out()
    out.error(NetworkError("Could not reach x.", hint="Try later."))
    assert stderr.getvalue() == "error: Could not reach x.\n  hint: Try later.\n"
    out.close(success=False)
    assert stdout.getvalue() == ""


def test_a_list_may_be_the_answer_but_never_to_a_failure() -> None:
    for success, kind in ((True, list), (False, dict)):
        out, stdout, _ = make_out(json=True)
        out.document([{"a": 1}])
        out.close(success=success)
        assert isinstance(json.loads(stdout.getvalue()), kind)


def test_an_error_is_one_object_with_json() -> None:
    out, stdout, stderr = make_out(json=True)
    out.line("not shown")
    out.data("not shown")
    out.warning("beware")
    out.error(NetworkError("Could not reach x.", data={"url": "x"}))
    out.close(success=False)
    answer = json.loads(stdout.getvalue())
    assert answer["success"] is False
    assert answer["exception_name"] == "NetworkError"
    assert answer["url"] == "x"
    assert answer["warnings"] == ["beware"]
    assert [(log["level"], log["message"]) for log in answer["log_history"]] == [
        ("warning", "beware"),
        ("critical", "Could not reach x."),
    ]
    assert stderr.getvalue() == ""


def test_an_interruption_begins_a_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _, stderr = make_out()
    out.error(Interrupted())
    monkeypatch.setattr(stderr, "isatty", lambda: True)
    out.error(Interrupted())
    assert stderr.getvalue() == "error: Interrupted.\n\nerror: Interrupted.\n"


def test_what_began_well_may_end_badly() -> None:
    out, stdout, _ = make_out(json=True)
    out.result(success=True, actions={})
    out.error(NetworkError("Could not reach x."))
    out.close(success=False)
    assert json.loads(stdout.getvalue())["success"] is False


def test_quiet_keeps_data() -> None:
    out, stdout, stderr = make_out(quiet=True)
    out.line("chatter")
    out.warning("chatter")
    out.data("asked for")
    assert (stdout.getvalue(), stderr.getvalue()) == ("asked for\n", "")
