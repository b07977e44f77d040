"""One unbroken stream of bytes over connections that break.

After a break the rest is asked for with ``Range`` and ``If-Range`` (RFC 9110 §13.1.5, §14); a server that answers with
the whole file again has the known part skipped. A file that changed meanwhile is an error: bytes of two files are never
mixed knowingly, and where nothing names the file, its digest finds out.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio

from engine.errors import FileChanged, HttpStatusError, NetworkError
from engine.events import Notice
from engine.fetch.http.response import MAX_DIGITS
from engine.fetch.http.transport import Headers, Response, Transport
from engine.model.channel import mask_secrets

WORTHWHILE = 64 * 1024
"""A connection that brought so many bytes before it broke is no failure: it is made anew at once."""


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
        checked: bool = False,
    ) -> None:
        """``checked``: a digest will tell whether the bytes are right, so servers that name one file in two ways (a
        farm whose clocks differ) are no reason to begin anew."""
        self._transport, self._url, self._progress = transport, url, progress
        self._given = dict(headers or {})
        self.checked = checked
        self.position = start
        self.validator = validator
        self._base = ""
        """The mirror that the last bytes came from."""
        self._total: int | None = None
        self._encoded = False
        """The bytes we count are not those that a server would count in a Range (gzip on the way)."""

    async def chunks(self, first: Response | None = None) -> AsyncGenerator[bytes, None]:
        """Connect, and connect again after every break, until the end. ``first`` is an answer that is there already."""
        fruitless = 0
        while True:
            before = self.position
            try:
                async with _given(first) if first else self._open() as found:
                    async for chunk in self.body(found):
                        yield chunk
                return
            except _Broken as broken:
                fruitless = 0 if self.position - before >= WORTHWHILE else fruitless + 1
                if fruitless > self._transport.settings.max_retries:
                    raise broken.error from broken
                self._transport.report(Notice("debug", f"{broken.error.message}; going on from byte {self.position}"))
            first = None
            if fruitless:  # a connection that got us on is made anew at once
                await anyio.sleep(self._transport.pause(fruitless))

    def _open(self) -> AbstractAsyncContextManager[Response]:
        """Ask for the rest. What no digest will check is gone on with where it was begun."""
        only = self._base if self.position and self._base and not self.checked else None
        return self._transport.open(self._url, headers=self._headers(), only=only)

    def _headers(self) -> dict[str, str]:
        if not self.position or self._encoded:
            return self._given
        # mirrors have names of their own for one file: there the digest alone tells
        named = self.validator if not (self.checked and self._transport.has_mirrors(self._url)) else None
        condition = {"If-Range": named} if named else {}
        return {**self._given, **condition, "Range": f"bytes={self.position}-"}

    async def body(self, response: Response) -> AsyncIterator[bytes]:
        """The new bytes of one answer. Raises `_Broken` where it ends too early."""
        if response.status == 416:
            self._check_end(response)
            return
        skip = self._place(response)
        self._base = response.base
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
            self._transport.broke(response)
            raise _Broken(error) from error
        if self._total is not None and not self._encoded and self.position < self._total:
            # a server may give less than what was asked for (RFC 9110 §15.3.7)
            text = f"the answer ended at byte {self.position} of {self._total}"
            raise _Broken(NetworkError(f"Could not fetch {mask_secrets(self._url)}: {text}", hint="Try again."))

    def _check_end(self, response: Response) -> None:
        """There are no bytes from our position on: either we have them all, or it is another file."""
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        if total != str(self.position):
            raise self._changed()

    def _place(self, response: Response) -> int:
        """Check that the answer continues our file; returns how many of its first bytes we have already."""
        headers = response.headers
        self._encoded = headers.get("Content-Encoding", "identity") != "identity"
        if response.status not in (200, 206):
            raise HttpStatusError(mask_secrets(self._url), response.status, "Not Found")
        start, total = 0, headers.number("Content-Length")
        if response.status == 206:
            start, total = _range_of(headers, self._url, self.position)
        self._check_same(strong_validator(headers), total)
        return self.position - start

    def _check_same(self, validator: str | None, total: int | None) -> None:
        """Compare what an answer says of its file with what is known of ours. Raises `FileChanged`."""
        if self.position and self._total is not None and total is not None and total != self._total:
            raise self._changed()
        comparable = validator and self.validator and _is_etag(validator) == _is_etag(self.validator)
        if self.position and comparable and validator != self.validator:
            if not self.checked:
                raise self._changed()
            self.validator = validator
        self.validator = self.validator or validator
        self._total = self._total if total is None else total

    def _changed(self) -> FileChanged:
        return FileChanged(
            f"Could not fetch {mask_secrets(self._url)}: the file changed on the server while it was read",
            hint="Try again.",
        )


async def nothing() -> AsyncIterator[bytes]:
    """A stream without bytes: all of them are there already."""
    none: tuple[bytes, ...] = ()
    for piece in none:
        yield piece


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


def _is_etag(validator: str) -> bool:
    return validator.startswith('"')


_NUMBER = rf"\d{{1,{MAX_DIGITS}}}"
_CONTENT_RANGE = re.compile(rf"bytes ({_NUMBER})-{_NUMBER}/(?:({_NUMBER})|\*)", re.ASCII)


def _range_of(headers: Headers, url: str, position: int) -> tuple[int, int | None]:
    """A partial answer's first byte, and the length of the whole; raises `NetworkError` if it leaves a gap."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if found and int(found[1]) <= position:
        return int(found[1]), int(found[2]) if found[2] else None
    raise NetworkError(
        f"Could not fetch {mask_secrets(url)}: asked for the bytes from {position}, "
        f"got {headers.get('Content-Range', 'a part that is not named')!r}",
        hint="The server or a proxy answers ranges wrongly.",
    )
