"""Where the place is that stands in for a cache. What it is good for: tests/commands/test_no_cache.py."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine.delivery.cacheless import leftovers, place_for
from engine.system.temporary import PREFIX, temporary_name


def test_beside_the_prefix(tmp_path: Path) -> None:
    assert place_for(str(tmp_path / "envs/one")) == str(tmp_path)
    (tmp_path / "envs").mkdir()
    assert place_for(str(tmp_path / "envs/one")) == str(tmp_path / "envs")


def test_what_a_killed_first_run_left_is_found(tmp_path: Path) -> None:
    """Its place was above directories that were not there yet."""
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    world, _, _ = temporary_name().removeprefix(PREFIX).split("-")
    left = tmp_path / f"{PREFIX}{world}-{dead.pid}-0123abcd"
    left.mkdir()
    envs = tmp_path / "root" / "envs"
    envs.mkdir(parents=True)
    assert list(leftovers(str(envs))) == [str(left)]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_where_nothing_may_be_written_beside_it(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    tmp_path.chmod(0o500)
    try:
        assert place_for(str(tmp_path / "env")) == tempfile.gettempdir()
    finally:
        tmp_path.chmod(0o700)
