"""Mirrors: who is asked, in which order, and what is done when one fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.errors import HttpStatusError, NetworkError, OfflineError, WhipsnakeError
from engine.events import Event, Notice
from engine.fetch.http.mirrors import FIRST_REST, LONGEST_REST, Mirrors, Place
from engine.fetch.http.settings import TransportSettings
from engine.fetch.http.transfer import Continuation
from engine.fetch.http.transport import Transport
from tests.kit.server import ChannelServer, unused_port

BASE = "https://conda.host/forge"
MIRRORS = Mirrors({BASE: ("https://a/forge/", BASE, "file:///b")})
BODY = bytes(range(256)) * 4000


def places(mirrors: Mirrors, now: float = 0.0) -> list[str]:
    return [place.url for place in mirrors.places(f"{BASE}/noarch/x.conda", now)]


def test_the_order_is_the_written_one() -> None:
    assert places(MIRRORS) == ["https://a/forge/noarch/x.conda", f"{BASE}/noarch/x.conda", "file:///b/noarch/x.conda"]
    assert MIRRORS.places("https://conda.host/forger/x", 0.0) == [Place("", "https://conda.host/forger/x")]


def test_who_failed_comes_last_for_a_while_and_longer_each_time() -> None:
    mirrors = Mirrors({BASE: ("https://a", "https://b", "https://c")})
    mirrors.failed("https://a", 100.0)
    assert places(mirrors, 100.0)[0].startswith("https://b")
    assert places(mirrors, 100.0)[-1].startswith("https://a")
    assert places(mirrors, 100.0 + FIRST_REST)[0].startswith("https://a")
    mirrors.failed("https://a", 200.0)
    assert places(mirrors, 200.0 + 1.5 * FIRST_REST)[-1].startswith("https://a")
    for _ in range(20):
        mirrors.failed("https://a", 300.0)
    assert places(mirrors, 300.0 + LONGEST_REST)[0].startswith("https://a")
    mirrors.failed("https://b", 1000.0, wait=5000.0)
    assert places(mirrors, 5999.0)[-1].startswith("https://b")
    mirrors.answered("https://b")
    assert places(mirrors, 1001.0)[1].startswith("https://b")


def test_what_each_did_is_told_without_secrets() -> None:
    mirrors = Mirrors({BASE: ("https://me:pw@a/t/tk-1/x", "https://b")})
    mirrors.answered("https://me:pw@a/t/tk-1/x")
    mirrors.received("https://me:pw@a/t/tk-1/x", 5)
    mirrors.failed("nobody", 0.0)
    assert mirrors.summary() == ["https://a/x: 1 answers, 0 failures, 5 bytes"]


class Farm:
    """Three servers with the same files, and a channel of which they are the mirrors."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.servers = []
        for name in "abc":
            (path / name / "noarch").mkdir(parents=True)
            (path / name / "noarch/file").write_bytes(BODY)
            self.servers.append(stack.enter_context(ChannelServer(path / name)))
        self.events: list[Event] = []
        self.settings = TransportSettings(mirrors={BASE: tuple(server.url for server in self.servers)}, retry_wait=0.0)

    def counts(self) -> list[int]:
        return [len(server.requests) for server in self.servers]

    async def fetch(self, times: int = 1, name: str = "file", **options: Any) -> list[bytes]:
        found = []
        self.events.clear()
        async with Transport(self.settings, self.events.append) as transport:
            for _ in range(times):
                stream = Continuation(transport, f"{BASE}/noarch/{name}", **options)
                found.append(b"".join([chunk async for chunk in stream.chunks()]))
        return found

    async def failure(self, name: str = "file", **options: Any) -> WhipsnakeError:
        with pytest.raises(WhipsnakeError) as caught:
            await self.fetch(name=name, **options)
        return caught.value


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with ExitStack() as stack:
        yield Farm(tmp_path, stack)


pytest_anyio = pytest.mark.anyio


@pytest_anyio
async def test_the_first_is_asked(farm: Farm) -> None:
    assert await farm.fetch(2) == [BODY, BODY]
    assert farm.counts() == [2, 0, 0]
    told = [event.text for event in farm.events if isinstance(event, Notice)]
    assert told == [f"Mirror {farm.servers[0].url}: 2 answers, 0 failures, {2 * len(BODY)} bytes"]


@pytest_anyio
@pytest.mark.parametrize("status", [403, 404, 410, 429, 500, 503])
async def test_another_is_asked_at_once(status: int, farm: Farm) -> None:
    farm.servers[0].fail(status=status, times=None)
    assert await farm.fetch(3) == [BODY] * 3
    # a mirror that lacks a file is no bad mirror
    assert farm.counts() == ([3, 3, 0] if status == 404 else [1, 3, 0])


@pytest_anyio
async def test_a_dead_one_is_passed_over(farm: Farm) -> None:
    with unused_port() as port:
        dead = f"http://127.0.0.1:{port}"
        farm.settings = TransportSettings(mirrors={BASE: (dead, farm.servers[1].url)}, retry_wait=0.0)
        assert await farm.fetch(3) == [BODY] * 3
    refused = [event for event in farm.events if isinstance(event, Notice) and "refused the connection" in event.text]
    assert len(refused) == 1


@pytest_anyio
async def test_missing_everywhere_is_missing(farm: Farm) -> None:
    error = await farm.failure("none")
    assert isinstance(error, HttpStatusError)
    assert error.status == 404
    assert farm.counts() == [1, 1, 1]


@pytest_anyio
async def test_missing_at_one_and_the_others_known_to_fail_is_missing(farm: Farm) -> None:
    for server in farm.servers[1:]:
        server.fail(status=503, times=None)
    for _ in range(2):
        error = await farm.failure("none")
        assert isinstance(error, HttpStatusError)
    assert farm.counts() == [2, 2, 2]  # each Transport learns anew who fails
    async with Transport(farm.settings) as transport:
        for _ in range(3):
            async with transport.open(f"{BASE}/noarch/none") as response:
                assert response.status == 404
    assert farm.counts() == [5, 3, 3]


@pytest_anyio
async def test_when_all_fail_they_are_all_asked_again_and_all_named(farm: Farm) -> None:
    for server in farm.servers:
        server.fail(status=503, times=None)
    error = await farm.failure()
    assert isinstance(error, NetworkError)
    assert "from any of its 3 mirrors" in str(error)
    assert all(server.url in str(error) for server in farm.servers)
    assert farm.counts() == [4, 4, 4]


@pytest_anyio
async def test_when_none_may_ever_answer_they_are_asked_once(farm: Farm) -> None:
    for server in farm.servers:
        server.fail(status=403, times=None)
    await farm.failure()
    assert farm.counts() == [1, 1, 1]


@pytest_anyio
@pytest.mark.parametrize("ranges", [True, False])
async def test_a_break_goes_on_at_another_mirror_where_a_digest_will_tell(ranges: bool, tmp_path: Path) -> None:
    with ExitStack() as stack:
        farm = Farm(tmp_path, stack)
        farm.servers[0].fail(cut_after=300_000, times=None)
        farm.servers[1].fail(cut_after=400_000, whole=not ranges)
        farm.servers[2].fail(whole=not ranges)
        assert await farm.fetch(checked=True) == [BODY]
        assert farm.counts() == [1, 1, 1]
        if ranges:
            assert farm.servers[1].requests[0].range == "bytes=300000-"
            assert "if-range" not in farm.servers[1].requests[0].headers
    if ranges:
        assert sum(request.sent for server in farm.servers for request in server.requests) == len(BODY)


@pytest_anyio
async def test_a_break_goes_on_at_the_same_mirror_where_nothing_else_would_tell(farm: Farm) -> None:
    farm.servers[0].fail(cut_after=300_000)
    assert await farm.fetch() == [BODY]
    assert farm.counts() == [2, 0, 0]
    assert farm.servers[0].requests[1].headers["if-range"]


@pytest_anyio
async def test_a_directory_may_be_a_mirror(farm: Farm, tmp_path: Path) -> None:
    near = (tmp_path / "a").as_uri()
    farm.settings = TransportSettings(mirrors={BASE: (near, farm.servers[1].url)}, retry_wait=0.0)
    assert await farm.fetch() == [BODY]
    (tmp_path / "a/noarch/file").unlink()
    assert await farm.fetch() == [BODY]
    assert farm.counts() == [0, 1, 0]


@pytest_anyio
async def test_offline_means_offline_for_mirrors_too(farm: Farm) -> None:
    farm.settings = TransportSettings(mirrors=farm.settings.mirrors, offline=True)
    assert isinstance(await farm.failure(), OfflineError)
    assert farm.counts() == [0, 0, 0]
