"""Requests with a condition: every shape of answer that is read without aiohttp, and what is left to that."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketStream

from engine.errors import NetworkError
from engine.fetch.http import revalidate
from engine.fetch.http.settings import TransportSettings
from engine.fetch.http.transport import Transport

pytestmark = pytest.mark.anyio

QUICK = TransportSettings(retry_wait=0.001, connect_timeout=5.0, read_timeout=5.0, max_retries=0)
CONDITION = {"If-None-Match": '"1"'}
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def answering(*pieces: bytes, seen: list[bytes] | None = None) -> AsyncIterator[str]:
    """A server that gives every request these bytes, piece by piece, and then closes the connection."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            request = b""
            while b"\r\n\r\n" not in request:
                request += await stream.receive()
            if seen is not None:
                seen.append(request)
            for piece in pieces:
                await stream.send(piece)
                await anyio.wait_all_tasks_blocked()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


async def ask(url: str, headers: dict[str, str] = CONDITION) -> tuple[int, bytes]:
    """As the engine does."""
    async with Transport(QUICK) as transport, transport.open(f"{url}/a?b=c", headers=headers) as response:
        return response.status, b"".join([chunk async for chunk in response.chunks()])


async def test_not_modified_needs_no_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)  # it can't be imported
    seen: list[bytes] = []
    async with answering(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", seen=seen) as url:
        assert await ask(url) == (304, b"")
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "GET /a?b=c HTTP/1.1"
    assert {'If-None-Match: "1"', "Connection: close", f"Host: {url[7:]}", "Accept-Encoding: identity"} <= set(lines)


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((OK + b"Content-Length: 6\r\n\r\nabc", b"def"), b"abcdef"),
        ((OK + b"\r\nabc", b"def"), b"abcdef"),
        ((b"HTTP/1.0 200 OK\r\n\r\n",), b""),
        ((OK[:9], OK[9:] + b"content-length:0\r\n", b"\r\n"), b""),
        ((b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na",), b"a"),
        (
            (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"A;x=y\r\n0123", b"456789\r\n0\r\n\r\n"),
            b"abc0123456789",
        ),
    ],
)
async def test_an_index_that_has_changed_is_read_at_once(pieces: tuple[bytes, ...], body: bytes) -> None:
    seen: list[bytes] = []
    async with answering(*pieces, seen=seen) as url:
        assert await ask(url) == (200, body)
    assert len(seen) == 1, "one request is enough"


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 6\r\n\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_a_body_that_breaks_off_is_no_body(answer: bytes) -> None:
    async with answering(answer) as url:
        with pytest.raises(NetworkError, match=r"the connection to 127\.0\.0\.1 broke"):
            await ask(url)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Content-Length: -1\r\n\r\nab",
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        OK + b" folded: x\r\n\r\n",
        OK + b"Name : x\r\n\r\n",
        OK + b"X: " + b"x" * 300_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_plain_is_left_to_aiohttp(answer: bytes) -> None:
    async with answering(answer) as url:
        with pytest.raises(revalidate.Unfit):
            await revalidate.ask(url, CONDITION, QUICK, None)


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        (str, {"If-None-Match": "x\r\nAuthorization: stolen"}),
        (str, {"If-None-Match": "x\0"}),
        (str, {"If-None-Match": "é"}),
        (lambda url: f"{url}/a b", CONDITION),
        (lambda url: f"{url}/é", CONDITION),
        (lambda url: f"{url}/a\r\nX: y", CONDITION),
        (lambda url: url.replace("//", "//user:secret@"), CONDITION),
        (lambda url: "http://[::1/", CONDITION),
    ],
)
async def test_what_can_not_be_said_plainly_is_not_said(change: Callable[[str], str], headers: dict[str, str]) -> None:
    seen: list[bytes] = []
    async with answering(OK + b"\r\n", seen=seen) as url:
        with pytest.raises(revalidate.Unfit):
            await revalidate.ask(change(url), headers, QUICK, None)
    assert seen == []


async def test_nobody_waits_forever() -> None:
    settings = TransportSettings(max_retries=0, read_timeout=0.05)

    async def silent(stream: SocketStream) -> None:
        async with stream:
            await anyio.sleep_forever()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, silent)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        with pytest.raises(TimeoutError):
            await revalidate.ask(f"http://127.0.0.1:{port}/", CONDITION, settings, None)
        group.cancel_scope.cancel()
