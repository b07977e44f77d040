"""Talking to servers: what all of the engine uses.

Rule of this file: it decides where a file is asked for and how often. What may pass by itself (a refused connection,
429, 5xx) is asked again here, before any byte was handed out: at the channel's next mirror at once, or after a pause
where there is none. A break in the middle of a body is the caller's (see `engine.fetch.http.transfer`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

import anyio
import anyio.to_thread

from engine.errors import NetworkError, OfflineError
from engine.events import Notice, Report, silent
from engine.fetch.http.client import HttpClient, HttpResponse, Later
from engine.fetch.http.local import LocalResponse, open_local
from engine.fetch.http.mirrors import Mirrors, Place
from engine.fetch.http.response import Headers, Response
from engine.fetch.http.retry import pause
from engine.fetch.http.settings import TransportSettings
from engine.model.url import mask_secrets, scheme_of

if TYPE_CHECKING:
    from engine.fetch.http.oci import Registries

__all__ = ["Headers", "Response", "Transport", "TransportSettings"]

Answer: TypeAlias = HttpResponse | LocalResponse
_LONG = 5.0
"""A pause of so many seconds is worth a warning."""


class Transport:
    """Connections to all servers, kept alive between requests; use it as an asynchronous context manager."""

    def __init__(self, settings: TransportSettings | None = None, report: Report = silent) -> None:
        """``report`` hears of attempts that failed and will be made again."""
        self.settings = settings or TransportSettings()
        self.report = report
        self.mirrors = Mirrors(self.settings.mirrors)
        self._client: HttpClient | None = None
        self._registries: Registries | None = None

    async def __aenter__(self) -> Transport:
        self._client = HttpClient(self.settings, self.report)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client, self._client, self._registries = self._client, None, None
        if client:
            with anyio.CancelScope(shield=True):
                await client.close()
        for line in self.mirrors.summary():
            self.report(Notice("debug", f"Mirror {line}"))

    @asynccontextmanager
    async def open(
        self, url: str, *, headers: Mapping[str, str] | None = None, only: str | None = None
    ) -> AsyncIterator[Response]:
        """Ask for ``url`` and give its answer: 200, 206, 304 or 404, its body not yet read.

        416 is an answer too where ``headers`` ask for a range. Of a channel with mirrors each is tried before 404 is
        believed, unless it failed not long ago; ``only`` is the mirror (`Response.base`) that must be asked, because
        a file that was begun there is to be continued.

        Raises `OfflineError`, `HttpStatusError` for any other status, `NetworkError` where no answer came, after
        ``max_retries`` more attempts where these may help.
        """
        answer = await self._ask_patiently(url, headers or {}, only)
        try:
            yield answer
        finally:
            await _give_back(answer)
            self.mirrors.received(answer.base, answer.received)

    def pause(self, attempt: int) -> float:
        """How long to wait before retry number ``attempt`` (from 1), in seconds, jittered."""
        from random import random  # most runs never pause

        return pause(attempt, self.settings, random())

    def has_mirrors(self, url: str) -> bool:
        """Whether there is more than one place to ask for ``url``."""
        return len(self.mirrors.places(url, 0.0)) > 1

    def broke(self, response: Response) -> None:
        """A body ended too early: its mirror is passed over for a while."""
        self.mirrors.failed(response.base, time.monotonic())

    async def _ask_patiently(self, url: str, headers: Mapping[str, str], only: str | None) -> Answer:
        """An acceptable answer; retries what may pass."""
        for attempt in range(1, self.settings.max_retries + 2):
            try:
                return await self._ask_places(url, headers, only)
            except Later as later:
                wait = later.wait if later.wait is not None else self.pause(attempt)
                if attempt > self.settings.max_retries or wait > self.settings.longest_wait:
                    raise later.error from None
                level: Literal["info", "warning"] = "warning" if wait >= _LONG else "info"
                self.report(Notice(level, f"{later.error.message}; trying again in {wait:.0f} s."))
                await anyio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _ask_places(self, url: str, headers: Mapping[str, str], only: str | None) -> Answer:
        """Ask one place after the other. Raises `Later` where one of them may answer another time."""
        places = self.mirrors.places(url, time.monotonic())
        if len(places) == 1:
            return await self._ask(places[0], headers)
        failures: list[NetworkError | Later] = []
        absent: Answer | None = None
        for place in places:
            if (only and place.base != only) or (absent and self.mirrors.is_resting(place, time.monotonic())):
                continue
            answer = await self._try(place, headers, failures)
            if answer is None:
                continue
            if absent is not None:
                await _give_back(absent)
            if answer.status != 404:
                return answer
            absent = answer
        return absent or _all_failed(url, failures)

    async def _try(
        self, place: Place, headers: Mapping[str, str], failures: list[NetworkError | Later]
    ) -> Answer | None:
        """The answer of one mirror; None where it failed, which is added to ``failures``."""
        try:
            answer = await self._ask(place, headers)
        except (Later, NetworkError) as error:
            if isinstance(error, OfflineError):
                raise
            failures.append(error)
            self.mirrors.failed(place.base, time.monotonic(), error.wait if isinstance(error, Later) else None)
            self.report(Notice("info", f"{_reason(error).message}; its other mirrors are tried."))
            return None
        self.mirrors.answered(place.base)
        answer.base = place.base
        return answer

    async def _ask(self, place: Place, headers: Mapping[str, str]) -> Answer:
        """One attempt at one place."""
        url = place.url
        scheme = scheme_of(url)
        if scheme == "file":
            return await anyio.to_thread.run_sync(open_local, url, headers.get("Range"))
        if scheme not in ("http", "https", "oci"):
            raise NetworkError(
                f"Could not fetch {mask_secrets(url)}: this kind of address is not supported",
                hint="Channels can be reached over https, http, file and oci.",
            )
        if self.settings.offline:
            raise OfflineError(
                f"Could not fetch {mask_secrets(url)}: working offline",
                hint="Run without --offline, or first once with the network so that it is in the cache.",
            )
        assert self._client is not None, "a Transport must be entered before it is used"
        if scheme == "oci":
            return await self._registry(self._client).ask(url, headers)
        return await self._client.ask(url, headers)

    def _registry(self, client: HttpClient) -> Registries:
        if self._registries is None:
            from engine.fetch.http.oci import Registries

            self._registries = Registries(client)
        return self._registries


async def _give_back(answer: Answer) -> None:
    if isinstance(answer, HttpResponse):
        await answer.give_back()
    else:
        answer.close()


def _reason(error: NetworkError | Later) -> NetworkError:
    return error.error if isinstance(error, Later) else error


def _all_failed(url: str, failures: Sequence[NetworkError | Later]) -> NoReturn:
    """Raise what stands for all of them: `Later` if one of them may do another time."""
    lines = "\n".join(f"    {_reason(failure).message}" for failure in failures)
    error = NetworkError(
        f"Could not fetch {mask_secrets(url)} from any of its {len(failures)} mirrors:\n{lines}",
        hint="Check `mirrored_channels`, and your network.",
    )
    passing = [failure for failure in failures if isinstance(failure, Later)]
    if not passing:
        raise error
    raise Later(error, min((later.wait for later in passing if later.wait is not None), default=None))
