from __future__ import annotations

import bz2
import contextlib
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ArchiveError
from engine.fetch.decompress import PIECE, bunzip, unzstd
from tests.fetch.feeding import WAYS

TEXT = b"some plain text, " * 5000


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PAIRS = [(bz2.compress, bunzip), (zstd, unzstd)]


@pytest.mark.parametrize("feed", WAYS)
@pytest.mark.parametrize(("pack", "unpack"), PAIRS)
def test_several_streams_are_one_text(feed: Callable[[bytes], Iterator[bytes]], pack, unpack) -> None:  # type: ignore[no-untyped-def]
    data = pack(TEXT) + pack(b"") + pack(b"the end")
    assert b"".join(unpack(feed(data))) == TEXT + b"the end"


@pytest.mark.parametrize(("pack", "unpack"), PAIRS)
def test_a_bomb_comes_in_bounded_pieces(pack, unpack) -> None:  # type: ignore[no-untyped-def]
    sizes = [len(piece) for piece in unpack([pack(bytes(20 << 20))])]
    assert sum(sizes) == 20 << 20
    assert max(sizes) <= PIECE


def test_a_truncated_bzip2_stream_is_refused() -> None:
    with pytest.raises(ArchiveError, match="too early"):
        list(bunzip([bz2.compress(TEXT)[:-5]]))


@pytest.mark.parametrize(("pack", "unpack"), PAIRS)
@given(at=st.integers(0, 200), flip=st.integers(1, 255), data=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_damage_raises_only_our_error(pack, unpack, at: int, flip: int, data: bytes) -> None:  # type: ignore[no-untyped-def]
    packed = bytearray(pack(TEXT[:3000]) + data)
    packed[at % len(packed)] ^= flip
    with contextlib.suppress(ArchiveError):
        assert sum(map(len, unpack([bytes(packed)]))) < 1 << 30
