"""Bytes from a real server into a real cache."""

# ruff: noqa: ASYNC240
# The tests look at a handful of small files between the steps of the loop.

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.errors import (
    ArchiveError,
    CacheError,
    HttpStatusError,
    OfflineError,
    StorageError,
    VerificationError,
    WhipsnakeError,
)
from engine.events import (
    Event,
    Notice,
    PhaseFinished,
    PhaseStarted,
    TransferAdvanced,
    TransferFinished,
    TransferStarted,
    WorkFinished,
)
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.cache.partial import WORTH_KEEPING, open_partial
from engine.fetch.http.broken import PipeBroken
from engine.fetch.http.settings import TransportSettings
from engine.fetch.http.transport import Transport
from engine.fetch.packages.order import Rank, all_alike
from engine.fetch.packages.prepare import prepare
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.unpack import Unpacked
from engine.fetch.packages.unpackers import Unpackers
from engine.flow import first_error
from engine.model.records import CachedPackage, RepoDataRecord
from tests.fetch.feeding import record_of
from tests.kit.channel import ChannelBuilder
from tests.kit.package import BuiltPackage, make_package
from tests.kit.server import ChannelServer

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

pytestmark = pytest.mark.anyio


def packages(count: int = 4, size: int = 20_000) -> list[BuiltPackage]:
    """Packages of growing size, in both formats; random data, so that the archives are as big."""
    return [
        make_package(f"p{n}", files={f"share/p{n}": os.urandom(size * (n + 1))}, format=(".conda", ".tar.bz2")[n % 2])
        for n in range(count)
    ]


class Bench:
    """A server with packages, a cache, and what happened."""

    def __init__(self, path: Path, built: Sequence[BuiltPackage]) -> None:
        channel = ChannelBuilder(path / "channel")
        for package in built:
            channel.add(package)
        channel.write()
        self.built = built
        self.server = ChannelServer(path / "channel")
        self.cache = PackageCache([str(path / "pkgs")])
        self.events: list[Event] = []

    def records(self, **changes: Any) -> list[RepoDataRecord]:
        return [record_of(package, self.server.url, **changes) for package in self.built]

    def said(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def left(self) -> set[str]:
        pkgs = self.cache.pkgs_dirs[0]
        return set(os.listdir(pkgs)) if os.path.isdir(pkgs) else set()

    async def prepare(
        self,
        records: Sequence[RepoDataRecord],
        settings: FetchSettings | None = None,
        rank: Rank = all_alike,
        **transport: Any,
    ) -> list[CachedPackage]:
        """What comes out; raises the one error."""
        found: list[CachedPackage] = []
        send, receive = anyio.create_memory_object_stream[CachedPackage](1)
        self.events.clear()
        options = TransportSettings(retry_wait=0.01, max_retries=2, **transport)
        try:
            async with Transport(options) as connections, anyio.create_task_group() as group:
                how = settings or FetchSettings()
                group.start_soon(prepare, records, self.cache, connections, how, self.events.append, send, rank)
                async with receive:
                    async for package in receive:
                        found.append(package)
        except BaseExceptionGroup as error:
            assert len(error.exceptions) == 1
            raise first_error(error) from None
        return found


@pytest.fixture(params=["threads", "processes"], autouse=True)
def unpackers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Unpacking in the threads that download, and in processes beside them."""
    if request.param == "processes":
        monkeypatch.setattr("engine.fetch.packages.unpackers.WORTH", 0)
    return str(request.param)


@pytest.fixture
def bench(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Bench(tmp_path, packages())
    with made.server:
        yield made


async def test_cold_then_warm(bench: Bench) -> None:
    records = bench.records()
    found = await bench.prepare(records, FetchSettings(download_threads=1))
    assert {package.record.name for package in found} == {"p0", "p1", "p2", "p3"}
    assert bench.server.count() == 4
    [started], [finished] = bench.said(PhaseStarted), bench.said(PhaseFinished)
    assert (started.items, started.bytes) == (4, sum(record.size or 0 for record in records))
    assert (finished.items, finished.bytes, finished.note) == (4, started.bytes, "")
    assert len(bench.said(TransferFinished)) == len(bench.said(WorkFinished)) == 4
    assert [event.name for event in bench.said(TransferStarted)] == ["p3", "p2", "p1", "p0"]  # biggest first
    assert len(await bench.prepare(records)) == 4
    assert bench.server.count() == 4
    assert bench.said(PhaseFinished)[0].note == "4 cached"
    assert not bench.said(TransferStarted)


async def test_what_is_needed_first_comes_first_and_then_the_biggest(bench: Bench) -> None:
    settings = FetchSettings(download_threads=1)
    for expected in (["p1", "p3", "p2", "p0"], ["p1", "p3", "p2", "p0"]):  # downloaded, then cached
        found = await bench.prepare(bench.records(), settings, rank=lambda record: record.name != "p1")
        assert [package.record.name for package in found] == expected


async def test_nothing_to_do(bench: Bench) -> None:
    assert await bench.prepare([]) == []


async def test_many_packages_with_one_worker(tmp_path: Path) -> None:
    bench = Bench(tmp_path, packages(12, 10))
    with bench.server:
        assert len(await bench.prepare(bench.records(), FetchSettings(download_threads=1, extract_threads=1))) == 12


async def test_an_archive_in_the_cache_needs_no_network(bench: Bench) -> None:
    package = bench.built[0]
    pkgs = Path(bench.cache.writable_dir())
    package.write(pkgs)
    [found] = await bench.prepare(bench.records()[:1])
    assert bench.server.count() == 0
    assert found.archive == str(pkgs / package.fn)
    assert not bench.said(TransferStarted)


async def test_a_wrong_archive_in_the_cache_is_fetched_again(bench: Bench) -> None:
    package, pkgs = bench.built[0], Path(bench.cache.writable_dir())
    (pkgs / package.fn).write_bytes(bytes(len(package.data)))
    [found] = await bench.prepare(bench.records()[:1])
    assert bench.server.count() == 1
    assert Path(found.archive).read_bytes() == package.data
    assert "is of no use" in bench.said(Notice)[0].text


async def test_a_broken_hit_is_healed(bench: Bench) -> None:
    records = bench.records()
    found = await bench.prepare(records)
    victim = next(package for package in found if package.record.name == "p2")
    Path(victim.directory, "share/p2").write_bytes(b"")
    assert len(await bench.prepare(records)) == 4
    assert Path(victim.directory, "share/p2").stat().st_size == 60_000
    assert bench.server.count() == 4  # its archive was still there
    assert "broken in the package cache" in bench.said(Notice)[0].text


async def test_the_check_of_what_is_cached_can_be_left_to_who_links_it(bench: Bench) -> None:
    first = await bench.prepare(bench.records())
    assert not any(package.unchecked for package in first)
    settings = FetchSettings(check_cached=False)
    assert all(package.unchecked for package in await bench.prepare(bench.records(), settings))
    for change in ({"safety_checks": "disabled"}, {"extra_safety_checks": True}):
        settings = FetchSettings(check_cached=False, **change)  # type: ignore[arg-type]
        assert not any(package.unchecked for package in await bench.prepare(bench.records(), settings))


async def test_without_safety_checks_the_marker_is_believed(bench: Bench) -> None:
    [found] = await bench.prepare(bench.records()[:1])
    Path(found.directory, "share/p0").write_bytes(b"")
    assert await bench.prepare(bench.records()[:1], FetchSettings(safety_checks="disabled")) == [found]
    assert await bench.prepare(bench.records()[:1], FetchSettings(extra_safety_checks=True)) == [found]
    assert Path(found.directory, "share/p0").stat().st_size == 20_000


@pytest.mark.parametrize("fault", [{"cut_after": 5000}, {"cut_after": 0}, {"status": 503}, {"status": 429}])
async def test_faults_that_pass_are_survived(fault: dict[str, int], bench: Bench) -> None:
    bench.server.fail("*p2*", times=2, **fault)
    assert len(await bench.prepare(bench.records())) == 4
    assert bench.server.count("*p2*") == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 404}, HttpStatusError),
        ({"status": 403}, HttpStatusError),
        ({"html": True}, VerificationError),
        ({"flip_at": 300}, VerificationError),
        ({"body": b""}, VerificationError),
        ({"body": b"PK\x03\x04" + bytes(99)}, VerificationError),
    ],
)
@pytest.mark.parametrize("which", ["p0", "p3"])
async def test_one_failure_stops_all_and_leaves_no_half(
    which: str, fault: dict[str, Any], error: type[WhipsnakeError], bench: Bench
) -> None:
    bench.server.fail(f"*{which}*", times=None, **fault)
    with pytest.raises(error, match=which):
        await bench.prepare(bench.records())
    assert not [name for name in bench.left() if name.startswith((".", which)) or name.endswith(".partial")]
    bench.server.forget()
    assert len(await bench.prepare(bench.records())) == 4


async def test_small_ones_are_unpacked_together(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together: list[list[str]] = []
    whole = Unpackers.whole

    def noted(self: Unpackers, archives: Sequence[tuple[RepoDataRecord, bytes]]) -> list[Unpacked | None]:
        together.append([record.name for record, _ in archives])
        return whole(self, archives)

    monkeypatch.setattr(Unpackers, "whole", noted)
    monkeypatch.setattr("engine.fetch.packages.grouping.SMALL", 70_000)
    settings = FetchSettings(download_threads=1)
    found = await bench.prepare(bench.records(), settings, rank=lambda record: record.name == "p3")
    assert together == [["p2", "p1", "p0"]], "and p3, which is not small, after them"
    assert [package.record.name for package in found] == ["p2", "p1", "p0", "p3"]
    monkeypatch.setattr("engine.fetch.packages.grouping.GROUP_BYTES", 50_000)
    bench.cache = PackageCache([str(tmp_path / "others")])
    assert len(await bench.prepare(bench.records(), settings)) == 4
    assert together[1:] == [["p2"], ["p1", "p0"]] or together[1:] == [["p1", "p0"]], "p2 fills a group alone"


async def test_a_small_one_with_a_wrong_byte_is_fetched_once_more(bench: Bench) -> None:
    bench.server.fail("*p1*", times=1, flip_at=300)
    assert len(await bench.prepare(bench.records(), FetchSettings(download_threads=1))) == 4
    assert bench.server.count("*p1*") == 2 and bench.server.count() == 5
    assert not [name for name in bench.left() if name.startswith(".")]


async def test_a_small_one_that_never_ends_is_let_go(bench: Bench) -> None:
    [_, small, *_] = bench.records()
    bench.server.fail("*p1*", times=1, body=b"x" * 3_000_000)
    assert len(await bench.prepare(bench.records(), FetchSettings(download_threads=1))) == 4
    received = sum(event.amount for event in bench.said(TransferAdvanced) if small.fn in event.key)
    assert received < 3_000_000, "no more than a little too much"


async def test_the_part_of_a_small_one_is_gone_on_with(bench: Bench) -> None:
    [_, record, *_] = bench.records()
    part = open_partial(bench.cache.writable_dir(), record)
    assert part is not None and record.size is not None and record.size > 10_000
    with suppress(PipeBroken), part:
        for _ in part.passing([bench.built[1].data[:10_000]], lambda: None):
            pass
        part._position = WORTH_KEEPING
        raise PipeBroken("killed")
    assert len(await bench.prepare(bench.records(), FetchSettings(download_threads=1))) == 4
    assert [one.range for one in bench.server.requests if record.fn in one.path] == ["bytes=10000-"]


async def test_of_small_ones_that_another_process_fetches_is_waited(bench: Bench) -> None:
    lock = bench.cache.lock(bench.records()[2])
    assert lock.try_acquire()
    threading.Timer(0.3, lock.release).start()
    found = await bench.prepare(bench.records(), FetchSettings(download_threads=1))
    assert [package.record.name for package in found] == ["p3", "p1", "p0", "p2"]
    assert any("Waiting for p2" in event.text for event in bench.said(Notice))


async def test_cancelling_leaves_nothing(bench: Bench) -> None:
    bench.server.fail(times=None, bandwidth=20_000)
    with anyio.move_on_after(0.3) as scope:
        await bench.prepare(bench.records())
    assert scope.cancelled_caught
    assert bench.left() == {"urls", "urls.txt"}


async def test_a_receiver_that_leaves_is_no_error(bench: Bench) -> None:
    send, receive = anyio.create_memory_object_stream[CachedPackage](0)
    async with Transport() as transport, anyio.create_task_group() as group:
        group.start_soon(prepare, bench.records(), bench.cache, transport, FetchSettings(), bench.events.append, send)
        async with receive:
            await receive.receive()
    assert not [name for name in bench.left() if name.startswith(".")]


async def test_offline_says_so_and_uses_what_is_cached(bench: Bench) -> None:
    records = bench.records()
    await bench.prepare(records[:2])
    assert len(await bench.prepare(records[:2], offline=True)) == 2
    with pytest.raises(OfflineError):
        await bench.prepare(records, offline=True)


async def test_a_local_channel(bench: Bench) -> None:
    url = (bench.server.directory).as_uri()
    found = await bench.prepare([record_of(package, url) for package in bench.built])
    assert len(found) == 4
    assert bench.server.count() == 0


async def test_explicit_addresses_are_completed(bench: Bench) -> None:
    bare = [
        RepoDataRecord(name="", version="", fn=package.fn, url=f"{bench.server.url}/linux-64/{package.fn}")
        for package in bench.built
    ]
    for _ in range(2):
        found = await bench.prepare(bare)
        assert {package.record.name for package in found} == {"p0", "p1", "p2", "p3"}
        assert all(package.record.sha256 and json.loads(package.record.raw) for package in found)
    assert bench.server.count() == 4


async def test_a_broken_package_is_named(bench: Bench, tmp_path: Path) -> None:
    paths = json.dumps({"paths": [{"_path": "b"}]})
    broken = make_package("bad", files={"a": "1"}, info={"paths.json": paths})
    other = Bench(tmp_path / "other", [broken])
    with (
        other.server,
        pytest.raises(VerificationError, match=r"bad-1\.0.*\n.*b: declared as a file, but it is missing"),
    ):
        await other.prepare(other.records())
    assert other.left() == {"urls", "urls.txt"}


async def test_a_cache_that_cannot_be_written_is_said_first(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench.cache = PackageCache([str(tmp_path / "file/pkgs")])
    with pytest.raises(CacheError):
        await bench.prepare(bench.records())
    assert bench.server.count() == 0


async def test_a_full_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def refuse(file: int, data: bytes) -> int:
        if len(data) > 10_000:
            raise OSError(28, "No space left on device")
        return real(file, data)

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="No space left"):
        patch.setattr(os, "write", refuse)
        await bench.prepare(bench.records())
    assert bench.left() == {"urls", "urls.txt"}


async def test_without_locks_there_is_one_warning(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(4)  # all threads have met the fault before the first of them tells of it

    def refuse(*_: object) -> None:
        with suppress(threading.BrokenBarrierError):
            together.wait(1)
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert len(await bench.prepare(bench.records())) == 4
    assert [event.level for event in bench.said(Notice)] == ["warning"]
    assert len(await bench.prepare(bench.records(), FetchSettings(use_lockfiles=False))) == 4


async def test_waits_for_another_process_and_names_it(bench: Bench) -> None:
    record = bench.records()[0]
    lock = bench.cache.lock(record)
    assert lock.try_acquire()

    async def let_go() -> None:
        await anyio.sleep(0.3)
        lock.release()

    async with anyio.create_task_group() as group:
        group.start_soon(let_go)
        assert len(await bench.prepare(bench.records())) == 4
    [notice] = bench.said(Notice)
    assert notice.text == f"Waiting for {record.fn}, which process {os.getpid()} on {os.uname().nodename} is fetching"


async def test_patience_ends_and_the_work_is_done_twice(bench: Bench) -> None:
    lock = bench.cache.lock(bench.records()[0])
    assert lock.try_acquire()
    assert len(await bench.prepare(bench.records(), FetchSettings(lock_timeout=0.1))) == 4
    lock.release()


_CLIENT = """
import json, sys, anyio
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.fetch.packages.prepare import prepare
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.unpack import Unpacked
from engine.fetch.packages.unpackers import Unpackers
from engine.model.records import RepoDataRecord
import msgspec
async def main():
    records = msgspec.convert(json.load(sys.stdin), list[RepoDataRecord])
    send, receive = anyio.create_memory_object_stream(1)
    async with Transport() as transport, anyio.create_task_group() as group:
        settings = FetchSettings(use_lockfiles=sys.argv[2] == "locks")
        group.start_soon(prepare, records, PackageCache([sys.argv[1]]), transport, settings, lambda event: None, send)
        async with receive:
            print(len([package async for package in receive]))
anyio.run(main)
"""


@pytest.mark.parametrize("locks", ["locks", "none"])
def test_many_processes_on_one_empty_cache(locks: str, tmp_path: Path) -> None:
    """All succeed; with locks each package is fetched once, without none is broken."""
    bench = Bench(tmp_path, packages(5))
    wanted = [{"name": r.name, "version": r.version, "fn": r.fn, "url": r.url, "sha256": r.sha256, "size": r.size}
              for r in bench.records()]  # fmt: skip
    command = [sys.executable, "-c", _CLIENT, bench.cache.pkgs_dirs[0], locks]
    with bench.server:
        running = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)
        ]
        for process in running:
            assert process.stdin
            process.stdin.write(json.dumps(wanted))
            process.stdin.close()
            process.stdin = None
        assert [process.communicate(timeout=60)[0].strip() for process in running] == ["5"] * 6
        assert all(process.returncode == 0 for process in running)
        if locks == "locks":
            assert bench.server.count() == 5
    assert all(bench.cache.find_sound(record, digests=True) for record in bench.records())
    assert bench.left() == {"urls", "urls.txt"} | {p.fn for p in bench.built} | {p.stem for p in bench.built}


async def test_archive_errors_are_the_users(tmp_path: Path) -> None:
    """A package whose digest is right but whose archive is broken: an `ArchiveError`, not a bug."""
    package = make_package("p")
    broken = BuiltPackage(package.fn, package.data[:-40], package.index, package.paths)
    bench = Bench(tmp_path, [broken])
    with bench.server, pytest.raises(ArchiveError, match=r"p-1\.0"):
        await bench.prepare(bench.records())
