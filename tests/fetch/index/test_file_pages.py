"""The index file and the pages it leads to: what is broken, cut, stale, foreign or changed is never believed."""

from __future__ import annotations

import errno
import json
import os
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DamagedIndex, RepodataError, StorageError
from engine.fetch.index import file_pages, index_file
from engine.fetch.index.file_pages import FilePages
from engine.fetch.index.index_file import Identity, announce, index_path
from engine.model.channel import Channel
from engine.model.repodata import RepoData, RepoDataSplitter
from tests.kit import open_files
from tests.kit.shared import needs_shared, shared_data

CHANNEL = Channel("chan", "https://host/chan")


def row(name: str, version: str) -> dict[str, Any]:
    return {"name": name, "version": version, "build": "0", "build_number": 0, "depends": ["x" * 50]}


def document(versions: int = 40, names: str = "abcdefghij") -> dict[str, Any]:
    rows = {f"{name}-{n}-0.conda": row(name, str(n)) for name in names for n in range(versions)}
    new = {f"{name}-{versions + 1}-0": row(name, str(versions + 1)) for name in names}
    info = {"subdir": "linux-64", "base_url": "../files", "repodata_revisions": {"v9": {"n_packages": 1}}}
    return {
        "info": info,
        "packages.conda": rows,
        "removed": ["a-0-0.conda"],
        "v3": {"conda": new, "whl": {"w-1-0": {}}},
    }


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "0123abcd.json").write_text(json.dumps(document()))
    return str(tmp_path / "0123abcd.json")


def load(path: str) -> RepoData:
    pages = FilePages(path)
    return RepoData.assemble(CHANNEL, "linux-64", pages, pages.head, path)


@pytest.mark.skipif(not os.path.isdir(open_files.DESCRIPTORS), reason="can't see what is open")
def test_windows_can_replace_and_remove_what_is_read(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_pages, "HOLDS", False)
    repodata = load(path)
    first = list(repodata.records("a"))
    same = Path(path).with_suffix(".new")
    same.write_bytes(Path(path).read_bytes())
    with open_files.held_fast():
        os.replace(same, path)
        assert list(load(path).records("a")) == first and list(repodata.records("b"))
        os.unlink(path)
    with pytest.raises(StorageError):
        list(repodata.records("c"))


def everything(repodata: RepoData) -> tuple[object, ...]:
    rows = {name: list(repodata.records(name)) for name in sorted(repodata.names())}
    return rows, repodata.base_url, repodata.notes, json.loads(repodata.info), repodata.problems


def in_memory(data: bytes) -> RepoData:
    splitter = RepoDataSplitter(CHANNEL, "linux-64")
    for start in range(0, len(data), 1000):
        splitter.feed(data[start : start + 1000])
    return splitter.finish()


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were split anew."""
    found: list[str] = []
    rebuild = FilePages._rebuilt

    def spy(self: FilePages, fd: int) -> object:
        found.append(self._path)
        return rebuild(self, fd)

    monkeypatch.setattr(FilePages, "_rebuilt", spy)
    return found


def test_what_is_read_is_what_memory_holds(path: str, splits: list[str]) -> None:
    model = everything(in_memory(Path(path).read_bytes()))
    for _ in range(3):
        assert everything(load(path)) == model
    assert len(splits) == 1, "the first run splits, the next ones read what it found"
    assert sorted(os.listdir(os.path.dirname(path))) == ["0123abcd.json", "0123abcd.whipsnake.idx"]


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize("subdir", ["linux-64", "noarch"])
def test_real_indexes_are_the_same_from_file_and_from_memory(tmp_path: Path, subdir: str) -> None:
    import zstandard

    packed = shared_data("repodata", subdir, "repodata.json.zst").read_bytes()
    data = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    (tmp_path / "k.json").write_bytes(data)
    splitter = RepoDataSplitter(CHANNEL, subdir)
    splitter.feed(data)
    memory = splitter.finish()
    load(str(tmp_path / "k.json"))  # builds
    pages = FilePages(str(tmp_path / "k.json"))
    stored = RepoData.assemble(CHANNEL, subdir, pages, pages.head, "x")
    assert set(stored.names()) == set(memory.names())
    for name in memory.names():
        assert stored.records(name) == memory.records(name)


def bent(change: Callable[[bytearray], object]) -> Callable[[str], None]:
    def bend(path: str) -> None:
        data = bytearray(Path(index_path(path)).read_bytes())
        change(data)
        Path(index_path(path)).write_bytes(bytes(data))

    return bend


def flip(at: int) -> Callable[[str], None]:
    return bent(lambda data: data.__setitem__(at, data[at] ^ 0x10))


def cut(size: int) -> Callable[[str], None]:
    return bent(lambda data: data.__delitem__(slice(size, None)))


def newer_version(path: str) -> None:
    header = index_file._header(Path(index_path(path)).read_bytes())
    assert header
    with open(index_path(path), "r+b") as file:
        file.write(header._replace(version=header.version + 1).packed())


def of_another(path: str) -> None:
    other = path.replace("0123abcd", "other")
    Path(other).write_text(json.dumps(document(versions=3)))
    FilePages(other)
    os.replace(index_path(other), index_path(path))


def as_directory(path: str) -> None:
    os.unlink(index_path(path))
    os.mkdir(index_path(path))


DAMAGE: dict[str, Callable[[str], None]] = {
    "gone": lambda path: os.unlink(index_path(path)),
    "empty": cut(0),
    "only the magic": cut(8),
    "half a header": cut(40),
    "no head": cut(index_file._START + 10),
    "one byte short": cut(-1),
    "one byte more": bent(lambda data: data.append(0)),
    "twice": bent(lambda data: data.extend(bytes(data))),
    "text": bent(lambda data: data.__setitem__(slice(None), b"hello")),
    "zeros": bent(lambda data: data.__setitem__(slice(None), bytes(len(data)))),
    "a bit of the version": flip(8),
    "a bit of the time": flip(24),
    "a bit of the header's checksum": flip(index_file._START - 1),
    "a bit of the table": flip(index_file._START + 3),
    "a bit of the head": flip(-5),
    "of a newer whipsnake": newer_version,
    "of another index": of_another,
    "a directory": as_directory,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_index_file_is_noticed_and_made_anew(path: str, splits: list[str], kind: str) -> None:
    good = everything(load(path))
    DAMAGE[kind](path)
    splits.clear()
    assert everything(load(path)) == good
    assert splits == [path]
    if kind != "a directory":
        assert everything(load(path)) == good
        assert splits == [path], "it was saved again"


def test_any_bit_counts(path: str) -> None:
    good = everything(load(path))
    data = Path(index_path(path)).read_bytes()
    dice = random.Random(5)
    for _ in range(60):
        bit = dice.randrange(8 * len(data))
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        Path(index_path(path)).write_bytes(bytes(broken))
        assert everything(load(path)) == good


def test_a_table_that_lies_with_the_right_checksums_is_no_crash(path: str) -> None:
    """Ranges are checked on their own, whoever wrote the table."""
    load(path)
    other = path.replace("0123abcd", "other")
    Path(other).write_text(json.dumps(document(versions=3)))
    FilePages(other)
    header = index_file._header(Path(index_path(other)).read_bytes())
    assert header
    fd = os.open(path, os.O_RDONLY)
    identity = Identity.of(fd)
    os.close(fd)
    forged = header._replace(size=identity.size, mtime_ns=identity.mtime_ns, sample=identity.sample).packed()
    Path(index_path(path)).write_bytes(forged + Path(index_path(other)).read_bytes()[len(forged) :])
    assert len(load(path).records("b")) == 41


def test_a_new_json_is_split(path: str, splits: list[str]) -> None:
    load(path)
    Path(path + ".new").write_text(json.dumps(document(versions=5)))
    os.replace(path + ".new", path)
    assert len(load(path).records("b")) == 6
    assert len(splits) == 2


def test_the_same_size_and_time_are_not_enough(path: str, splits: list[str]) -> None:
    load(path)
    info = os.stat(path)
    text = Path(path).read_text()
    Path(path).write_text(text.replace('"version": "7"', '"version": "x"'))
    os.utime(path, ns=(info.st_mtime_ns, info.st_mtime_ns))
    assert os.stat(path).st_size == info.st_size
    assert {one.version for one in load(path).records("b")} >= {"x"}
    assert len(splits) == 2


def test_what_is_held_stays_when_the_file_is_replaced(path: str, splits: list[str]) -> None:
    """As conda and mamba do it, in the middle of a solve."""
    held = load(path)
    before = list(held.records("a"))
    Path(path + ".new").write_text(json.dumps(document(versions=1)))
    os.replace(path + ".new", path)
    assert len(held.records("b")) == 41
    assert list(held.records("a")) == before
    assert len(splits) == 1


def big(path: str) -> bytes:
    """An index whose middle no sample covers."""
    data = json.dumps(document(versions=200)).encode()
    Path(path).write_bytes(data)
    return data


@pytest.mark.parametrize("change", ["cut", "empty", "garbage", "one record"])
def test_a_file_that_is_spoilt_under_us_is_one_clear_error(path: str, change: str) -> None:
    """Another program writes into the file itself. (Cut short under a mapping it would be a SIGBUS.)"""
    data = big(path)
    held = load(path)
    assert len(held.records("e")) == 201
    with open(path, "r+b") as file:
        if change == "garbage":
            file.write(b"x" * len(data))
        elif change == "one record":
            file.seek(data.index(b'"version": "100"', data.index(b'"h-100-0')))
            file.write(b'"version": "9x9"')
        else:
            file.truncate(0 if change == "empty" else len(data) // 2)
    with pytest.raises(DamagedIndex) as caught:
        held.records("h")
    assert "again" in str(caught.value.hint)
    assert not os.path.exists(index_path(path)), "the next run splits the file, or fetches another"
    if change in ("cut", "garbage"):
        with pytest.raises(RepodataError):
            load(path)


def test_a_rotten_middle_that_keeps_size_and_time_is_read_as_it_is_now(path: str, splits: list[str]) -> None:
    """Nothing but the checksum of a page tells: then the table is made anew."""
    data = big(path)
    load(path)
    info = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(data.index(b'"version": "100"', data.index(b'"f-100-0')))
        file.write(b'"version": "9x9"')
    os.utime(path, ns=(info.st_mtime_ns, info.st_mtime_ns))
    held = load(path)
    assert len(splits) == 1
    assert "9x9" in {one.version for one in held.records("f")}
    assert len(splits) == 2


def test_a_read_that_fails_is_a_storage_error(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = load(path)

    def broken(fd: int, size: int, offset: int) -> bytes:
        raise OSError(errno.EIO, "bad sector")

    monkeypatch.setattr(file_pages, "read_at", broken)
    with pytest.raises(StorageError, match="Input/output error"):
        held.records("a")


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="none"):
        FilePages(str(tmp_path / "none.json"))


def test_a_cache_that_can_not_be_written_is_read_all_the_same(
    path: str, splits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    good = everything(in_memory(Path(path).read_bytes()))
    with monkeypatch.context() as patch:
        patch.setattr(file_pages, "write_index", refuse)
        assert everything(load(path)) == good
        assert everything(load(path)) == good
    assert len(splits) == 2
    assert os.listdir(os.path.dirname(path)) == ["0123abcd.json"]


def test_a_new_time_that_was_announced_fits(path: str, splits: list[str]) -> None:
    """Between the announcement and the new time, and after it, the index file is right; any other time is not."""
    load(path)
    for time in (10**18, 10**18 + 5, 10**18 + 5):
        announce(path, time)
        load(path)
        os.utime(path, ns=(time, time))
        load(path)
    assert len(splits) == 1
    os.utime(path, ns=(10**18 + 6, 10**18 + 6))
    load(path)
    assert len(splits) == 2


def test_announcing_to_nobody_is_an_os_error_or_nothing(path: str) -> None:
    with pytest.raises(FileNotFoundError):
        announce(path, 1)
    Path(index_path(path)).write_bytes(b"not ours")
    announce(path, 1)
    assert Path(index_path(path)).read_bytes() == b"not ours"


def test_many_at_once_read_and_rebuild(path: str) -> None:
    """Threads with files of their own behave as processes do: some damage and replace, all get right answers."""
    good = everything(load(path))
    data = Path(path).read_bytes()
    problems: list[object] = []
    stop = threading.Event()

    def read() -> None:
        try:
            for _ in range(12):
                if everything(load(path)) != good:
                    problems.append("a wrong answer")
        except BaseException as error:
            problems.append(error)

    def disturb() -> None:
        dice = random.Random(1)
        while not stop.is_set():
            if dice.random() < 0.5:
                Path(path + ".new").write_bytes(data)
                os.replace(path + ".new", path)
            else:
                size = dice.choice([0, 30, 100, 2000])
                Path(path + ".idx").write_bytes(Path(path).read_bytes()[:size])
                os.replace(path + ".idx", index_path(path))
            stop.wait(0.003)

    readers = [threading.Thread(target=read) for _ in range(4)]
    disturber = threading.Thread(target=disturb)
    for thread in (*readers, disturber):
        thread.start()
    for thread in readers:
        thread.join()
    stop.set()
    disturber.join()
    assert problems == []
    left = [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".tmp")]
    assert left == []


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files as Linux tells them")
def test_files_are_closed(path: str) -> None:
    load(path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        load(path)
    assert len(os.listdir("/proc/self/fd")) <= before + 1, sys.version
