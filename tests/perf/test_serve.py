"""The wire is as long and as wide as it was told to be."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

from perf.serve import Wire, serving


def _get(url: str) -> tuple[bytes, float]:
    started = time.perf_counter()
    with urllib.request.urlopen(url) as answer:
        return answer.read(), time.perf_counter() - started


def test_a_channel_is_served(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    tmp_path.chmod(0o755)
    with serving(tmp_path) as url:
        assert _get(f"{url}/file")[0] == b"content"


def test_latency_and_bandwidth_hold_back_what_passes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(400_000))
    tmp_path.chmod(0o755)
    with serving(tmp_path, Wire(latency=0.1, bandwidth=1_000_000)) as url:
        body, seconds = _get(f"{url}/file")
    assert len(body) == 400_000
    assert seconds > 0.1 + 0.4
