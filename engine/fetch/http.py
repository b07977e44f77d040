"""Talking to servers: the only importer of aiohttp.

Rule of this file: a request either gives an answer that means something to the caller (200, 206, 304, 404) or one
error of ours with the URL's secrets masked. What may pass by itself (a refused connection, 429, 5xx) is asked again
here, before any byte was handed out; a break in the middle of a body is the caller's (see `engine.fetch.transfer`).
aiohttp is imported by the first request: a third of the time of a run whose caches are fresh would go into that.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from engine.errors import HttpStatusError, NetworkError, OfflineError
from engine.events import Notice, Report, silent
from engine.fetch.auth import AuthStore, Credential
from engine.fetch.http_errors import network_error, status_error
from engine.fetch.http_local import open_local
from engine.fetch.pace import Pace
from engine.fetch.proxy import proxy_for
from engine.fetch.redirect import MAX_REDIRECTS, REDIRECTS, redirected
from engine.fetch.response import Headers, Response
from engine.fetch.retry import is_retried, pause, retry_after
from engine.fetch.settings import TransportSettings
from engine.fetch.tls import tls_context
from engine.model.url import mask_secrets, scheme_of

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

__all__ = ["Headers", "Response", "Transport", "TransportSettings"]

ANSWERS = frozenset({200, 206, 304, 404})
_SHORT = 1 << 14
"""A body that is not wanted is read to its end up to this length: cheaper than a new connection."""
_BUFFER = 1 << 18
"""aiohttp's read buffer: fewer, larger chunks than with its default of 64 KiB."""


class _Later(Exception):
    """This attempt failed in a way that may pass; ``error`` is what to raise when patience ends."""

    def __init__(self, error: NetworkError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.wait = error, wait


class Transport:
    """Connections to all servers, kept alive between requests; use it as an asynchronous context manager."""

    def __init__(self, settings: TransportSettings | None = None, report: Report = silent) -> None:
        """``report`` hears of attempts that failed and will be made again."""
        self.settings = settings or TransportSettings()
        self.report = report
        self._entered = False
        self._session: aiohttp.ClientSession | None = None
        self._auth: AuthStore | None = None
        self._keyring: dict[str, Credential | None] = {}
        self._tls: ssl.SSLContext | None = None
        self._lock = anyio.Lock()
        self._random = random.Random()

    async def __aenter__(self) -> Transport:
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session, self._entered = self._session, None, False
        if session:
            with anyio.CancelScope(shield=True):
                await session.close()

    @asynccontextmanager
    async def open(self, url: str, *, headers: Mapping[str, str] | None = None) -> AsyncIterator[Response]:
        """Ask for ``url`` (http, https, file) and give its answer: 200, 206, 304 or 404, its body not yet read.

        416 is an answer too where ``headers`` ask for a range.

        Raises `OfflineError`, `HttpStatusError` for any other status, `NetworkError` where no answer came, after
        ``max_retries`` more attempts where these may help. ``headers`` are sent on redirects too; credentials of
        the settings are sent only to the host they are for.
        """
        scheme = scheme_of(url)
        if scheme == "file":
            wanted = (headers or {}).get("Range")
            local = await anyio.to_thread.run_sync(open_local, url, wanted)
            try:
                yield local
            finally:
                local.close()
            return
        if scheme not in ("http", "https"):
            raise NetworkError(
                f"Could not fetch {mask_secrets(url)}: this kind of address is not supported",
                hint="Channels can be reached over https, http and file.",
            )
        answer = await self._ask_patiently(url, headers or {})
        try:
            yield answer
        finally:
            await answer.give_back()

    async def _ask_patiently(self, url: str, headers: Mapping[str, str]) -> _HttpResponse:
        """An acceptable answer; retries what may pass."""
        if self.settings.offline:
            raise OfflineError(
                f"Could not fetch {mask_secrets(url)}: working offline",
                hint="Run without --offline, or first once with the network so that it is in the cache.",
            )
        for attempt in range(1, self.settings.max_retries + 2):
            try:
                return await self._ask(url, headers)
            except _Later as later:
                wait = later.wait if later.wait is not None else self.pause(attempt)
                if attempt > self.settings.max_retries or wait > self.settings.longest_wait:
                    raise later.error from None
                self.report(Notice("info", f"{later.error.message}; trying again in {wait:.0f} s."))
                await anyio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def pause(self, attempt: int) -> float:
        """How long to wait before retry number ``attempt`` (from 1), in seconds, jittered."""
        return pause(attempt, self.settings, self._random.random())

    async def _ask(self, url: str, headers: Mapping[str, str]) -> _HttpResponse:
        """One attempt, with its redirects. Raises `_Later` for what may pass."""
        here = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._request(here, headers)
            if answer.status in (401, 403) and await self._is_in_keyring(here):
                await answer.give_back()
                answer = await self._request(here, headers)
            if answer.status not in REDIRECTS or "Location" not in answer.headers:
                await self._check_status(url, answer, in_part="Range" in headers)
                return answer
            await answer.give_back()
            here = redirected(here, answer.headers["Location"])
        raise NetworkError(
            f"Could not fetch {mask_secrets(url)}: more than {MAX_REDIRECTS} redirects",
            hint="The server sends us in circles; check the channel's address, or a proxy or login page between.",
        )

    async def _request(self, url: str, headers: Mapping[str, str]) -> _HttpResponse:
        """One request and the head of its answer."""
        assert self._entered, "a Transport must be entered before it is used"
        settings = self.settings
        session = self._session = self._session or _new_session(settings)
        proxy = None
        try:
            place = (await self._credentials()).authorise(url)
            secret = {"Authorization": place.header} if place.header else {}
            proxy = proxy_for(url, settings.proxies, settings.no_proxy)
            reply = await session.get(
                _exact(place.url),
                headers={**headers, **secret},
                allow_redirects=False,
                proxy=proxy,
                ssl=await self._tls_for(url, proxy),
            )
        except _failures(ValueError) as error:
            failure, passing = network_error(url, error, proxy)
            if passing:
                raise _Later(failure) from error
            raise failure from error
        return _HttpResponse(url, reply, settings)

    async def _credentials(self) -> AuthStore:
        """Who we are for whom, read when first needed."""
        if (known := self._auth) is not None:
            return known
        async with self._lock:
            known = self._auth = self._auth or await self._read_credentials()
        return known

    async def _read_credentials(self) -> AuthStore:
        from engine.fetch.credential_files import read_credentials

        store, notes = await anyio.to_thread.run_sync(read_credentials, self.settings.credentials)
        for note in notes:
            self.report(Notice("warning", note))
        return store

    async def _is_in_keyring(self, url: str) -> bool:
        """Whether the keyring knows who we are for a server that has just refused us; it is asked once for each."""
        host = urlsplit(url).hostname or ""
        if not self.settings.keyring or self._auth is None:
            return False
        async with self._lock:
            if host not in self._keyring:
                from engine.fetch.credential_keyring import keyring_credential

                found = self._keyring[host] = await anyio.to_thread.run_sync(keyring_credential, host)
                if found is not None:
                    self._auth.add(host, found)
        return self._keyring[host] is not None

    async def _tls_for(self, url: str, proxy: str | None) -> ssl.SSLContext | bool:
        """The TLS context, made when first needed: reading a trust store costs some 20 ms."""
        if not (url.startswith("https:") or (proxy or "").startswith("https:")):
            return True
        async with self._lock:
            if self._tls is None:
                self._tls = await anyio.to_thread.run_sync(tls_context, self.settings)
        return self._tls

    async def _check_status(self, url: str, answer: _HttpResponse, *, in_part: bool) -> None:
        if answer.status in ANSWERS or (answer.status == 416 and in_part):
            return
        error: HttpStatusError = status_error(url, answer.status, answer.reason)
        wait = retry_after(answer.headers.get("Retry-After"), datetime.now(timezone.utc))
        await answer.give_back()
        if is_retried(answer.status):
            raise _Later(error, wait)
        raise error


def _new_session(settings: TransportSettings) -> aiohttp.ClientSession:
    """The connections of one Transport; for use in the running event loop."""
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=settings.connections, limit_per_host=settings.connections_per_host, ttl_dns_cache=300
        ),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=settings.connect_timeout, sock_read=settings.read_timeout
        ),
        headers={"User-Agent": settings.user_agent, "Accept-Encoding": "identity", "Accept": "*/*"},
        read_bufsize=_BUFFER,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def _arrived(content: aiohttp.StreamReader) -> bytes:
    """What came before the connection broke and nobody has read yet: up to two buffers, that aiohttp would drop.

    There is no public way to it. Should this one go, the bytes are fetched again.
    """
    read = getattr(content, "_read_nowait", None)
    try:
        return bytes(read(-1)) if read else b""
    except _failures(TypeError, AssertionError):
        return b""


def _failures(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What a request that fails may raise, and ``others``."""
    import aiohttp

    return (aiohttp.ClientError, asyncio.TimeoutError, OSError, *others)


class _HttpResponse:
    """An answer over HTTP."""

    def __init__(self, url: str, reply: aiohttp.ClientResponse, settings: TransportSettings) -> None:
        self.url, self._reply, self._settings = url, reply, settings
        self.status, self.reason = reply.status, reply.reason or ""
        self.headers = Headers(reply.headers.items())

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        pace = Pace(self._settings)
        try:
            while True:
                asked = time.monotonic()
                chunk = await self._reply.content.readany()
                if not chunk:
                    return
                pace.count(len(chunk), time.monotonic() - asked, self.url)
                yield chunk
        except _failures() as error:
            if rest := _arrived(self._reply.content):
                yield rest
            raise network_error(self.url, error)[0] from error

    async def give_back(self) -> None:
        """Keep the connection for the next request if that costs no more than reading a short rest; else drop it."""
        length = self.headers.number("Content-Length")
        try:
            if self.status != 200 and length is not None and length <= _SHORT:
                await self._reply.read()
        except _failures():
            self._reply.close()  # nobody wanted that rest
        finally:
            if self._reply.content.at_eof():
                self._reply.release()
            else:
                self._reply.close()


def _exact(url: str) -> URL:
    """The URL as it stands: signed addresses break when quoted anew. Only what no URL may hold is quoted."""
    from yarl import URL

    return URL(url, encoded=url.isascii() and " " not in url)
