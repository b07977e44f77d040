"""The kit's sharder makes what CEP 16 describes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
import zstandard

from tests.kit.channel import ChannelBuilder
from tests.kit.shards import INDEX, shard_channel, split


def unpacked(path: Path) -> object:
    return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(path.read_bytes()))


def record(name: str) -> dict[str, object]:
    return {"name": name, "version": "1", "build": "0", "depends": [], "subdir": "noarch", "sha256": "ab" * 32}


def test_every_name_gets_a_shard_under_its_digest(tmp_path: Path) -> None:
    builder = ChannelBuilder(tmp_path, subdirs=())
    for name, fn in (("a", "a-1-0.conda"), ("a", "a-1-0.tar.bz2"), ("b-c", "b-c-1-0.conda")):
        builder.add_record(fn, record(name))
    builder.remove("noarch", "a-0-0.conda").write()
    (path,) = shard_channel(tmp_path)
    assert path == tmp_path / "noarch" / INDEX
    index = unpacked(path)
    assert isinstance(index, dict)
    assert (index["version"], index["info"]["shards_base_url"]) == (1, "./shards/")
    for digest in index["shards"].values():
        assert hashlib.sha256((tmp_path / f"noarch/shards/{digest.hex()}.msgpack.zst").read_bytes()).digest() == digest
    shard = unpacked(tmp_path / "noarch" / "shards" / f"{index['shards']['a'].hex()}.msgpack.zst")
    assert isinstance(shard, dict)
    assert (list(shard["packages.conda"]), shard["removed"]) == (["a-1-0.conda"], ["a-0-0.conda"])
    assert shard["packages.conda"]["a-1-0.conda"]["sha256"] == bytes.fromhex("ab" * 32)


def test_whole_indexes_go_if_asked(tmp_path: Path) -> None:
    ChannelBuilder(tmp_path).write()
    assert len(shard_channel(tmp_path, keep_whole=False)) == 2
    assert not list(tmp_path.glob("*/repodata.json*"))


@pytest.mark.parametrize("extension", ["conda", "tar.bz2"])
def test_the_newest_tables_are_split_too(extension: str) -> None:
    assert split({"v3": {extension: {"a-1-0": record("a")}}})["a"]["v3"][extension].keys() == {"a-1-0"}
