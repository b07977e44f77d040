"""One request over HTTP: the only importer of aiohttp.

Rule of this file: a request either gives an answer that means something to the caller (200, 206, 304, 404) or one
error of ours with the URL's secrets masked, which says whether it may pass by itself. Who asks again, and where, is
`engine.fetch.http.transport`. aiohttp is imported by the first request: a third of the time of a run whose caches are
fresh would go into that.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
import anyio.to_thread
from anyio.lowlevel import checkpoint

from engine.errors import HttpStatusError, NetworkError
from engine.events import Notice, Report
from engine.fetch.http import revalidate
from engine.fetch.http.errors import network_error, status_error
from engine.fetch.http.identity import Identities
from engine.fetch.http.pace import Pace
from engine.fetch.http.proxy import is_socks, plain_socks, proxy_for
from engine.fetch.http.redirect import MAX_REDIRECTS, REDIRECTS, has_same_host, redirected
from engine.fetch.http.response import Headers
from engine.fetch.http.retry import is_retried, retry_after
from engine.fetch.http.settings import TransportSettings
from engine.fetch.http.tls import authorities, tls_context, trusting_nobody
from engine.model.url import mask_secrets

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

ANSWERS = frozenset({200, 206, 304, 404})
_SHORT = 1 << 14
"""A body that is not wanted is read to its end up to this length: cheaper than a new connection."""
_BUFFER = 1 << 18
"""aiohttp's read buffer: fewer, larger chunks than with its default of 64 KiB."""


class Later(Exception):
    """This attempt failed in a way that may pass; ``error`` is what to raise when patience ends."""

    def __init__(self, error: NetworkError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.wait = error, wait


class HttpClient:
    """Connections to all servers, kept alive between requests."""

    def __init__(self, settings: TransportSettings, report: Report) -> None:
        self._settings, self._report = settings, report
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        """By the SOCKS proxy they go through; most runs have only one, through none."""
        self._identities = Identities(settings, report)
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = anyio.Lock()

    async def close(self) -> None:
        """End all connections."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()
        await checkpoint()  # connections that were given up a moment ago are let go in the next round of the loop

    async def ask(
        self,
        url: str,
        headers: Mapping[str, str],
        accepted: Collection[int] = ANSWERS,
        *,
        authorization: str | None = None,
    ) -> HttpResponse:
        """One attempt, with its redirects: an answer of an ``accepted`` status, whose body is still to come.

        ``headers`` are sent on redirects too; credentials, and ``authorization`` in their place, only to the host that
        they are for. Raises `Later` for what
        may pass, else `HttpStatusError` or `NetworkError`.
        """
        here = url
        for _ in range(MAX_REDIRECTS + 1):
            given = authorization if authorization and has_same_host(url, here) else None
            answer = await self._request(here, headers, given)
            if answer.status in (401, 403) and await self._identities.learn(here):
                await answer.give_back()
                answer = await self._request(here, headers, given)
            if answer.status not in REDIRECTS or "Location" not in answer.headers:
                if answer.status not in accepted and not (answer.status == 416 and "Range" in headers):
                    await self._refuse(url, answer)
                return answer
            await answer.give_back()
            here = redirected(here, answer.headers["Location"])
        raise NetworkError(
            f"Could not fetch {mask_secrets(url)}: more than {MAX_REDIRECTS} redirects",
            hint="The server sends us in circles; check the channel's address, or a proxy or login page between.",
        )

    async def _refuse(self, url: str, answer: HttpResponse) -> NoReturn:
        error: HttpStatusError = status_error(url, answer.status, answer.reason)
        wait = retry_after(answer.headers.get("Retry-After"), datetime.now(timezone.utc))
        await answer.give_back()
        if is_retried(answer.status):
            raise Later(error, wait)
        raise error

    async def _request(self, url: str, headers: Mapping[str, str], authorization: str | None) -> HttpResponse:
        """One request and the head of its answer."""
        settings = self._settings
        proxy = None
        try:
            place = await self._identities.authorise(url)
            header = authorization or place.header
            secret = {"Authorization": header} if header else {}
            proxy = proxy_for(url, settings.proxies, settings.no_proxy)
            reply = await self._reply(place.url, {**headers, **secret}, proxy)
        except _failures(ValueError) as error:
            failure, passing = network_error(url, error, proxy)
            if passing:
                raise Later(failure) from error
            raise failure from error
        return HttpResponse(url, reply, settings)

    async def _reply(
        self, url: str, headers: Mapping[str, str], proxy: str | None
    ) -> aiohttp.ClientResponse | revalidate.Reply:
        """Ask, by the means that the request needs."""
        tls = await self._tls_for(url, proxy)
        if proxy is None and not self._sessions and revalidate.has_condition(headers):
            with suppress(revalidate.Unfit):
                return await revalidate.ask(url, {**_fields(self._settings), **headers}, self._settings, tls)
        through = None if is_socks(proxy) else proxy
        session = self._session(proxy)
        return await session.get(_exact(url), headers=headers, allow_redirects=False, proxy=through, ssl=tls or True)

    def _session(self, proxy: str | None) -> aiohttp.ClientSession:
        key = proxy if proxy is not None and is_socks(proxy) else ""
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = _new_session(self._settings, key)
        return session

    async def _tls_for(self, url: str, proxy: str | None) -> ssl.SSLContext | None:
        """The TLS context, made when first needed: reading a trust store costs some 20 ms."""
        if not (url.startswith("https:") or (proxy or "").startswith("https:")):
            return None
        async with self._tls_lock:
            if self._tls is None:
                self._report(Notice("debug", authorities(self._settings)))
                self._tls = await anyio.to_thread.run_sync(tls_context, self._settings)
        return self._tls


def _new_session(settings: TransportSettings, socks: str) -> aiohttp.ClientSession:
    """The connections through one SOCKS proxy, or none; for use in the running event loop."""
    with trusting_nobody():
        import aiohttp

    return aiohttp.ClientSession(
        connector=_connector(settings, socks),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=settings.connect_timeout, sock_read=settings.read_timeout
        ),
        headers=_fields(settings),
        read_bufsize=_BUFFER,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def _fields(settings: TransportSettings) -> dict[str, str]:
    """What every request says."""
    return {"User-Agent": settings.user_agent, "Accept-Encoding": "identity", "Accept": "*/*"}


def _connector(settings: TransportSettings, socks: str) -> aiohttp.BaseConnector:
    import aiohttp

    limits: dict[str, Any] = {
        "limit": settings.connections, "limit_per_host": settings.connections_per_host, "ttl_dns_cache": 300
    }  # fmt: skip
    if not socks:
        return aiohttp.TCPConnector(**limits)
    try:
        from aiohttp_socks import ProxyConnector
    except ImportError as error:
        raise NetworkError(
            f"Could not go through the proxy {mask_secrets(socks)}: SOCKS needs the library aiohttp-socks",
            hint="Install it beside whipsnake (`pip install 'whipsnake[socks]'`), or use an HTTP proxy.",
        ) from error
    url, remote_names = plain_socks(socks)
    connector: aiohttp.BaseConnector = ProxyConnector.from_url(url, rdns=remote_names, **limits)
    return connector


def _arrived(content: object) -> bytes:
    """What came before the connection broke and nobody has read yet: up to two buffers, that aiohttp would drop.

    There is no public way to it. Should this one go, the bytes are fetched again.
    """
    read = getattr(content, "_read_nowait", None)
    try:
        return bytes(read(-1)) if read else b""
    except _failures(TypeError, AssertionError):
        return b""


def _failures(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What a request that fails may raise, and ``others``. Libraries have errors of their own, once they are there."""
    main, socks = sys.modules.get("aiohttp"), sys.modules.get("aiohttp_socks")
    more = (main.ClientError,) if main else ()
    more += (socks.ProxyError, socks.ProxyConnectionError, socks.ProxyTimeoutError) if socks else ()
    return (asyncio.TimeoutError, OSError, *others, *more)


class HttpResponse:
    """An answer over HTTP; see `engine.fetch.http.response.Response`."""

    def __init__(self, url: str, reply: aiohttp.ClientResponse | revalidate.Reply, settings: TransportSettings) -> None:
        self.url, self._reply, self._settings = url, reply, settings
        self.base = ""
        self.received = 0
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
                self.received += len(chunk)
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
