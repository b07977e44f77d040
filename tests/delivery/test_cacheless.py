"""Where the place is that stands in for a cache. What it is good for: tests/commands/test_no_cache.py."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from engine.delivery.cacheless import place_for


def test_beside_the_prefix(tmp_path: Path) -> None:
    assert place_for(str(tmp_path / "envs/one")) == str(tmp_path)
    (tmp_path / "envs").mkdir()
    assert place_for(str(tmp_path / "envs/one")) == str(tmp_path / "envs")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_where_nothing_may_be_written_beside_it(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    tmp_path.chmod(0o500)
    try:
        assert place_for(str(tmp_path / "env")) == tempfile.gettempdir()
    finally:
        tmp_path.chmod(0o700)
