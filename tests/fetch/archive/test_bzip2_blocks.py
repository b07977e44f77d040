from __future__ import annotations

import bz2
import random
from functools import reduce

import pytest

from engine.errors import ArchiveError
from engine.fetch.archive.bzip2_blocks import Block, End, combined, joined, read_blocks
from tests.fetch.feeding import WAYS

TEXT = random.Random(7).randbytes(320_000)
PACKED = bz2.compress(TEXT, 1)


def blocks(data: bytes) -> list[Block]:
    return [found for found in read_blocks([data]) if isinstance(found, Block)]


def test_each_block_is_a_text_of_its_own() -> None:
    assert b"".join(bz2.decompress(block.stream()) for block in blocks(PACKED)) == TEXT
    assert len(blocks(PACKED)) == 4


def test_the_end_tells_the_checksum_of_all() -> None:
    *first, end = read_blocks([PACKED])
    assert isinstance(end, End)
    assert reduce(combined, [block.checksum for block in first if isinstance(block, Block)], 0) == end.checksum


@pytest.mark.parametrize("feed", WAYS)
def test_streams_without_blocks_and_between_others(feed) -> None:  # type: ignore[no-untyped-def]
    data = bz2.compress(b"") + bz2.compress(b"a" * 900) + bz2.compress(b"") + bz2.compress(b"b")
    kinds = [type(found).__name__ for found in read_blocks(feed(data))]
    assert kinds == ["End", "Block", "End", "End", "Block", "End"]


def test_two_neighbours_as_one() -> None:
    one, other, *_ = blocks(PACKED)
    both = joined(one, other)
    assert (both.count, both.checksum) == (one.count + other.count, one.checksum)
    assert both.bits >> other.count == one.bits


@pytest.mark.parametrize("data", [b"B", b"BZh0" + bytes(20), b"PK\3\4" + bytes(40), PACKED[:4] + bytes(80)])
def test_what_is_no_bzip2(data: bytes) -> None:
    with pytest.raises(ArchiveError, match="bzip2 data"):
        list(read_blocks([data]))


def test_a_block_without_end_is_not_gathered_for_ever() -> None:
    taken: list[int] = []

    def endless():  # type: ignore[no-untyped-def]
        yield PACKED[:50_000]
        while True:
            taken.append(1)
            yield bytes(1 << 20)

    with pytest.raises(ArchiveError, match="broken"):
        list(read_blocks(endless()))
    assert len(taken) < 20
