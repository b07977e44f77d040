"""One unbroken stream of bytes over connections that break.

After a break the rest is asked for with ``Range`` and ``If-Range``; a server that answers with the whole file again
has the known part skipped. A file that changed meanwhile is an error: bytes of two files are never mixed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import anyio

from engine.errors import HttpStatusError, NetworkError
from engine.events import Report, TransferAdvanced
from engine.fetch.http import Headers, Response, Transport
from engine.model.channel import mask_secrets

WORTHWHILE = 64 * 1024
"""A connection that brought so many bytes before it broke is no failure: it is made anew at once."""


async def continuous(
    transport: Transport,
    url: str,
    report: Report,
    key: str,
    *,
    start: int = 0,
    validator: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[bytes]:
    """The bytes of ``url`` from ``start`` on, in order, each once; ``report`` hears of every chunk under ``key``.

    ``validator`` is the ETag or Last-Modified of the file that the first ``start`` bytes came from. Gives up with
    `NetworkError` after ``max_retries`` breaks in a row that brought less than `WORTHWHILE`; raises
    `HttpStatusError` for 404 too.
    """

    def progress(amount: int) -> None:
        report(TransferAdvanced(key, amount))

    stream = Continuation(transport, url, start=start, validator=validator, headers=headers, progress=progress)
    async for chunk in stream.chunks():
        yield chunk


class Continuation:
    """The state of one such stream: how far it came, and what file it was."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        *,
        start: int = 0,
        validator: str | None = None,
        headers: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._transport, self._url, self._progress = transport, url, progress
        self._given = dict(headers or {})
        self.position = start
        self.validator = validator
        self._encoded = False
        """The bytes we count are not those that a server would count in a Range (gzip on the way)."""

    async def chunks(self, first: Response | None = None) -> AsyncIterator[bytes]:
        """Connect, and connect again after every break, until the end. ``first`` is an answer that is there already."""
        fruitless = 0
        while True:
            before = self.position
            try:
                async with (
                    _given(first) if first else self._transport.open(self._url, headers=self._headers()) as found
                ):
                    async for chunk in self.body(found):
                        yield chunk
                return
            except _Broken as broken:
                fruitless = 0 if self.position - before >= WORTHWHILE else fruitless + 1
                if fruitless > self._transport.settings.max_retries:
                    raise broken.error from broken
            first = None
            if fruitless:  # a connection that got us on is made anew at once
                await anyio.sleep(self._transport.pause(fruitless))

    def _headers(self) -> dict[str, str]:
        if not self.position or self._encoded:
            return self._given
        condition = {"If-Range": self.validator} if self.validator else {}
        return {**self._given, **condition, "Range": f"bytes={self.position}-"}

    async def body(self, response: Response) -> AsyncIterator[bytes]:
        """The new bytes of one answer. Raises `_Broken` where it ends too early."""
        skip = self._place(response)
        try:
            async for chunk in response.chunks():
                fresh = chunk[skip:] if skip else chunk
                skip = max(0, skip - len(chunk))
                self.position += len(fresh)
                if fresh:
                    if self._progress:
                        self._progress(len(fresh))
                    yield fresh
        except NetworkError as error:
            raise _Broken(error) from error

    def _place(self, response: Response) -> int:
        """Check that the answer continues our file; returns how many of its first bytes we have already."""
        self._encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        found = strong_validator(response.headers)
        if response.status not in (200, 206):
            raise HttpStatusError(mask_secrets(self._url), response.status, "Not Found")
        if self.position and self.validator and found and found != self.validator:
            raise NetworkError(
                f"Could not fetch {mask_secrets(self._url)}: the file changed on the server while it was read",
                hint="Try again.",
            )
        self.validator = self.validator or found
        if response.status == 206:
            return self.position - _range_start(response.headers, self._url, self.position)
        return self.position


@asynccontextmanager
async def _given(response: Response) -> AsyncIterator[Response]:
    """An answer that somebody else opened and will close."""
    yield response


class _Broken(Exception):
    """The body ended before its end; ``error`` says how."""

    def __init__(self, error: NetworkError) -> None:
        super().__init__(str(error))
        self.error = error


def strong_validator(headers: Headers) -> str | None:
    """What names this very file: a strong ETag, else Last-Modified (RFC 9110 §13.1.5); None if there is neither."""
    etag = headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return etag
    return headers.get("Last-Modified")


def _range_start(headers: Headers, url: str, position: int) -> int:
    """The offset of a partial answer's first byte; raises `NetworkError` if it leaves a gap."""
    unit, _, rest = headers.get("Content-Range", "").partition(" ")
    first = rest.partition("-")[0]
    if unit == "bytes" and first.isdigit() and int(first) <= position:
        return int(first)
    raise NetworkError(
        f"Could not fetch {mask_secrets(url)}: asked for the bytes from {position}, "
        f"got {headers.get('Content-Range', 'a part that is not named')!r}",
        hint="The server or a proxy answers ranges wrongly.",
    )
