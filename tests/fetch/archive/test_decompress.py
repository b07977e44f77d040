from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ArchiveError
from engine.fetch.archive.decompress import PIECE, unzstd
from tests.fetch.feeding import WAYS

TEXT = b"some plain text, " * 5000


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize("feed", WAYS)
def test_several_streams_are_one_text(feed: Callable[[bytes], Iterator[bytes]]) -> None:
    data = zstd(TEXT) + zstd(b"") + zstd(b"the end")
    assert b"".join(unzstd(feed(data))) == TEXT + b"the end"


def test_a_bomb_comes_in_bounded_pieces() -> None:
    sizes = [len(piece) for piece in unzstd([zstd(bytes(20 << 20))])]
    assert sum(sizes) == 20 << 20
    assert max(sizes) <= PIECE


@given(at=st.integers(0, 200), flip=st.integers(1, 255), data=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_damage_raises_only_our_error(at: int, flip: int, data: bytes) -> None:
    packed = bytearray(zstd(TEXT[:3000]) + data)
    packed[at % len(packed)] ^= flip
    with contextlib.suppress(ArchiveError):
        assert sum(map(len, unzstd([bytes(packed)]))) < 1 << 30
