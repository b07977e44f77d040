"""Shard indexes: what they say, and every way in which they can be wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RepodataError
from engine.model import shard_index as module
from engine.model.channel import Channel
from engine.model.relations import Relations
from engine.model.shard_index import ShardIndex, read_index, referenced, unpack
from tests.kit.shards import pack

CHANNEL = Channel("c", "https://u:pw@h.org/t/tk-1/c")
DIGEST = bytes(range(32))
HEX = DIGEST.hex()


def document(**changes: Any) -> dict[str, Any]:
    info = {"base_url": "", "shards_base_url": "./shards/", "created_at": "x", "later": {"a": [1]}}
    return {"version": 1, "info": {**info, **changes}, "shards": {"a": DIGEST}, "later": None}


def read(value: Any, **options: Any) -> ShardIndex:
    return read_index(pack(value), CHANNEL, "linux-64", **options)


def test_what_it_says() -> None:
    index = read(document(channel_relations={"base": "../b"}))
    assert index.base_url == "https://u:pw@h.org/t/tk-1/c/linux-64"
    assert index.digests == {"a": DIGEST}
    assert index.relations == Relations("../b")
    assert index.shard_url(DIGEST) == f"https://u:pw@h.org/t/tk-1/c/linux-64/shards/{HEX}.msgpack.zst"


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("", "https://u:pw@h.org/t/tk-1/c/linux-64"),
        ("./", "https://u:pw@h.org/t/tk-1/c/linux-64"),
        ("shards", "https://u:pw@h.org/t/tk-1/c/linux-64/shards"),
        ("../../x/", "https://u:pw@h.org/t/tk-1/x"),
        ("/elsewhere/", "https://u:pw@h.org/t/tk-1/elsewhere"),
        ("https://cdn.org/s/", "https://cdn.org/s"),
    ],
)
def test_addresses_are_relative_to_the_index_or_absolute_and_then_without_our_secrets(given_url: str, url: str) -> None:
    index = read(document(base_url=given_url, shards_base_url=given_url))
    assert (index.base_url, index.shards_url) == (url, url)


def test_a_query_stays_at_the_end() -> None:
    index = read(document(shards_base_url="https://cdn.org/s?key=1"))
    assert index.shard_url(DIGEST) == f"https://cdn.org/s/{HEX}.msgpack.zst?key=1"


def test_newer_revisions_are_told_of() -> None:
    said = {"v3": {"n_packages": 3}, "v4": {"n_packages": 1, "message": "upd\x1bate"}, "v5": {"n_packages": 0}}
    notes = read(document(repodata_revisions=said)).notes
    assert notes == ("revision v4 of the index is not understood and was passed over. upd ate",)


def test_it_may_come_unpacked() -> None:
    assert read_index(msgspec.msgpack.encode(document()), CHANNEL, "noarch").digests == {"a": DIGEST}


def test_it_may_say_little() -> None:
    index = read({"shards": {}})
    assert (index.digests, index.relations) == ({}, Relations())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({**document(), "version": 2}, "it has version 2"),
        ({"info": {}}, "missing required field `shards`"),
        ({**document(), "shards": {"a": b"short"}}, "no SHA-256"),
        ({**document(), "shards": {"a": HEX}}, "Expected `bytes`"),
        ({**document(), "shards": {1: DIGEST}}, "Expected `str`"),
        ({**document(), "shards": []}, "Expected `object`"),
        ({**document(), "info": []}, "Expected `object`"),
        (document(base_url=7), "Expected `str`"),
        (document(shards_base_url="file:///etc/"), "must not point to local files"),
        (document(channel_relations="../b"), "Expected `object | null`"),
        ([], "Expected `object`"),
        ("text", "Expected `object`"),
        (None, "Expected `object`"),
    ],
)
def test_what_is_none_is_told_so(value: Any, reason: str) -> None:
    with pytest.raises(RepodataError) as caught:
        read(value)
    assert reason in caught.value.message
    assert "tk-1" not in str(caught.value) and "pw" not in str(caught.value)
    assert "use_sharded_repodata" in (caught.value.hint or "")


@pytest.mark.parametrize("cut", [1, 5, 20, -1])
def test_what_is_cut_or_torn_is_told_so(cut: int) -> None:
    whole = pack(document())
    for packed in (whole[:cut], whole[: len(whole) // 2] + b"\0" * 20, b"<html>", b""):
        with pytest.raises(RepodataError):
            read_index(packed, CHANNEL, "noarch")


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_an_index_or_one_error(data: bytes) -> None:
    for packed in (data, zstandard.ZstdCompressor().compress(data)):
        try:
            read_index(packed, CHANNEL, "noarch")
        except RepodataError:
            continue


def test_nesting_is_bounded() -> None:
    with pytest.raises(RepodataError):
        read_index(b"\x91" * 1_000_000, CHANNEL, "noarch")
    deep = b"\x82\xa6shards\x80\xa1x" + b"\x91" * 1_000_000 + b"\xc0"
    with pytest.raises(RepodataError):
        read_index(deep, CHANNEL, "noarch")


# --- packing


def frame(data: bytes, *, size: bool) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=size).compress(data)


@pytest.mark.parametrize("size", [True, False], ids=["with its size", "without"])
def test_a_bomb_does_not_go_off(size: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PIECE", 16)
    bomb = frame(b"\0" * 5_000_000, size=size)
    assert len(bomb) < 1000
    assert len(unpack(bomb, "u", 5_000_000)) == 5_000_000
    with pytest.raises(RepodataError, match="bytes"):
        unpack(bomb, "u", 4_000_000)
    with pytest.raises(RepodataError, match="more than 3 bytes"):
        unpack(b"1234", "u", 3)


@pytest.mark.parametrize("size", [True, False])
def test_a_cut_frame_is_no_short_one(size: bool) -> None:
    packed = frame(b"abc" * 1000, size=size)
    assert unpack(packed, "u", 10_000) == b"abc" * 1000
    with pytest.raises(RepodataError):
        unpack(packed[:-2], "u", 10_000)


def test_referenced_digests() -> None:
    assert referenced(pack(document()), "u") == {DIGEST}
    with pytest.raises(RepodataError):
        referenced(b"", "u")
