"""When to ask again: pure rules."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from engine.fetch.http.retry import is_retried, pause, retry_after
from engine.fetch.http.settings import TransportSettings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        (" 17 ", 17.0),
        ("-5", None),
        ("soon", None),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:04:35", 30.0),
        ("Fri, 02 Jan 2020 03:04:05 GMT", 0.0),
        ("\u00b2", None),
        ("Fri, 02 Jan 2026 03:04:05 +99999999999999999999", None),
        ("Fri, 02 Jan 99999999999999999999 03:04:05 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_pauses_grow_are_jittered_and_have_a_limit() -> None:
    settings = TransportSettings(retry_wait=2.0, backoff_factor=3.0, longest_wait=10.0)
    assert [pause(attempt, settings, 1.0) for attempt in (1, 2, 3, 50)] == [2.0, 6.0, 10.0, 10.0]
    assert pause(1, settings, 0.0) == 1.0


@pytest.mark.parametrize(("status", "again"), [(429, True), (503, True), (520, True), (404, False), (501, False)])
def test_statuses(status: int, again: bool) -> None:
    assert is_retried(status) is again
