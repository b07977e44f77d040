"""``file://`` as a server: the same answers as over HTTP, including 404 and ranges, from the local disk."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import AsyncIterator
from typing import BinaryIO

import anyio
import anyio.to_thread

from engine.errors import StorageError
from engine.fetch.http.response import Headers
from engine.model.channel import url_to_path

CHUNK = 1 << 20
"""Bytes read in one go; each costs a hop to a worker thread."""

_RANGE = re.compile(r"bytes=(\d+)-")


class LocalResponse:
    """The answer of a local file. Made by `open_local`; `close` it."""

    def __init__(self, url: str, status: int, headers: Headers, file: BinaryIO | None = None) -> None:
        self.url, self.status, self.headers = url, status, headers
        self._file = file
        self.base = ""
        self.received = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes."""
        while self._file and (chunk := await anyio.to_thread.run_sync(self._read)):
            self.received += len(chunk)
            yield chunk

    def _read(self) -> bytes:
        assert self._file is not None
        try:
            return self._file.read(CHUNK)
        except OSError as error:
            raise StorageError.from_os_error(f"read {url_to_path(self.url)}", error) from error

    def close(self) -> None:
        """Give the file back. Closing an unchanged file does not block."""
        if self._file:
            self._file.close()


def open_local(url: str, range_header: str | None = None) -> LocalResponse:
    """Open what a ``file://`` URL means; a missing file is an answer (404). Blocks: call it from a worker thread."""
    path = url_to_path(url)
    try:
        file = open(path, "rb", buffering=0, opener=_no_waiting)  # noqa: SIM115 - the response closes it
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return LocalResponse(url, 404, Headers())
    except OSError as error:
        if os.path.isdir(path):  # Windows says that it is not permitted
            return LocalResponse(url, 404, Headers())
        raise StorageError.from_os_error(f"read {path}", error) from error
    try:
        return _answer(url, file, range_header)
    except BaseException:
        file.close()
        raise


def _no_waiting(path: str, flags: int) -> int:
    """Open without waiting for a writer, should this be a named pipe; means nothing for files."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _answer(url: str, file: BinaryIO, range_header: str | None) -> LocalResponse:
    info = os.fstat(file.fileno())
    if not stat.S_ISREG(info.st_mode):
        file.close()
        return LocalResponse(url, 404, Headers())
    wanted = _RANGE.match(range_header or "")
    start = min(int(wanted.group(1)), info.st_size) if wanted else 0
    file.seek(start)
    from email.utils import formatdate  # slow to load

    fields = [("Content-Length", str(info.st_size - start)), ("Last-Modified", formatdate(info.st_mtime, usegmt=True))]
    if wanted:
        fields.append(("Content-Range", f"bytes {start}-{info.st_size - 1}/{info.st_size}"))
    return LocalResponse(url, 206 if wanted else 200, Headers(fields), file)
