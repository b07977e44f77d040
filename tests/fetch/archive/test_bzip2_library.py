from __future__ import annotations

import bz2
import os
from collections.abc import Callable, Iterator

import pytest

from engine.errors import ArchiveError, NetworkError
from engine.fetch.archive.bzip2_library import bunzip, is_installed
from engine.fetch.archive.decompress import PIECE
from tests.fetch.feeding import WAYS

pytestmark = pytest.mark.skipif(not is_installed(), reason="there is no wheel of indexed_bzip2 for this machine")
TEXT = os.urandom(1_500_000) + bytes(3_000_000)
DATA = bz2.compress(TEXT)


@pytest.mark.parametrize("feed", WAYS)
def test_however_the_bytes_come(feed: Callable[[bytes], Iterator[bytes]]) -> None:
    data = bz2.compress(TEXT[1_400_000:1_600_000])
    assert b"".join(bunzip(feed(data), len(data))) == TEXT[1_400_000:1_600_000]


def test_pieces_are_short_however_much_they_blow_up_to() -> None:
    pieces = list(bunzip([DATA], len(DATA)))
    assert b"".join(pieces) == TEXT
    assert max(map(len, pieces)) <= PIECE


def test_several_streams_are_one_text() -> None:
    data = bz2.compress(b"one ") + bz2.compress(b"") + bz2.compress(b"two")
    assert b"".join(bunzip([data], len(data))) == b"one two"


@pytest.mark.parametrize(
    "data",
    [DATA[:-5], DATA[:100], DATA[:700_000], b"BZ", b"x" * 1000, DATA[:9000] + b"\0" + DATA[9001:]],
    ids=["no end", "no block", "half", "two bytes", "another format", "damaged"],
)
@pytest.mark.parametrize("told", [0, 5, 1 << 40])
def test_what_is_broken(data: bytes, told: int) -> None:
    """Whether or not the index tells the size that there is."""
    with pytest.raises(ArchiveError, match="bzip2 data is broken"):
        list(bunzip([data], len(data) + told))


def test_what_the_pieces_raise_comes_out() -> None:
    def breaking() -> Iterator[bytes]:
        yield DATA[:500_000]
        raise NetworkError("the line broke")

    with pytest.raises(NetworkError, match="the line broke"):
        list(bunzip(breaking(), len(DATA)))
