"""Reading at a place, writing in one step."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.system import file_io
from engine.system.file_io import BINARY, read_at, write_all, write_atomic


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "file").write_bytes(b"0123456789")
    fd = os.open(tmp_path / "file", os.O_RDONLY | BINARY)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    ("size", "offset", "expected"), [(3, 0, b"012"), (3, 8, b"89"), (3, 10, b""), (3, 99, b""), (0, 4, b"")]
)
@pytest.mark.parametrize("portion", [None, 1, 2])
def test_read_at(
    fd: int, size: int, offset: int, expected: bytes, portion: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if portion:
        whole = file_io._read_at
        monkeypatch.setattr(file_io, "_read_at", lambda fd, size, at: whole(fd, min(size, portion), at))
    assert read_at(fd, size, offset) == expected


def test_write_atomic_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    for pieces in ((b"one",), (b"t", b"", b"wo")):
        write_atomic(str(tmp_path / "file"), pieces)
        assert (tmp_path / "file").read_bytes() == b"".join(pieces)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomic(str(tmp_path / "file"), (b"old",))

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(file_io.os, "write", full)
        with pytest.raises(OSError, match="full"):
            write_atomic(str(tmp_path / "file"), (b"new",))
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with open(tmp_path / "file", "wb") as file, monkeypatch.context() as patch:
        patch.setattr(file_io.os, "write", lambda fd, data: write(fd, data[:2]))
        write_all(file.fileno(), b"abcde")
    assert (tmp_path / "file").read_bytes() == b"abcde"
