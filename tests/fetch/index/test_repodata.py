"""Loading the index of channels: forms, conditions, caches, missing subdirs, and every way a server can be wrong."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
import zstandard

from engine.errors import ChannelNotFound, HttpStatusError, NetworkError, OfflineError, RepodataError
from engine.events import Event, Notice, TransferAdvanced, TransferFinished, TransferStarted
from engine.fetch.http.transport import Transport, TransportSettings
from engine.fetch.index import index_file
from engine.fetch.index import repodata as module
from engine.fetch.index.file_pages import FilePages
from engine.fetch.index.load import load_subdirs
from engine.fetch.index.repodata import RepodataSettings
from engine.model.channel import Channel
from engine.model.repodata import RepoData
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer

pytestmark = pytest.mark.anyio

LINUX, NOARCH = "/linux-64/repodata.json", "/noarch/repodata.json"
ZST = "/linux-64/repodata.json.zst"


def row(name: str, subdir: str = "linux-64", version: str = "1") -> dict[str, Any]:
    return {"name": name, "version": version, "build": "0", "build_number": 0, "depends": [], "subdir": subdir}


def build(path: Path, count: int = 3, **options: Any) -> ChannelBuilder:
    builder = ChannelBuilder(path, **options)
    for number in range(count):
        builder.add_record(f"a{number}-1-0.conda", row(f"a{number}"))
    builder.add_record("n-1-0.conda", row("n", "noarch"))
    builder.write()
    return builder


class Loader:
    """Loads channels into one cache; ``events`` are those of the last load."""

    def __init__(self, pkgs: Path) -> None:
        self.pkgs, self.events = pkgs, list[Event]()

    async def __call__(self, *urls: str, retries: int = 0, name: str = "chan", **settings: Any) -> list[RepoData]:
        self.events.clear()
        options = RepodataSettings(cache_dirs=(str(self.pkgs),), **settings)
        channels = [Channel(name if len(urls) == 1 else url, url) for url in urls]
        async with Transport(TransportSettings(retry_wait=0.001, max_retries=retries)) as transport:
            return await load_subdirs(channels, "linux-64", transport, options, self.events.append)

    def notices(self, level: str) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice) and event.level == level]

    def notes(self) -> list[str]:
        return sorted(event.note for event in self.events if isinstance(event, TransferFinished))

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.pkgs / "cache").iterdir()) if (self.pkgs / "cache").exists() else []


@pytest.fixture
def load(tmp_path: Path) -> Loader:
    return Loader(tmp_path / "pkgs")


@pytest.fixture
def www(tmp_path: Path) -> Path:
    build(tmp_path / "www")
    return tmp_path / "www"


def names(found: list[RepoData]) -> list[list[str]]:
    return [sorted(one.names()) for one in found]


FULL = [["a0", "a1", "a2"], ["n"]]


async def test_the_packed_form_is_asked_for_first(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        found = await load(server.url)
        assert names(found) == FULL
        assert sorted(server.paths()) == [ZST, "/noarch/repodata.json.zst"]
    assert [(one.subdir, one.channel.name) for one in found] == [("linux-64", "chan"), ("noarch", "chan")]
    assert found[0].records("a1")[0].url == f"{server.url}/linux-64/a1-1-0.conda"
    started = [event for event in load.events if isinstance(event, TransferStarted)]
    assert {event.name for event in started} == {"chan/linux-64", "chan/noarch"}
    amounts = sum(event.amount for event in load.events if isinstance(event, TransferAdvanced))
    assert amounts == sum(event.total or 0 for event in started) > 0
    assert load.notes() == ["", ""]


async def test_the_order_is_that_of_the_channels_however_slow_they_are(tmp_path: Path, load: Loader) -> None:
    for name in ("x", "y"):
        build(tmp_path / name, count=1)
    with ChannelServer(tmp_path) as server:
        server.fail("/x/*", delay=0.1, times=None)
        found = await load(f"{server.url}/x", f"{server.url}/y")
    assert [(one.channel.name[-1], one.subdir) for one in found] == [
        ("x", "linux-64"),
        ("x", "noarch"),
        ("y", "linux-64"),
        ("y", "noarch"),
    ]


async def test_a_channel_may_be_wanted_for_some_subdirs_only(www: Path, load: Loader) -> None:
    async with Transport() as transport:
        channel = Channel("c", www.as_uri(), ("noarch",))
        found = await load_subdirs([channel], "linux-64", transport, RepodataSettings(), load.events.append)
    assert names(found) == [["n"]]


async def test_without_the_packed_form_the_plain_one_is_used_and_that_is_remembered(
    tmp_path: Path, load: Loader
) -> None:
    build(tmp_path / "www", forms=("repodata.json",))
    with ChannelServer(tmp_path / "www") as server:
        assert names(await load(server.url)) == FULL
        assert server.count("*.zst") == 2
        server.forget()
        assert names(await load(server.url, ttl=0)) == FULL
        assert sorted(server.paths()) == [LINUX, NOARCH]
        assert {request.status for request in server.requests} == {304}


async def test_what_is_missing_is_looked_for_again_after_a_week(
    tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "www", forms=("repodata.json",))
    with ChannelServer(tmp_path / "www") as server:
        await load(server.url)
        build(tmp_path / "www")
        clock = module.now_ns() + 8 * 86400 * 10**9
        monkeypatch.setattr(module, "now_ns", lambda: clock)
        server.forget()
        assert names(await load(server.url)) == FULL
        assert server.count("*.zst") == 2


async def test_the_packed_form_can_be_switched_off(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        assert names(await load(server.url, use_zst=False)) == FULL
        assert names(await load(server.url, use_zst=False)) == FULL
        assert sorted(server.paths()) == [LINUX, LINUX, NOARCH, NOARCH]
        assert [request.status for request in server.requests[2:]] == [304, 304]


@pytest.mark.parametrize("etags", [True, False])
async def test_unmodified_indexes_come_from_the_cache(www: Path, load: Loader, etags: bool) -> None:
    with ChannelServer(www, etags=etags) as server:
        await load(server.url)
        server.forget()
        assert names(await load(server.url)) == FULL
        assert [request.status for request in server.requests] == [304, 304]
    assert load.notes() == ["not modified", "not modified"]


async def test_a_changed_index_is_fetched(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(server.url)
        build(www, count=5)
        assert names(await load(server.url))[0] == ["a0", "a1", "a2", "a3", "a4"]


@pytest.mark.parametrize(
    ("ttl", "control", "asked"), [(0, "max-age=99", 2), (1, "max-age=99", 0), (99, None, 0), (1, None, 2)]
)
async def test_time_to_live(www: Path, load: Loader, ttl: int, control: str | None, asked: int) -> None:
    with ChannelServer(www, cache_control=control) as server:
        await load(server.url)
        server.forget()
        assert names(await load(server.url, ttl=ttl)) == FULL
        assert len(server.requests) == asked
    assert load.notes() == (["not modified"] * 2 if asked else ["cached"] * 2)


async def test_not_modified_makes_the_cache_fresh_again(
    www: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChannelServer(www) as server:
        await load(server.url)
        later = module.now_ns() + 1000 * 10**9
        monkeypatch.setattr(module, "now_ns", lambda: later)
        await load(server.url, ttl=100)
        server.forget()
        monkeypatch.setattr(module, "now_ns", lambda: later + 50 * 10**9)
        await load(server.url, ttl=100)
        assert server.requests == []


async def test_refresh_asks_without_conditions(www: Path, load: Loader) -> None:
    with ChannelServer(www, cache_control="max-age=99") as server:
        await load(server.url)
        server.forget()
        assert names(await load(server.url, refresh=True)) == FULL
        assert [request.status for request in server.requests] == [200, 200]


async def test_a_broken_cache_is_noticed_and_healed(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(server.url)
        for index in (load.pkgs / "cache").glob("????????.json"):
            info = os.stat(index)
            index.write_bytes(b"x" * info.st_size)
            os.utime(index, ns=(info.st_mtime_ns, info.st_mtime_ns))
        server.forget()
        assert names(await load(server.url)) == FULL
        assert sorted(request.status for request in server.requests) == [200, 200, 304, 304]
        assert len(load.notices("info")) == 2
        server.forget()
        assert names(await load(server.url)) == FULL
        assert [request.status for request in server.requests] == [304, 304]


async def test_offline_uses_what_is_there(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(server.url)
        server.forget()
        assert names(await load(server.url, offline=True, ttl=0)) == FULL
        assert server.requests == []
        with pytest.raises(OfflineError, match="Nothing of channel other"):
            await load(f"{server.url}/other", offline=True, name="other")


async def test_offline_with_half_a_channel(tmp_path: Path, load: Loader) -> None:
    build(tmp_path / "www", subdirs=())
    for file in (tmp_path / "www" / "linux-64").iterdir():
        file.unlink()
    with ChannelServer(tmp_path / "www") as server:
        await load(server.url)
        assert names(await load(server.url, offline=True)) == [[], ["n"]]
        assert "no linux-64 in the cache" in load.notices("warning")[0]


async def test_offline_reads_local_channels(www: Path, load: Loader) -> None:
    assert names(await load(www.as_uri(), offline=True)) == FULL


async def test_local_channels_are_not_cached(www: Path, load: Loader) -> None:
    assert names(await load(www.as_uri())) == FULL
    build(www, count=1)
    assert names(await load(www.as_uri(), ttl=1000)) == [["a0"], ["n"]]
    assert load.files() == []


async def test_a_local_channel_with_the_packed_form_only(tmp_path: Path, load: Loader) -> None:
    build(tmp_path / "www", forms=("repodata.json.zst",))
    assert names(await load((tmp_path / "www").as_uri())) == FULL


@pytest.mark.parametrize(
    ("missing", "expected", "warnings"),
    [("linux-64", [[], ["n"]], 0), ("noarch", [["a0", "a1", "a2"], []], 1)],
)
@pytest.mark.parametrize("local", [True, False])
async def test_one_missing_subdir_is_forgiven(
    www: Path, load: Loader, missing: str, expected: list[list[str]], warnings: int, local: bool
) -> None:
    for file in (www / missing).iterdir():
        file.unlink()
    with ChannelServer(www) as server:
        assert names(await load(www.as_uri() if local else server.url)) == expected
    assert len(load.notices("warning")) == warnings


@pytest.mark.parametrize("local", [True, False])
async def test_a_channel_that_is_not_there(tmp_path: Path, load: Loader, local: bool) -> None:
    with ChannelServer(tmp_path) as server, pytest.raises(ChannelNotFound) as caught:
        await load((tmp_path / "none").as_uri() if local else f"{server.url}/none")
    assert "no repodata.json in linux-64 or noarch" in str(caught.value)
    assert "spelling" in str(caught.value.hint)


async def test_empty_files_are_empty_channels(tmp_path: Path, load: Loader) -> None:
    (tmp_path / "www" / "noarch").mkdir(parents=True)
    (tmp_path / "www" / "noarch" / "repodata.json").write_bytes(b"")
    with ChannelServer(tmp_path / "www") as server:
        assert names(await load(server.url)) == [[], []]


def packed(www: Path) -> bytes:
    return (www / ZST[1:]).read_bytes()


BAD_BODIES: dict[str, Callable[[bytes], bytes]] = {
    "html": lambda good: b"<!DOCTYPE html><html>log in</html>",
    "truncated zst": lambda good: good[: len(good) // 2],
    "only the magic": lambda good: good[:4],
    "broken zst": lambda good: good[:10] + b"\xff" * 50,
    "truncated json": lambda good: b'{"packages": {"a-1-0.tar.bz2": {',
    "a list": lambda good: b"[1]",
    "packed html": lambda good: zstandard.ZstdCompressor().compress(b"<html>"),
}


@pytest.mark.parametrize("kind", BAD_BODIES)
async def test_a_body_that_is_no_index_is_one_clear_error_and_not_cached(www: Path, load: Loader, kind: str) -> None:
    with ChannelServer(www) as server:
        server.fail(ZST, body=BAD_BODIES[kind](packed(www)), times=None)
        with pytest.raises(RepodataError) as caught:
            await load(server.url)
        assert "linux-64/repodata.json.zst" in str(caught.value)
        assert caught.value.hint
    assert not [name for name in load.files() if name.endswith(".tmp")]
    assert len([name for name in load.files() if name.endswith(".info.json")]) <= 2, (
        "noarch may be there, under 2 names"
    )


async def test_a_plain_body_under_the_packed_name_is_read(www: Path, load: Loader) -> None:
    """A server that sets Content-Encoding: zstd has its file unpacked before we see it."""
    with ChannelServer(www) as server:
        server.fail(ZST, body=(www / LINUX[1:]).read_bytes())
        assert names(await load(server.url)) == FULL


async def test_several_frames_are_one_text(www: Path, load: Loader) -> None:
    text = (www / LINUX[1:]).read_bytes()
    pack = zstandard.ZstdCompressor().compress
    (www / ZST[1:]).write_bytes(pack(text[:100]) + pack(text[100:]))
    with ChannelServer(www) as server:
        assert names(await load(server.url)) == FULL


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_access_hints_at_credentials(www: Path, load: Loader, status: int) -> None:
    with ChannelServer(www) as server:
        server.fail(ZST, status=status)
        with pytest.raises(HttpStatusError) as caught:
            await load(server.url)
    assert caught.value.status == status
    assert "token" in str(caught.value.hint)


async def test_secrets_do_not_reach_errors_or_the_cache(www: Path, load: Loader) -> None:
    with ChannelServer(www, token="tk-secret") as server:
        assert names(await load(server.url)) == FULL
        server.fail(ZST, html=True)
        with pytest.raises(RepodataError) as caught:
            await load(server.url, ttl=0, refresh=True)
        assert "tk-secret" not in f"{caught.value} {caught.value.hint}"
    assert not [path for path in (load.pkgs / "cache").iterdir() if b"tk-secret" in path.read_bytes()]


async def test_a_break_in_the_middle_is_mended(tmp_path: Path, load: Loader) -> None:
    build(tmp_path / "www", count=2000, forms=("repodata.json",))
    with ChannelServer(tmp_path / "www") as server:
        server.fail(LINUX, cut_after=70_000)
        found = await load(server.url, retries=2)
        assert len(found[0].names()) == 2000
        assert [request.range for request in server.requests if request.path == LINUX] == [None, "bytes=70000-"]


async def test_storms_are_sat_out(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        server.fail(ZST, status=503, times=2, retry_after=0)
        assert names(await load(server.url, retries=2)) == FULL
        server.fail(ZST, status=503, times=None)
        with pytest.raises(NetworkError):
            await load(server.url, retries=1, ttl=0)


async def test_an_unwritable_cache_is_no_reason_to_stop(www: Path, load: Loader) -> None:
    load.pkgs.write_text("a file in the way")
    with ChannelServer(www) as server:
        assert names(await load(server.url)) == FULL


@pytest.mark.skipif(sys.platform == "win32", reason="needs a device that is always full")
async def test_a_full_disk_is_told_of(www: Path, load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.fetch.index import repodata_cache

    full = os.open("/dev/full", os.O_WRONLY)
    try:
        write = os.write
        monkeypatch.setattr(repodata_cache.os, "write", lambda fd, data: write(full, data))
        with ChannelServer(www) as server:
            assert names(await load(server.url)) == FULL
    finally:
        monkeypatch.undo()
        os.close(full)
    assert len(load.notices("warning")) == 2
    assert "No space left" in load.notices("warning")[0]
    assert load.files() == []


async def test_sixteen_at_once_share_a_cache(www: Path, load: Loader, tmp_path: Path) -> None:
    found: list[list[list[str]]] = []

    async def one(url: str) -> None:
        found.append(names(await Loader(tmp_path / "pkgs")(url, ttl=0)))

    with ChannelServer(www) as server:
        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(one, server.url)
        assert found == [FULL] * 16
        assert not [name for name in load.files() if name.endswith(".tmp")]
        assert names(await load(server.url, offline=True)) == FULL


async def test_cancelling_leaves_nothing_half_done(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        server.fail("*", bandwidth=100, times=None)
        with anyio.move_on_after(0.2) as scope:
            await load(server.url)
        assert scope.cancelled_caught
        server.forget()
    assert load.files() == []


async def test_condas_cache_is_used(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(server.url)
        for path in (load.pkgs / "cache").iterdir():
            if path.name.endswith(".state.json"):
                path.unlink()
            elif path.name.endswith(".info.json"):
                note = json.loads(path.read_text())
                path.write_text(json.dumps({**note, "_extra": 1, "has_shards": {"value": False, "last_checked": "x"}}))
        server.forget()
        assert names(await load(server.url)) == FULL
        assert [request.status for request in server.requests] == [304, 304]


async def test_an_index_is_split_once_and_then_looked_up(
    www: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when it comes in, not after a 304 that gives the cached file a new time, not when it is fresh."""

    def split(_: FilePages) -> None:
        pytest.fail("the whole index was read")

    with ChannelServer(www, cache_control="max-age=60") as server:
        monkeypatch.setattr(FilePages, "_rebuilt", split)
        for settings in ({}, {"ttl": 0}, {"ttl": 0}, {}, {"offline": True}):
            found = await load(server.url, **settings)
            assert names(found) == FULL
            assert [one.version for one in found[0].records("a1")] == ["1"]
    assert len([name for name in load.files() if name.endswith(".whipsnake.idx")]) == 2


async def test_an_index_that_conda_fetched_is_split_and_remembered(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(server.url)
        for path in (load.pkgs / "cache").glob("*.whipsnake.idx"):
            path.unlink()
        assert names(await load(server.url)) == FULL
        assert len([name for name in load.files() if name.endswith(".whipsnake.idx")]) == 2
        assert {request.status for request in server.requests} == {200, 304}


async def test_an_index_file_that_can_not_be_written_is_no_trouble(
    www: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: str, pieces: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(index_file, "write_atomic", full)
    with ChannelServer(www) as server:
        for _ in range(2):
            found = await load(server.url)
            assert names(found) == FULL
            assert [one.version for one in found[0].records("a1")] == ["1"]
            assert load.notices("warning") == []
    assert not [name for name in load.files() if name.endswith((".idx", ".tmp"))]
    assert len([name for name in load.files() if name.endswith(".info.json")]) == 4
