from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.system import writing
from engine.system.writing import package_mode, umask_of, write_new


@pytest.fixture(params=[True, False], ids=["by handle", "by path"], autouse=True)
def times(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How times are set differs between systems."""
    monkeypatch.setattr(writing, "TIMES_BY_HANDLE", request.param and os.utime in os.supports_fd)


@pytest.mark.skipif(os.name == "nt", reason="there are no such permissions on Windows")
@pytest.mark.parametrize("mode", [0o600, 0o755, 0o777])
def test_content_mode_and_time(mode: int, tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_new(str(tmp_path / "x"), [b"one ", memoryview(b"two")], mode, 1_700_000_000, 0o027)
    finally:
        os.umask(umask)
    facts = (tmp_path / "x").stat()
    assert (tmp_path / "x").read_bytes() == b"one two"
    assert stat.S_IMODE(facts.st_mode) == mode
    assert facts.st_mtime_ns == 1_700_000_000 * 10**9


@pytest.mark.parametrize("mtime", [-5, 1 << 70])
def test_times_that_no_file_system_has(mtime: int, tmp_path: Path) -> None:
    write_new(str(tmp_path / "x"), [], 0o644, mtime, 0o022)
    assert 0 <= (tmp_path / "x").stat().st_mtime < 1 << 34


@pytest.mark.parametrize("there", ["file", "link"])
def test_nothing_is_written_over_or_through(there: str, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("as it was")
    if there == "link":
        (tmp_path / "x").symlink_to("victim")
    else:
        (tmp_path / "x").write_text("as it was")
    with pytest.raises(FileExistsError):
        write_new(str(tmp_path / "x"), [b"new"], 0o644, 0, 0o022)
    assert (tmp_path / "x").read_text() == "as it was"


def test_permissions_of_packages() -> None:
    assert package_mode(0o6777, 0o022) == 0o755
    assert package_mode(0o775, 0o002) == 0o775
    assert package_mode(0o000, 0o022) == 0o400
    assert umask_of(0o040750) & 0o777 == 0o027
