"""Packages that are unpacked by processes: as by ourselves, and nobody is harmed if one dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import CacheError, NetworkError, StorageError, WhipsnakeError
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.hand import Job, number
from engine.fetch.packages.hands import Hands
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.unpack import UnpackOptions
from engine.fetch.packages.unpackers import WORTH, Unpackers
from engine.system.temporary import PREFIX, temporary_name
from tests.fetch.feeding import WAYS, record_of, whole
from tests.kit import evil
from tests.kit.package import BuiltPackage, make_package
from tests.kit.tree import tree

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="there are no such processes on Windows"),
    pytest.mark.usefixtures("interpreter_lock"),
]
FORMATS = (".conda", ".tar.bz2")


@pytest.fixture
def cache(tmp_path: Path) -> PackageCache:
    return PackageCache([str(tmp_path / "pkgs")])


@pytest.fixture
def processes(cache: PackageCache) -> Iterator[Unpackers]:
    made = Unpackers(cache, FetchSettings(extract_threads=2))
    made.expect(WORTH)
    assert made._hands is not None and len(made._hands) == 2
    yield made
    made.close()


@pytest.fixture
def threads(tmp_path: Path) -> Unpackers:
    return Unpackers(PackageCache([str(tmp_path / "other")]), FetchSettings(extract_threads=2))


def package(format: str, name: str = "hello") -> BuiltPackage:
    return make_package(name, files={f"bin/{name}": "hi\n", "share/big": os.urandom(700_000)}, format=format)


def left(cache: PackageCache) -> set[str]:
    return set(os.listdir(cache.writable_dir())) - {"urls", "urls.txt"}


def told(unpackers: Unpackers, built: BuiltPackage, data: bytes) -> tuple[object, ...]:
    """What is said of bytes that are not right."""
    with pytest.raises(WhipsnakeError) as caught:
        unpackers.arriving(record_of(built), whole(data), None)
    return type(caught.value), caught.value.message, caught.value.hint, caught.value.data


@pytest.mark.parametrize("feed", WAYS)
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_package(format: str, feed, processes: Unpackers, threads: Unpackers) -> None:  # type: ignore[no-untyped-def]
    small = make_package("small", files={"share/text": "x" * 3000}, format=format)
    mine, theirs = (one.arriving(record_of(small), feed(small.data), None) for one in (threads, processes))
    assert (mine.files, mine.bytes, mine.package.record) == (theirs.files, theirs.bytes, theirs.package.record)
    assert tree(mine.package.directory) == tree(theirs.package.directory)
    assert Path(theirs.package.archive).read_bytes() == small.data


def test_an_archive_that_is_there_stays(processes: Unpackers, cache: PackageCache, tmp_path: Path) -> None:
    built = package(".conda")
    archive = tmp_path / built.fn
    archive.write_bytes(built.data)
    made = processes.file(str(archive), record_of(built))
    assert archive.exists() and left(cache) == {made.package.record.stem}


def test_sizes_behind_the_data(processes: Unpackers) -> None:
    built = next(case for case in evil.ODD if case.name == "data descriptors").build()
    assert Path(processes.arriving(record_of(built), whole(built.data), None).package.directory).is_dir()


@pytest.mark.parametrize("case", [evil.UNSAFE[0], evil.BROKEN[0]], ids=str)
def test_the_same_refusal(case: evil.Case, processes: Unpackers, threads: Unpackers, cache: PackageCache) -> None:
    built = case.build(case.formats[0])
    assert told(processes, built, built.data) == told(threads, built, built.data)
    assert left(cache) == set()


def test_other_bytes_than_promised(processes: Unpackers, threads: Unpackers, cache: PackageCache) -> None:
    built, other = package(".conda"), package(".conda")
    assert told(processes, built, other.data) == told(threads, built, other.data)
    assert left(cache) == set()


def test_it_does_not_read_on_for_ever(processes: Unpackers, cache: PackageCache) -> None:
    """Of a server that never ends."""
    built = package(".conda")

    def endless() -> Iterator[bytes]:
        yield built.data
        while True:
            yield bytes(1 << 18)

    with pytest.raises(WhipsnakeError, match="size: expected"):
        processes.arriving(record_of(built), endless(), None)
    assert left(cache) == set()


def test_a_line_that_breaks(processes: Unpackers, cache: PackageCache) -> None:
    built = package(".conda")

    def breaking() -> Iterator[bytes]:
        yield built.data[:600_000]
        raise NetworkError("the line broke")

    for _ in range(3):  # more often than there are processes: they go on
        with pytest.raises(NetworkError, match="the line broke"):
            processes.arriving(record_of(built), breaking(), None)
        assert left(cache) == set()
    processes.arriving(record_of(built), whole(built.data), None)


def test_a_full_disk(processes: Unpackers, cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    built = package(".conda")
    cache.writable_dir()
    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(StorageError, match=f"Could not unpack {built.fn} into .*: No space left"):
        processes.arriving(record_of(built), whole(built.data), None)
    assert left(cache) == set()


def test_more_threads_than_processes(processes: Unpackers, cache: PackageCache) -> None:
    many = [package(FORMATS[number % 2], f"p{number}") for number in range(9)]

    def work(built: BuiltPackage) -> str:
        pieces = (built.data[at : at + 100_000] for at in range(0, len(built.data), 100_000))
        return processes.arriving(record_of(built), pieces, None).package.record.name

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(work, many)) == {f"p{number}" for number in range(9)}
    assert len(left(cache)) == 18


def test_processes_that_are_killed(processes: Unpackers, cache: PackageCache) -> None:
    built = package(".conda")
    hands = processes._hands
    assert hands is not None

    def killing() -> Iterator[bytes]:
        yield built.data[:600_000]
        for process in hands.all:
            os.kill(process.process.pid, signal.SIGKILL)
            process.process.wait()
        yield built.data[600_000:]

    with pytest.raises(CacheError, match="the process that unpacks ended unexpectedly") as caught:
        processes.arriving(record_of(built), killing(), None)
    assert "extract_threads" in (caught.value.hint or "")
    with pytest.raises(CacheError):  # the other one is found dead, too
        processes.arriving(record_of(built), whole(built.data), None)
    processes.arriving(record_of(built), whole(built.data), None)  # by this thread
    cache.sweep()
    assert left(cache) == {built.fn, record_of(built).stem}


def test_whoever_started_them_dies(cache: PackageCache, tmp_path: Path) -> None:
    """Then the process puts back what it was at, and ends."""
    hands = Hands(1)
    try:
        [process] = hands.all
        built = package(".conda")
        archive = tmp_path / "archive"
        archive.write_bytes(built.data)
        process.give(Job(record_of(built), cache.writable_dir(), str(archive), True, UnpackOptions()))
        process.tell(number(600_000))
        assert process.process.stdin is not None
        process.process.stdin.close()
        assert process.process.wait(10) == 0
        assert left(cache) == set() and archive.exists()
    finally:
        hands.close()


@pytest.mark.parametrize(("size", "threads"), [(WORTH - 1, 2), (WORTH, 1)])
def test_where_they_would_not_pay(size: int, threads: int, cache: PackageCache) -> None:
    unpackers = Unpackers(cache, FetchSettings(extract_threads=threads))
    unpackers.expect(size)
    assert unpackers._hands is None


def test_small_ones_together(processes: Unpackers, threads: Unpackers, cache: PackageCache) -> None:
    built = [make_package(f"small-{n}", files={"share/text": f"{n}" * 3000}) for n in range(3)]
    archives = [(record_of(one), one.data) for one in built]
    archives[1] = (archives[1][0], built[1].data[:-5] + b"wrong")
    mine, theirs = threads.whole(archives), processes.whole(archives)
    for made in (mine, theirs):
        assert [one and one.package.record.name for one in made] == ["small-0", None, "small-2"]
    assert left(cache) == {name for one in (built[0], built[2]) for name in (one.fn, record_of(one).stem)}
    for one, other in zip(mine, theirs, strict=True):
        if one and other:
            assert tree(one.package.directory) == tree(other.package.directory)
            assert Path(one.package.archive).read_bytes() == Path(other.package.archive).read_bytes()


def test_a_process_that_dies_over_a_group(processes: Unpackers, cache: PackageCache) -> None:
    assert processes._hands is not None
    for helper in processes._hands.all:
        helper.process.kill()
        helper.process.wait()
    small = make_package("small", files={"share/text": "x"})
    with pytest.raises(CacheError, match="small"):
        processes.whole([(record_of(small), small.data)])
    assert left(cache) == set()


class Stopped(Exception):
    """What a checkpoint raises."""


@pytest.mark.parametrize("how", ["whole", "file", "arriving", "broken"])
def test_whoever_is_to_stop_waits_for_no_process(
    how: str, cache: PackageCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These processes do nothing any more, as if they were deep in work; what they had begun is removed."""

    def stop() -> None:
        raise Stopped

    def breaking() -> Iterator[bytes]:
        yield bytes(1 << 19)
        raise Stopped

    monkeypatch.setattr("engine.fetch.packages.hands._FAREWELL", 0.01)
    unpackers = Unpackers(cache, FetchSettings(extract_threads=2), stop)
    unpackers.expect(WORTH)
    assert unpackers._hands is not None
    world, _, _ = temporary_name().removeprefix(PREFIX).split("-")
    for helper in unpackers._hands.all:
        os.kill(helper.process.pid, signal.SIGSTOP)
        (tmp_path / "pkgs" / f"{PREFIX}{world}-{helper.process.pid}-0123abcd").mkdir(parents=True)
    small = make_package("small", files={"share/text": "x"})
    (tmp_path / small.fn).write_bytes(small.data)
    record = record_of(small)
    with pytest.raises(Stopped):
        if how == "whole":
            unpackers.whole([(record, small.data)])
        elif how == "file":
            unpackers.file(str(tmp_path / small.fn), record)
        else:
            unpackers.arriving(record, breaking() if how == "broken" else [small.data], None)
    assert len(unpackers._hands) == 1
    assert len(left(cache)) == (2 if how == "broken" else 1)  # that of the other process
    unpackers.close()
