"""How new a package may be: what people may write, and what it means (CEP 47; conda's words and meanings)."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from engine.errors import ConfigError
from engine.model.cutoff import Cutoffs, known_since, parse_cutoffs
from engine.model.cutoff_text import parse_cutoff
from engine.model.records import PackageRecord

NOW = 1_800_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR


def moment(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=timezone.utc).timestamp() * 1000)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("7d", 7 * DAY),
        ("3d12h", 3 * DAY + 12 * HOUR),
        (" 3d 12h ", 3 * DAY + 12 * HOUR),
        ("1w", 7 * DAY),
        ("2 weeks", 14 * DAY),
        ("1 day 6 hours", 30 * HOUR),
        ("90m", 90 * 60_000),
        ("10min", 600_000),
        ("P7D", 7 * DAY),
        ("P1W", 7 * DAY),
        ("P1DT12H30M5S", DAY + 12 * HOUR + 30 * 60_000 + 5_000),
        ("pt1h", HOUR),
        ("3600", HOUR),
        ("0", 0),
        ("0.5", 500),
    ],
)
def test_durations_count_back_from_now(text: str, back: int) -> None:
    assert parse_cutoff(text, NOW) == NOW - back


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-01", moment(2026, 4, 2)),
        ("2026-12-31", moment(2027, 1, 1)),
        ("2026-04-01T12:00:00Z", moment(2026, 4, 1, 12)),
        ("2026-04-01t12:00z", moment(2026, 4, 1, 12)),
        ("2026-04-01 12:00", moment(2026, 4, 1, 12)),
        ("2026-04-01T12:00:00+02:00", moment(2026, 4, 1, 10)),
    ],
)
def test_dates_mean_all_of_the_day_and_moments_themselves(text: str, expected: int) -> None:
    assert parse_cutoff(text, NOW) == expected


@pytest.mark.parametrize("text", ["", " ", "false", "no", "Off"])
def test_no_limit(text: str) -> None:
    assert parse_cutoff(text, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "7x",
        "-7d",
        "P",
        "PT",
        "7d later",
        "2026-02-30",
        "9999-12-31",
        "20260401",
        "2026-04-01T25:00",
        "d",
        "1e9",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a duration or a date"):
        parse_cutoff(text, NOW)


@pytest.mark.parametrize("text", ["9" * 5000, "1d" * 3000 + "!", "1 " * 3000])
def test_long_texts_are_refused_quickly(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_cutoff(text, NOW)


def test_the_nearest_limit_counts() -> None:
    limits = parse_cutoffs(
        "7d", {"OpenSSL": "false", "numpy": "30d"}, [(["https://h/a/"], "1d"), (["https://h/a"], "0")], NOW
    )
    assert limits.limit("zlib", "https://h/b") == NOW - 7 * DAY
    assert limits.limit("zlib", "https://h/a") == NOW - DAY
    assert limits.limit("numpy", "https://h/a/") == NOW - 30 * DAY
    assert limits.limit("openssl", "https://h/a") is None
    assert bool(limits)
    assert not parse_cutoffs("", {"a": "false"}, [(["https://h/a"], "no")], NOW)
    assert not Cutoffs()


def test_the_servers_word_counts_more_than_the_builders() -> None:
    assert known_since(PackageRecord(name="a", version="1", timestamp=5, indexed_timestamp=7)) == 7
    assert known_since(PackageRecord(name="a", version="1", timestamp=1_700_000_000)) == 1_700_000_000_000
    assert known_since(PackageRecord(name="a", version="1")) == 0
