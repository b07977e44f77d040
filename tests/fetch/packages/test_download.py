"""Downloads that survive: fault × where × format, with the end state, the requests and the bytes served.

Also across runs: what is left of one that was stopped, and of one that was killed.
"""

# The tests look at a handful of files between the steps of the loop.

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.errors import NetworkError, VerificationError
from engine.events import Event, Notice, TransferAdvanced
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.cache.partial import open_partial
from engine.fetch.http.settings import TransportSettings
from engine.fetch.http.transport import Transport
from engine.fetch.packages.download import Downloads
from engine.fetch.packages.prepare import prepare
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.unpack import Unpacked, UnpackOptions, unpack_stream
from engine.model.records import CachedPackage, RepoDataRecord
from tests.fetch.feeding import record_of
from tests.kit.channel import ChannelBuilder
from tests.kit.package import BuiltPackage, make_package
from tests.kit.server import ChannelServer

pytestmark = pytest.mark.anyio

UNIT = 1 << 17
FORMATS = (".conda", ".tar.bz2")
BUILT = {
    format: make_package("big", files={f"share/{n}": os.urandom(UNIT) for n in range(4)}, format=format)
    for format in FORMATS
}
SIZE = {format: len(built.data) for format, built in BUILT.items()}


class Bench:
    """A server with one package of half a MiB, a cache, and what happened."""

    def __init__(self, path: Path, format: str, **options: Any) -> None:
        self.built = BUILT[format]
        ChannelBuilder(path / "channel").add(self.built).write()
        self.server = ChannelServer(path / "channel", **options)
        self.cache = PackageCache([str(path / "pkgs")])
        self.pkgs = Path(self.cache.writable_dir())
        self.events: list[Event] = []
        self.between: Any = iter

    def record(self, **changes: Any) -> RepoDataRecord:
        return record_of(self.built, self.server.url, **changes)

    def work(self, record: RepoDataRecord) -> Any:
        def unpack(pieces: Iterable[bytes], kept: str | None) -> Unpacked:
            return unpack_stream(self.between(pieces), record, self.cache, UnpackOptions(), kept=kept)

        return unpack

    async def fetch(self, record: RepoDataRecord | None = None) -> CachedPackage:
        self.events.clear()
        record = record or self.record()
        async with Transport(TransportSettings(retry_wait=0.0), self.events.append) as transport:
            downloads = Downloads(transport, self.events.append, anyio.CapacityLimiter(4))
            made: Unpacked = await downloads.fetch(record, self.work(record), str(self.pkgs))
        return made.package

    def asked(self) -> list[tuple[str | None, int]]:
        """Of each request for the package its range and the answer."""
        return [(request.range, request.status) for request in self.server.requests if "big" in request.path]

    def served(self) -> float:
        """Bytes of bodies that went out, as a multiple of the archive. Only once the server has closed."""
        return sum(request.sent for request in self.server.requests) / len(self.built.data)

    def notices(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, Notice))

    def is_whole(self) -> bool:
        """The package is there with its archive, and nothing else."""
        archive = self.pkgs / self.built.fn
        names = set(os.listdir(self.pkgs)) - {"urls", "urls.txt"}
        return archive.read_bytes() == self.built.data and names == {self.built.fn, self.built.stem}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("where", [1, UNIT + 7, -1])
@pytest.mark.parametrize(
    ("fault", "then", "twice"),
    [
        ({}, {}, 0),  # a polite end
        ({"reset": True}, {}, 0),
        ({}, {"status": 503}, 0),
        ({}, {"status": 429, "retry_after": 0}, 0),
        ({}, {"at_most": 1000}, 0),
        ({}, {"whole": True}, 1),
        ({}, {"whole": True, "headers": {"ETag": '"other"'}}, 1),  # a farm: the digest tells that it is the same
        ({}, {"redirect": "/linux-64/{fn}"}, 0),
    ],
    ids=["end", "reset", "503", "429", "short part", "no ranges", "other name", "redirect"],
)
async def test_a_break_is_survived(
    fault: dict[str, Any], then: dict[str, Any], twice: int, where: int, format: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, format)
    where = where % SIZE[format]
    with bench.server:
        bench.server.fail("*big*", cut_after=where, **fault)
        if then:
            then = {**then, **({"redirect": then["redirect"].format(fn=bench.built.fn)} if "redirect" in then else {})}
            bench.server.fail("*big*", **then)
        await bench.fetch()
    assert bench.is_whole()
    ranges = [asked for asked, _ in bench.asked()]
    assert ranges[:2] == [None, None if "whole" in then else f"bytes={where}-"]
    assert 2 <= len(ranges) <= 4
    assert abs(bench.served() - 1 - twice * where / SIZE[format]) < 0.05 + twice
    assert sum(event.amount for event in bench.events if isinstance(event, TransferAdvanced)) == SIZE[format]


@pytest.mark.parametrize("pace", ["at once", "a slow reader"])
@pytest.mark.parametrize("format", FORMATS)
async def test_a_reset_again_and_again(format: str, pace: str, tmp_path: Path) -> None:
    """It ends well, within the budget for retries, and hardly a byte goes out twice (aim: 5 %)."""
    bench = Bench(tmp_path, format)

    def slowly(pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            time.sleep(len(piece) / (100 * UNIT))
            yield piece

    bench.between = slowly if pace == "a slow reader" else iter
    with bench.server:
        bench.server.fail("*big*", cut_after=UNIT, reset=True, times=None)
        await bench.fetch()
    assert bench.is_whole()
    assert len(bench.asked()) == -(-SIZE[format] // UNIT)
    assert bench.served() <= 1.05


@pytest.mark.parametrize("format", FORMATS)
async def test_a_part_is_gone_on_with_in_the_next_run(format: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, format)
    with bench.server:
        bench.server.fail("*big*", cut_after=2 * UNIT)
        bench.server.fail("*big*", status=500, times=None)
        with pytest.raises(NetworkError):
            await bench.fetch()
        assert (bench.pkgs / f"{bench.built.fn}.partial").read_bytes() == bench.built.data[: 2 * UNIT]
        etag = bench.server.etag(f"linux-64/{bench.built.fn}")
        bench.server.forget()
        await bench.fetch()
        [request] = bench.server.requests
        assert (request.range, request.headers["if-range"]) == (f"bytes={2 * UNIT}-", etag)
    assert bench.is_whole()
    assert abs(bench.served() - 1 + 2 * UNIT / SIZE[format]) < 0.01
    assert "are here already" in bench.notices()


async def test_a_whole_part_needs_no_server(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ".conda")
    (bench.pkgs / f"{bench.built.fn}.partial").write_bytes(bench.built.data)
    with bench.server:
        await bench.fetch()
        assert bench.asked() == []
    assert bench.is_whole()


@pytest.mark.parametrize("digest", [True, False])
async def test_a_file_that_changed_since_is_begun_anew(digest: bool, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ".conda")
    with bench.server:
        record = bench.record()
        if not digest:
            record = bench.record(sha256=None, md5=None, size=None)
        part = open_partial(str(bench.pkgs), record)
        assert part is not None
        with pytest.raises(NetworkError), part:
            for _ in part.passing([b"x" * UNIT], lambda: '"older"'):
                pass
            raise NetworkError("the line is dead")
        await bench.fetch(record)
        *earlier, last = bench.server.requests
        assert (last.range, last.status, last.headers["cache-control"]) == (None, 200, "no-cache")
        if (
            digest or earlier
        ):  # without one, the bytes that are here may be found to be no package before the first answer
            assert [(one.range, one.status) for one in earlier] == [(f"bytes={UNIT}-", 200)]
    assert bench.is_whole()


@pytest.mark.parametrize("size", [UNIT, 7 * UNIT])
async def test_a_part_of_who_knows_what(size: int, tmp_path: Path) -> None:
    """Without a digest, and with the right name of the file: what comes out is no package, so the part is to blame."""
    bench = Bench(tmp_path, ".conda")
    with bench.server:
        record = bench.record(sha256=None, md5=None, size=None)
        part = open_partial(str(bench.pkgs), record)
        assert part is not None
        with pytest.raises(NetworkError), part:
            for _ in part.passing([b"x" * size], lambda: bench.server.etag(f"linux-64/{bench.built.fn}")):
                pass
            raise NetworkError("the line is dead")
        await bench.fetch(record)
        assert bench.asked()[-1] == (None, 200)
        assert bench.is_whole()


async def test_wrong_bytes_are_fetched_once_more_past_all_caches(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ".conda")
    with bench.server:
        bench.server.fail("*big*", flip_at=UNIT)
        await bench.fetch()
        again = bench.server.requests[1]
        assert (again.headers["cache-control"], again.headers["pragma"], again.range) == ("no-cache", "no-cache", None)
        assert "fetched once more" in bench.notices()
        assert bench.is_whole()


async def test_wrong_bytes_twice_are_one_error_with_both_digests(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ".conda")
    with bench.server:
        wrong = "0" * 64
        with pytest.raises(VerificationError, match=f"expected {wrong}, found {bench.built.sha256}"):
            await bench.fetch(bench.record(sha256=wrong))
        assert len(bench.asked()) == 2
    assert os.listdir(bench.pkgs) == ["urls.txt"] or set(os.listdir(bench.pkgs)) == {"urls", "urls.txt"}


async def test_a_part_with_a_wrong_byte_is_found_out_and_mended(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ".conda")
    data = bench.built.data
    (bench.pkgs / f"{bench.built.fn}.partial").write_bytes(data[:100_000] + b"?" + data[100_001 : 2 * UNIT])
    with bench.server:
        await bench.fetch()
        assert [asked for asked, _ in bench.asked()] == [f"bytes={2 * UNIT}-", None]
    assert bench.is_whole()


_CLIENT = """
import sys, anyio, msgspec
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.fetch.packages.prepare import prepare
from engine.fetch.packages.settings import FetchSettings
from engine.model.records import RepoDataRecord
async def main():
    records = msgspec.json.decode(sys.stdin.read(), type=list[RepoDataRecord])
    send, receive = anyio.create_memory_object_stream(1)
    async with Transport() as transport, anyio.create_task_group() as group:
        cache = PackageCache([sys.argv[1]])
        group.start_soon(prepare, records, cache, transport, FetchSettings(), lambda event: None, send)
        async with receive:
            async for package in receive:
                print(package.record.name, flush=True)
anyio.run(main)
"""


def test_after_a_kill_nothing_complete_is_fetched_twice_and_the_rest_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ".conda")
    small = make_package("small", files={"a": os.urandom(1000)})
    ChannelBuilder(tmp_path / "channel").add(bench.built).add(small).write()
    with bench.server:
        records = [
            {key: getattr(record, key) for key in ("name", "version", "fn", "url", "sha256", "size", "channel")}
            for record in (bench.record(), record_of(small, bench.server.url))
        ]
        bench.server.fail("*big*", cut_after=3 * UNIT, stall=60)
        command = [sys.executable, "-c", _CLIENT, str(bench.pkgs)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdin and client.stdout
            client.stdin.write(json.dumps(records))
            client.stdin.close()
            client.stdin = None
            assert client.stdout.readline() == "small\n"
            part = bench.pkgs / f"{bench.built.fn}.partial"
            deadline = time.monotonic() + 30
            while not (part.exists() and part.stat().st_size == 3 * UNIT) and time.monotonic() < deadline:
                os.sched_yield()
            client.send_signal(signal.SIGKILL)
        bench.server.forget()
        run = subprocess.run(command, input=json.dumps(records), capture_output=True, text=True, timeout=60, check=True)
        assert set(run.stdout.split()) == {"small", "big"}
        assert bench.asked() == [(f"bytes={3 * UNIT}-", 206)]
        assert len(bench.server.requests) == 1
    assert (bench.pkgs / bench.built.fn).read_bytes() == bench.built.data


async def test_without_the_lock_nothing_is_shared(tmp_path: Path) -> None:
    """Where locks don't work two processes must not write into one part."""
    bench = Bench(tmp_path, ".conda")
    send, receive = anyio.create_memory_object_stream[CachedPackage](1)
    with bench.server:
        bench.server.fail("*big*", cut_after=2 * UNIT)
        bench.server.fail("*big*", status=404, times=None)
        with pytest.raises(BaseException):  # noqa: B017 - a group, whatever its class is called here
            async with Transport(TransportSettings(retry_wait=0.0)) as transport, anyio.create_task_group() as group:
                settings = FetchSettings(use_lockfiles=False)
                group.start_soon(prepare, [bench.record()], bench.cache, transport, settings, bench.events.append, send)
                async with receive:
                    await receive.receive()
    assert not [name for name in os.listdir(bench.pkgs) if "partial" in name or name.startswith(".")]


def test_the_packages_are_big_enough_to_break() -> None:
    assert all(isinstance(built, BuiltPackage) and len(built.data) > 4 * UNIT for built in BUILT.values())
