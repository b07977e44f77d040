"""The home directory, where HOME says nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.system.home import home_directory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no HOME")


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import pwd

    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_directory() == str(tmp_path)
    known = pwd.getpwuid(0).pw_dir
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setenv("HOME", "")
    assert home_directory() == known
    monkeypatch.delenv("HOME")
    assert home_directory() == known


@pytest.mark.parametrize("home", [None, ""])
def test_a_user_whom_nobody_knows(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `docker run --user 12345` makes one."""
    monkeypatch.setattr("os.getuid", lambda: 987_654_321)
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    assert home_directory() == "/"
