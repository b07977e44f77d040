"""Local files as answers: ranges, absence, and a disk that refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.fetch.http.local import open_local

pytestmark = pytest.mark.anyio


async def read(url: str, wanted: str | None = None) -> tuple[int, bytes, int | None]:
    found = open_local(url, wanted)
    try:
        return found.status, b"".join([chunk async for chunk in found.chunks()]), found.headers.number("content-length")
    finally:
        found.close()


async def test_answers(tmp_path: Path) -> None:
    file = tmp_path / "a file+1%.conda"
    file.write_bytes(b"0123456789")
    assert await read(file.as_uri()) == (200, b"0123456789", 10)
    assert await read(file.as_uri(), "bytes=4-") == (206, b"456789", 6)
    assert await read(file.as_uri(), "bytes=99-") == (206, b"", 0)
    assert await read(file.as_uri(), "lines=1-") == (200, b"0123456789", 10)
    for nothing in (tmp_path, tmp_path / "none", file / "below"):
        assert (await read(nothing.as_uri()))[0] == 404


async def test_a_directory_is_absent_also_where_the_system_calls_it_not_permitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("engine.fetch.http.local._no_waiting", refuse)
    assert (await read(tmp_path.as_uri()))[0] == 404
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        await read((tmp_path / "file").as_uri())


async def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert (await read((tmp_path / "pipe").as_uri()))[0] == 404


async def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        open_local(file.as_uri())
