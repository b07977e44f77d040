"""Unpacking and splitting in a worker: packed or not, whole or in crumbs, bombs and breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import zstandard

from engine.errors import RepodataError
from engine.fetch.index import repodata_stream
from engine.fetch.index.repodata_stream import build, plain, store
from engine.model.channel import Channel
from engine.model.name_table import NameTable

TEXT = json.dumps({"packages": {f"a-{n}-0.tar.bz2": {"name": "a", "version": str(n)} for n in range(500)}}).encode()
PACKED = zstandard.ZstdCompressor().compress(TEXT)
URL = "https://me:pw@host/c/linux-64/repodata.json.zst"


def crumbs(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 3, 5, 1000, 1 << 20])
@pytest.mark.parametrize("data", [TEXT, PACKED, b""], ids=["plain", "packed", "empty"])
def test_the_text_comes_out_whole_however_it_comes_in(data: bytes, size: int) -> None:
    assert b"".join(plain(crumbs(data, size), URL)) == (TEXT if data else b"")


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_frames_in_a_row(size: int) -> None:
    pack = zstandard.ZstdCompressor().compress
    assert b"".join(plain(crumbs(pack(b"ab") + pack(b"") + pack(b"cd"), size), URL)) == b"abcd"


@pytest.mark.parametrize("cut", range(4, len(PACKED), 97))
def test_a_packed_text_that_ends_too_early_is_refused(cut: int) -> None:
    with pytest.raises(RepodataError, match="ends too early") as caught:
        list(plain([PACKED[:cut]], URL))
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("tail", [b"garbage", b"\x28\xb5\x2f\xfd" + b"\xff" * 20])
def test_garbage_behind_a_frame_is_refused(tail: bytes) -> None:
    with pytest.raises(RepodataError, match="Could not unpack"):
        list(plain([PACKED + tail], URL))


def test_a_bomb_is_unpacked_in_small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repodata_stream, "_SLICE", 64)
    bomb = zstandard.ZstdCompressor().compress(b" " * (32 << 20))
    assert len(bomb) < 4000
    portions = [len(piece) for piece in plain([bomb], URL)]
    assert sum(portions) == 32 << 20
    assert max(portions) <= 4 << 20


class Remembered:
    """Stands for a cache file."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, piece: bytes) -> None:
        self.data += piece


def test_the_cache_gets_the_plain_text() -> None:
    cache = Remembered()
    parts = store(crumbs(PACKED, 100), cache, url=URL)
    assert cache.data == TEXT
    table = NameTable(parts.table, parts.names, parts.ranges)
    assert set(table) == {"a"}
    pages = [b"{%b}" % cache.data[found.offset : found.offset + found.length] for found in table.ranges("a")]
    rows = {key: row for page in pages for key, row in json.loads(page).items()}
    assert rows == json.loads(TEXT)["packages"]


def test_without_a_cache_the_pages_are_in_memory() -> None:
    found = build(crumbs(PACKED, 100), Channel("c", "https://host/c"), "linux-64", url=URL)
    assert len(found.records("a")) == 500
