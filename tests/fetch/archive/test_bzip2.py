from __future__ import annotations

import bz2
import contextlib
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ArchiveError
from engine.fetch.archive import bzip2, bzip2_blocks
from engine.fetch.archive.bzip2 import bunzip
from engine.fetch.archive.decompress import PIECE
from tests.fetch.feeding import WAYS

SHORT = b"some plain text, " * 5000
LONG = random.Random(1).randbytes(350_000)
"""Four blocks (of 100,000 bytes each) that don't compress, and therefore have marks at any bit."""
PACKED = bz2.compress(LONG, 1)


@pytest.fixture(params=[1, 2], autouse=True)
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding in the reader's own thread, and by others."""
    monkeypatch.setattr(bzip2, "available_cores", lambda: request.param)


@pytest.mark.parametrize("feed", WAYS)
@pytest.mark.parametrize("level", [1, 9])
def test_several_streams_are_one_text(feed: Callable[[bytes], Iterator[bytes]], level: int) -> None:
    texts = (SHORT, b"", LONG[:3000], b"the end")
    packed = b"".join(bz2.compress(text, level) for text in texts)
    assert b"".join(bunzip(feed(packed))) == b"".join(texts)


def test_blocks_come_in_their_order() -> None:
    assert b"".join(bunzip([PACKED])) == LONG


def test_nothing_is_nothing() -> None:
    assert list(bunzip([])) == []


def test_a_bomb_comes_in_bounded_pieces() -> None:
    sizes = [len(piece) for piece in bunzip([bz2.compress(bytes(60 << 20))])]
    assert sum(sizes) == 60 << 20
    assert max(sizes) <= PIECE


@pytest.mark.parametrize("missing", [1, 5, 14, 100, 150_000])
def test_a_truncated_stream_is_refused(missing: int) -> None:
    with pytest.raises(ArchiveError, match="too early"):
        list(bunzip([PACKED[:-missing]]))


@pytest.mark.parametrize("at", [0, 2, 10, 170_000, -2])
def test_a_flipped_bit_is_refused(at: int) -> None:
    packed = bytearray(PACKED)
    packed[at] ^= 4
    with pytest.raises(ArchiveError, match="bzip2 data is broken"):
        list(bunzip([bytes(packed)]))


def test_other_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(ArchiveError, match="bzip2 data is broken"):
        list(bunzip([bz2.compress(SHORT) + b"something else"]))


def test_a_mark_within_a_block_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """48 bits that look like a mark can't be made to occur, so the search is made to find one."""
    found = bzip2_blocks._Source.end_of_block
    marks = iter([50_000 * 8])

    def wrong_once(source: bzip2_blocks._Source, start: int) -> int:
        end = found(source, start)
        return next(marks, end)

    class _Wrong(bzip2_blocks._Source):
        end_of_block = wrong_once

        def number(self, start: int, count: int) -> int:
            value = super().number(start, count)
            inside = count == 48 and value not in (bzip2_blocks._BLOCK, bzip2_blocks._END)
            return bzip2_blocks._BLOCK if inside else value

    monkeypatch.setattr(bzip2_blocks, "_Source", _Wrong)
    assert len(list(bzip2_blocks.read_blocks([PACKED]))) == 6
    marks = iter([50_000 * 8])
    assert b"".join(bunzip([PACKED])) == LONG


@given(at=st.integers(0, 200), flip=st.integers(1, 255), data=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_damage_raises_only_our_error(at: int, flip: int, data: bytes) -> None:
    packed = bytearray(bz2.compress(SHORT[:3000]) + data)
    packed[at % len(packed)] ^= flip
    with contextlib.suppress(ArchiveError):
        assert sum(map(len, bunzip([bytes(packed)]))) < 1 << 30


def test_who_stops_reading_leaves_nothing_waiting() -> None:
    pieces = bunzip([PACKED])
    begun = next(iter(pieces))
    assert LONG.startswith(begun)
    pieces.close()  # type: ignore[attr-defined]
    assert b"".join(bunzip([bz2.compress(SHORT)])) == SHORT
