"""One request with a condition ("only if it is newer than mine"), by what the standard library has.

Mostly the answer is 304 and has no body; nothing else is asked for then, and importing aiohttp would take longer than
all the rest of a run whose caches are full. Rule of this file: an answer in plain HTTP/1.1 is read to its end, whatever
its status; for anything else `Unfit` says that the request is one for aiohttp. Each has a connection of its own.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import anyio

from engine.fetch.http.response import Headers
from engine.fetch.http.settings import TransportSettings

_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_BUFFER = 1 << 18
"""Bytes that are read ahead; a longer head is none."""
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: ([^\r\n]*))?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


class Unfit(Exception):
    """This request, or its answer, needs more than is done here."""


def has_condition(headers: Mapping[str, str]) -> bool:
    """Whether an answer without a body is likely."""
    return not _CONDITIONS.isdisjoint(headers)


async def ask(url: str, headers: Mapping[str, str], settings: TransportSettings, tls: ssl.SSLContext | None) -> Reply:
    """Ask for ``url``, which has no credentials in it, directly. Raises `Unfit`, or `OSError` if no answer came."""
    request, host, port = _request(url, headers)
    with anyio.fail_after(settings.connect_timeout):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=_BUFFER, happy_eyeballs_delay=0.25)
    try:
        writer.write(request)
        status = b"1"
        while status.startswith(b"1"):  # "go on" and "early hints" come before the answer
            with anyio.fail_after(settings.read_timeout):
                head = await reader.readuntil(b"\r\n\r\n")
            status, reason, fields = _parse(head)
        return Reply(reader, writer, (int(status), reason), fields, settings.read_timeout)
    except (asyncio.LimitOverrunError, asyncio.IncompleteReadError) as error:
        writer.transport.abort()
        raise Unfit from error
    except BaseException:
        writer.transport.abort()
        raise


def _request(url: str, headers: Mapping[str, str]) -> tuple[bytes, str, int]:
    """What to send, and where to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Unfit from error
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": parts.netloc, **headers, "Connection": "close"}
    text = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    if not host or "@" in parts.netloc or " " in target or not all(map(_is_plain, (url, *fields.values()))):
        raise Unfit
    return f"GET {target} HTTP/1.1\r\n{text}\r\n".encode("ascii"), host, port


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _parse(head: bytes) -> tuple[bytes, str, Headers]:
    first, *lines = head[:-4].split(b"\r\n")
    status = _STATUS.fullmatch(first)
    fields = [_FIELD.fullmatch(line) for line in lines]
    if status is None or not all(fields):
        raise Unfit
    pairs = [(found[1].decode("ascii"), found[2].decode("utf-8", "surrogateescape")) for found in fields if found]
    names = [name.lower() for name, _ in pairs]
    if any(names.count(name) > 1 for name in ("content-length", "transfer-encoding")):
        raise Unfit
    return status[1], (status[2] or b"").decode("utf-8", "replace"), Headers(pairs)


class Reply:
    """An answer whose body is still to come; it has what `engine.fetch.http.client` needs of aiohttp's."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        status: tuple[int, str],
        headers: Headers,
        timeout: float,
    ) -> None:
        self.status, self.reason = status
        self.headers = headers
        self.content = Body(reader, timeout, *_framing(self.status, headers))
        self._writer = writer

    async def read(self) -> bytes:
        """The rest of the body."""
        pieces = []
        while piece := await self.content.readany():
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Give the connection up."""
        self._writer.transport.abort()

    release = close


def _framing(status: int, headers: Headers) -> tuple[bool, int | None]:
    """Whether the body comes in chunks, else its length (None: as long as the connection)."""
    if status in (204, 304):
        return False, 0
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unfit
    encoding = headers.get("Transfer-Encoding")
    if encoding is not None:
        if encoding.lower() != "chunked" or "Content-Length" in headers:
            raise Unfit
        return True, None
    length = headers.number("Content-Length")
    if length is None and "Content-Length" in headers:
        raise Unfit
    return False, length


class Body:
    """The bytes of an answer as they arrive."""

    def __init__(self, reader: asyncio.StreamReader, timeout: float, chunked: bool, length: int | None) -> None:
        self._reader, self._timeout = reader, timeout
        self._chunked, self._left = chunked, length
        """How much of the body, or of a chunk, is still to come; None: nobody knows."""
        self._begun = False
        self._ended = length == 0

    def at_eof(self) -> bool:
        """Whether all of it was read."""
        return self._ended

    async def readany(self) -> bytes:
        """What is there; nothing at the end. Raises `OSError` where it breaks off."""
        if self._ended:
            return b""
        with anyio.fail_after(self._timeout):
            if self._chunked and not self._left:
                self._left = await self._next_chunk()
                if not self._left:
                    self._ended = True
                    return b""
            piece = await self._reader.read(_BUFFER if self._left is None else min(self._left, _BUFFER))
        if not piece and self._left is not None:
            raise ConnectionResetError("the answer is not complete")
        if self._left is not None:
            self._left -= len(piece)
        self._ended = not self._chunked and (not piece or self._left == 0)
        return piece

    async def _next_chunk(self) -> int:
        """The size of the next chunk; 0 is the last."""
        try:
            if self._begun and await self._reader.readexactly(2) != b"\r\n":
                raise ConnectionResetError("the answer's chunks are broken")
            self._begun = True
            found = _SIZE.fullmatch(await self._reader.readuntil(b"\r\n"))
        except (asyncio.LimitOverrunError, asyncio.IncompleteReadError) as error:
            raise ConnectionResetError("the answer is not complete") from error
        if found is None:
            raise ConnectionResetError("the answer's chunks are broken")
        return int(found[1], 16)
