"""The supply: each package once, for all who want it, as long as anybody does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine.bulk.supply import Parcel, Supply
from engine.events import Event, TransferStarted, silent
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.fetch.packages.settings import FetchSettings
from engine.model.records import RepoDataRecord
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer

pytestmark = pytest.mark.anyio

Ends = tuple[MemoryObjectSendStream[Parcel], MemoryObjectReceiveStream[Parcel]]
Records = Callable[..., list[RepoDataRecord]]


def ends() -> Ends:
    return anyio.create_memory_object_stream[Parcel](float("inf"))


@pytest.fixture
def channel(tmp_path: Path) -> ChannelBuilder:
    return ChannelBuilder(tmp_path / "channel")


@pytest.fixture
def server(channel: ChannelBuilder) -> ChannelServer:
    return ChannelServer(channel.path)


def records_of(channel: ChannelBuilder, server: ChannelServer, *names: str) -> list[RepoDataRecord]:
    found = []
    for name in names:
        package = make_package(name, files={f"share/{name}": name * 100})
        channel.add(package)
        facts = {key: package.record[key] for key in ("name", "version", "build", "subdir", "sha256", "size")}
        found.append(RepoDataRecord(**facts, fn=package.fn, url=f"{server.url}/{package.subdir}/{package.fn}"))
    channel.write()
    return found


async def supplied(
    server: ChannelServer, tmp_path: Path, wants: Sequence[Sequence[RepoDataRecord]]
) -> tuple[Supply, list[list[Parcel]]]:
    """What comes of several wants at once."""
    async with Transport() as transport:
        supply = Supply(PackageCache([str(tmp_path / "pkgs")]), transport, FetchSettings(download_threads=2), silent)
        pairs = [ends() for _ in wants]
        async with anyio.create_task_group() as group:
            group.start_soon(supply.run)
            for records, (send, _) in zip(wants, pairs, strict=True):
                supply.want(records, send)
            got = []
            for records, (_, receive) in zip(wants, pairs, strict=True):
                got.append([await receive.receive() for _ in records])
            supply.stop()
        for send, receive in pairs:
            send.close()
            receive.close()
    return supply, got


async def test_each_package_once_for_all(channel: ChannelBuilder, server: ChannelServer, tmp_path: Path) -> None:
    a, b, c = records_of(channel, server, "a", "b", "c")
    with server:
        supply, got = await supplied(server, tmp_path, [[a, b], [b, c], [a, b, c]])
        assert sorted(len(parcels) for parcels in got) == [2, 2, 3]
        assert all(parcel.package for parcels in got for parcel in parcels)
        assert sorted(server.paths()) == sorted(f"/linux-64/{one.fn}" for one in (a, b, c))
        assert (supply.fetched, supply.bytes) == (3, sum(one.size or 0 for one in (a, b, c)))
        server.forget()
        supply, _ = await supplied(server, tmp_path, [[a], [b, c]])
        assert (server.requests, supply.fetched) == ([], 0)


async def test_a_package_that_can_not_be_had_is_told_to_those_who_want_it(
    channel: ChannelBuilder, server: ChannelServer, tmp_path: Path
) -> None:
    a, b = records_of(channel, server, "a", "b")
    (channel.path / "linux-64" / a.fn).write_bytes(b"something else")
    with server:
        _, ((first,), (second,), (third,)) = await supplied(server, tmp_path, [[a], [a], [b]])
    assert first is second
    assert first.failure is not None
    assert first.failure.kind == "VerificationError"
    assert third.package is not None


async def test_what_nobody_wants_any_more_is_given_up(
    channel: ChannelBuilder, server: ChannelServer, tmp_path: Path
) -> None:
    a, b = records_of(channel, server, "a", "b")
    server.fail(f"*/{a.fn}", bandwidth=100, times=1)
    with server:
        async with Transport() as transport:
            settings = FetchSettings(download_threads=1)
            begun = anyio.Event()

            def report(event: Event) -> None:
                if isinstance(event, TransferStarted):
                    begun.set()

            supply = Supply(PackageCache([str(tmp_path / "pkgs")]), transport, settings, report)
            (send, receive), (other, received) = ends(), ends()
            with send, receive, other, received, anyio.fail_after(15):
                async with anyio.create_task_group() as group:
                    group.start_soon(supply.run)
                    parcels = supply.want([a], send)
                    await begun.wait()
                    supply.leave(parcels, send)
                    supply.want([b], other)
                    assert (await received.receive()).record is b
                    supply.want([a], send)
                    assert (await receive.receive()).package is not None
                    supply.stop()


async def test_what_most_want_goes_first_and_then_the_biggest() -> None:
    parcels = [Parcel(RepoDataRecord(name=n, version="1", build="0", fn=n, size=size)) for n, size in
               (("small", 1), ("big", 9), ("common", 2))]  # fmt: skip
    for parcel, wanted in zip(parcels, (1, 1, 2), strict=True):
        parcel.wanted = wanted
    assert [parcel.record.fn for parcel in sorted(parcels)] == ["common", "big", "small"]
