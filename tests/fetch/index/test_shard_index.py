"""The shard index of one subdir: asked for on conditions, kept, confirmed; every other answer is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.errors import NetworkError, RepodataError
from engine.events import Event, TransferFinished
from engine.fetch.http.transfer import Continuation
from engine.fetch.http.transport import Transport, TransportSettings
from engine.fetch.index.shard_cache import ShardCache
from engine.fetch.index.shard_index import Found, ShardIndexSource, ShardMeans, collect
from engine.model.channel import Channel
from tests.fetch.sharded import CHAIN, INDEX, make_channel
from tests.kit.server import ChannelServer, unused_port

pytestmark = pytest.mark.anyio


@pytest.fixture
def www(tmp_path: Path) -> Path:
    return make_channel(tmp_path / "www" / "chan", CHAIN).parent


@asynccontextmanager
async def source_of(
    url: str,
    pkgs: Path,
    events: list[Event] | None = None,
    *,
    offline: bool = False,
    refresh: bool = False,
    ttl: int = 1,
) -> AsyncIterator[ShardIndexSource]:
    async with Transport(TransportSettings(retry_wait=0.001, max_retries=0)) as transport:
        report = [].append if events is None else events.append
        cache = ShardCache([str(pkgs)])
        means = ShardMeans(transport, cache, report, offline=offline, refresh=refresh, ttl=ttl)
        yield ShardIndexSource(Channel("chan", url), "linux-64", means)


async def find(url: str, pkgs: Path, **options: bool | int) -> Found:
    async with source_of(url, pkgs, **options) as source:  # type: ignore[arg-type]
        return await source.find(await source.cached())


async def test_it_is_fetched_then_asked_for_on_conditions(www: Path, tmp_path: Path) -> None:
    with ChannelServer(www) as server:
        url = f"{server.url}/chan"
        for status in (200, 304, 304):
            found = await find(url, tmp_path / "pkgs")
            assert found.rows and (found.asked, found.absent) == (True, False)
            assert server.requests[-1].status == status
        assert "if-none-match" in server.requests[-1].headers
        await find(url, tmp_path / "pkgs", refresh=True)
        assert server.requests[-1].status == 200


@pytest.mark.parametrize(
    ("ttl", "control", "asks"), [(1, "max-age=60", 0), (1, "no-cache", 1), (0, "max-age=60", 1), (60, "", 0)]
)
async def test_how_long_it_stays_fresh(www: Path, tmp_path: Path, ttl: int, control: str, asks: int) -> None:
    with ChannelServer(www, cache_control=control or None) as server:
        await find(f"{server.url}/chan", tmp_path / "pkgs")
        server.forget()
        found = await find(f"{server.url}/chan", tmp_path / "pkgs", ttl=ttl)
        assert found.rows and len(server.requests) == asks


async def test_offline_the_cache_is_all_there_is(www: Path, tmp_path: Path) -> None:
    with ChannelServer(www) as server:
        url = f"{server.url}/chan"
        assert await find(url, tmp_path / "pkgs", offline=True) == Found()
        await find(url, tmp_path / "pkgs")
        server.forget()
        assert (await find(url, tmp_path / "pkgs", offline=True)).rows
        assert server.requests == []


@pytest.mark.parametrize(("status", "absent"), [(404, True), (403, True), (410, True), (401, False), (500, False)])
async def test_no_index_is_an_answer(www: Path, tmp_path: Path, status: int, absent: bool) -> None:
    with ChannelServer(www) as server:
        server.fail(f"*/{INDEX}", status=status)
        assert await find(f"{server.url}/chan", tmp_path / "pkgs") == Found(asked=True, absent=absent)


async def test_a_server_that_can_not_be_reached_is_none(tmp_path: Path) -> None:
    with unused_port() as port, pytest.raises(NetworkError):
        await find(f"http://127.0.0.1:{port}/chan", tmp_path)


async def test_a_transfer_that_broke_goes_on(www: Path, tmp_path: Path) -> None:
    with ChannelServer(www) as server:
        server.fail(f"*/{INDEX}", cut_after=30)
        async with Transport(TransportSettings(retry_wait=0.001, max_retries=2)) as transport:
            means = ShardMeans(transport, ShardCache([str(tmp_path)]), [].append)
            found = await ShardIndexSource(Channel("chan", f"{server.url}/chan"), "noarch", means).find(None)
        assert found.rows and set(found.rows.names()) == {"data", "more"}
        assert [request.range for request in server.requests] == [None, "bytes=30-"]


async def test_what_happens_is_reported(www: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    with ChannelServer(www, cache_control="max-age=60") as server:
        for _ in range(2):
            async with source_of(f"{server.url}/chan", tmp_path / "pkgs", events) as source:
                await source.find(await source.cached())
    assert [event.note for event in events if isinstance(event, TransferFinished)] == ["", "cached"]


async def test_a_small_file_must_be_small(www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.fetch.index.shard_index.LARGEST_PACKED", 10)
    with ChannelServer(www) as server:
        async with Transport() as transport:
            url = f"{server.url}/chan/linux-64/{INDEX}"
            with pytest.raises(RepodataError, match="more than 10 bytes"):
                await collect(Continuation(transport, url), url)
