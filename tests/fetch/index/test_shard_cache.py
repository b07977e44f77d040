"""Shards and shard indexes on disk: found again, verified, collected; disks that refuse."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engine.fetch.index import shard_cache as module
from engine.fetch.index.repodata_cache import IndexState, cache_keys
from engine.fetch.index.shard_cache import NOTE, ShardCache
from engine.model.channel import Channel
from tests.kit.shards import pack

CHANNEL = Channel("conda-forge", "https://conda.anaconda.org/t/tk-secret/conda-forge")
DAY = 86400


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def shard_path(pkgs: Path, data: bytes) -> Path:
    return pkgs / "cache" / "shards" / f"{digest(data).hex()}.msgpack.zst"


def index_of(*shards: bytes) -> bytes:
    return pack({"shards": {str(number): digest(data) for number, data in enumerate(shards)}})


def test_a_shard_is_found_again_under_mambas_name(tmp_path: Path) -> None:
    ShardCache([str(tmp_path)]).store(digest(b"x"), b"x")
    assert shard_path(tmp_path, b"x").read_bytes() == b"x"
    assert os.listdir(tmp_path / "cache" / "shards") == [shard_path(tmp_path, b"x").name]
    assert ShardCache([str(tmp_path)]).find(digest(b"x")) == b"x"
    assert ShardCache([str(tmp_path)]).find(digest(b"y")) is None


def test_a_damaged_shard_is_removed_and_another_caches_copy_found(tmp_path: Path) -> None:
    for name in ("one", "two"):
        ShardCache([str(tmp_path / name)]).store(digest(b"x"), b"x")
    shard_path(tmp_path / "one", b"x").write_bytes(b"torn")
    assert ShardCache([str(tmp_path / "one"), str(tmp_path / "two")]).find(digest(b"x")) == b"x"
    assert not shard_path(tmp_path / "one", b"x").exists()


def test_without_a_directory_that_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for dirs in ([], [str(tmp_path / "file")]):
        cache = ShardCache(dirs)
        cache.store(digest(b"x"), b"x")
        cache.store_index(CHANNEL, "noarch", b"", IndexState())
        assert cache.find(digest(b"x")) is None
        assert cache.find_index(CHANNEL, "noarch") is None
        assert cache.collect() == 0


def test_the_second_directory_is_written_if_the_first_one_can_not_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ShardCache([str(tmp_path / "file"), str(tmp_path / "pkgs")]).store(digest(b"x"), b"x")
    assert shard_path(tmp_path / "pkgs", b"x").exists()


def test_a_full_disk_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "full")

    cache = ShardCache([str(tmp_path)])
    monkeypatch.setattr(module, "write_atomic", full)
    cache.store(digest(b"x"), b"x")
    cache.store_index(CHANNEL, "noarch", index_of(), IndexState())
    monkeypatch.undo()
    cache.store(digest(b"x"), b"x")
    assert cache.find(digest(b"x")) is None  # it is not tried again and again


# --- indexes


def test_an_index_is_found_again_with_its_note(tmp_path: Path) -> None:
    cache = ShardCache([str(tmp_path)])
    cache.store_index(CHANNEL, "noarch", index_of(b"x"), IndexState(url=CHANNEL.repodata_url("noarch"), etag='"e"'))
    found = cache.find_index(CHANNEL, "noarch")
    assert found and found.packed == index_of(b"x")
    assert found.state.etag == '"e"'
    for key in cache_keys(CHANNEL, "noarch"):
        assert (tmp_path / "cache" / f"{key}.msgpack.zst").read_bytes() == index_of(b"x")
    assert not any(b"secret" in path.read_bytes() for path in (tmp_path / "cache").glob("*.json"))
    assert not list((tmp_path / "cache").glob("*.tmp"))
    assert cache.find_index(CHANNEL, "linux-64") is None


def test_an_index_of_another_program_is_used_without_the_note_of_ours(tmp_path: Path) -> None:
    cache = ShardCache([str(tmp_path)])
    cache.store_index(CHANNEL, "noarch", index_of(b"x"), IndexState(etag='"e"'))
    path = tmp_path / "cache" / f"{cache_keys(CHANNEL, 'noarch')[-1]}.msgpack.zst"
    path.unlink()
    path.write_bytes(index_of(b"y"))
    os.utime(path, (2e9, 2e9))
    found = cache.find_index(CHANNEL, "noarch")
    assert found and found.packed == index_of(b"y")
    assert found.state == IndexState()


def test_nothing_there_looks_like_a_whole_index(tmp_path: Path) -> None:
    """micromamba's own tests take every ``.json`` for one that is no ``.state.json``."""
    ShardCache([str(tmp_path)]).store_index(CHANNEL, "noarch", index_of(b"x"), IndexState(etag='"e"'))
    names = [path.name for path in (tmp_path / "cache").glob("*.json")]
    assert names
    assert all(name.endswith(".state.json") for name in names)


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"\xff", b'{"etag":1}'])
def test_a_broken_note_is_as_good_as_none(tmp_path: Path, note: bytes) -> None:
    cache = ShardCache([str(tmp_path)])
    cache.store_index(CHANNEL, "noarch", index_of(), IndexState(etag='"e"'))
    (tmp_path / "cache" / f"{cache_keys(CHANNEL, 'noarch')[0]}{NOTE}").write_bytes(note)
    found = cache.find_index(CHANNEL, "noarch")
    assert found and found.state == IndexState()


def test_confirming_makes_it_fresh(tmp_path: Path) -> None:
    cache = ShardCache([str(tmp_path)])
    cache.store_index(CHANNEL, "noarch", index_of(), IndexState(etag='"e"', refresh_ns=10**18))
    old = cache.find_index(CHANNEL, "noarch")
    assert old
    cache.confirm_index(old, IndexState(etag='"e"', refresh_ns=2 * 10**18))
    found = cache.find_index(CHANNEL, "noarch")
    assert found and (found.age_mark, found.state.etag) == (2 * 10**18, '"e"')


# --- collecting


def aged(path: Path, days: float) -> None:
    now = module.now_ns() / 1e9
    os.utime(path, (now - days * DAY, now - days * DAY))


@pytest.fixture
def cache(tmp_path: Path) -> ShardCache:
    """Holds the shards ``new`` and ``old`` that an index names, ``gone`` that none does, all of them old, ``young``."""
    cache = ShardCache([str(tmp_path)])
    for data in (b"new", b"old", b"gone", b"young"):
        cache.store(digest(data), data)
        if data != b"young":
            aged(shard_path(tmp_path, data), 8)
    cache.store_index(CHANNEL, "noarch", index_of(b"new"), IndexState())
    cache.store_index(CHANNEL, "linux-64", index_of(b"old"), IndexState())
    (tmp_path / "cache" / "shards" / "left.tmp").write_bytes(b"")
    aged(tmp_path / "cache" / "shards" / "left.tmp", 8)
    return cache


def left(tmp_path: Path) -> set[bytes]:
    return {path.read_bytes() for path in (tmp_path / "cache" / "shards").iterdir() if path.name != ".collected"}


def test_old_shards_that_no_index_names_go(cache: ShardCache, tmp_path: Path) -> None:
    assert cache.collect() == 2
    assert left(tmp_path) == {b"new", b"old", b"young"}


def test_that_happens_once_a_day(cache: ShardCache, tmp_path: Path) -> None:
    cache.collect()
    aged(shard_path(tmp_path, b"young"), 8)
    assert cache.collect() == 0
    aged(tmp_path / "cache" / "shards" / ".collected", 1.1)
    assert cache.collect() == 1


def test_an_index_that_can_not_be_read_may_name_anything(cache: ShardCache, tmp_path: Path) -> None:
    (tmp_path / "cache" / "12345678.msgpack.zst").write_bytes(b"torn")
    assert cache.collect() == 0
    assert len(left(tmp_path)) == 5


def test_other_files_stay(cache: ShardCache, tmp_path: Path) -> None:
    other = tmp_path / "cache" / "shards" / f"{'zz' * 32}.msgpack.zst"
    other.write_bytes(b"other")
    aged(other, 100)
    cache.collect()
    assert other.exists()
