from __future__ import annotations

import pytest

from engine.errors import NetworkError
from engine.fetch.http.pace import Pace
from engine.fetch.http.settings import TransportSettings


def test_slow_for_long_enough_is_too_slow() -> None:
    pace = Pace(TransportSettings(low_speed_limit=30, low_speed_time=60.0))
    pace.count(100, 59.0, "https://host/x")
    with pytest.raises(NetworkError, match="only 110 bytes in 60 s"):
        pace.count(10, 1.0, "https://host/x")


def test_each_minute_counts_for_itself() -> None:
    pace = Pace(TransportSettings(low_speed_limit=30, low_speed_time=60.0))
    pace.count(1 << 20, 60.0, "https://host/x")
    with pytest.raises(NetworkError):
        pace.count(0, 60.0, "https://host/x")


def test_no_limit() -> None:
    pace = Pace(TransportSettings(low_speed_limit=0))
    for _ in range(3):
        pace.count(0, 100.0, "https://host/x")
