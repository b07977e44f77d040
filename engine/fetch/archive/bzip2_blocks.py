"""Where the blocks of a bzip2 text begin and end: its pieces in, each block as a text of its own out. Pure.

Rule of this file: it moves bits and decodes nothing. A bzip2 stream is ``BZh`` and a digit, blocks of at most 900,000
bytes, and an end with a checksum over all. Blocks know nothing of each other, but begin at any bit; their 48-bit mark
is found, and the bits up to the next mark are shifted to be a stream with a single block, which any decoder takes.

A mark may also occur within a block by chance (once in 10¹⁴ bits): a block that does not decode has to be joined with
the next (`joined`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from engine.errors import ArchiveError

_BLOCK, _END = 0x314159265359, 0x177245385090
_MOST = 4 << 20
"""No block is longer, in bytes: 900,000 symbols of at most 20 bits, and its tables."""
_NEXT_STREAM = re.compile(rb"BZh[1-9](?:\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90)")


def _inner(mark: int) -> tuple[bytes, ...]:
    """What of a mark fills whole bytes, for each bit of a byte that it may begin at."""
    return (mark.to_bytes(6, "big"), *((mark << (8 - bit)).to_bytes(7, "big")[1:6] for bit in range(1, 8)))


_INNER = {mark: _inner(mark) for mark in (_BLOCK, _END)}


class Block(msgspec.Struct, frozen=True, gc=False):
    """The bits of one block, its mark included."""

    level: int
    """The digit in the head of its stream, as a character code."""
    bits: int
    count: int

    @property
    def checksum(self) -> int:
        """Of the plain bytes, as the block tells it."""
        return (self.bits >> (self.count - 80)) & 0xFFFFFFFF

    def stream(self) -> bytes:
        """The block as a text of its own."""
        pad = -self.count % 8
        whole = (self.bits << (80 + pad)) | ((_END << 32 | self.checksum) << pad)
        return b"BZh%c" % self.level + whole.to_bytes((self.count + 80 + pad) // 8, "big")


class End(msgspec.Struct, frozen=True, gc=False):
    """The end of a stream."""

    checksum: int
    """Of all its blocks' checksums: see `combined`."""


def joined(one: Block, other: Block) -> Block:
    """Two neighbours as the one block that they may be."""
    return Block(one.level, one.bits << other.count | other.bits, one.count + other.count)


def combined(so_far: int, checksum: int) -> int:
    """The checksum of a stream after one more block."""
    return (((so_far << 1) | (so_far >> 31)) & 0xFFFFFFFF) ^ checksum


def read_blocks(pieces: Iterable[bytes | memoryview]) -> Iterator[Block | End]:
    """The blocks of one or more streams in a row. Raises `ArchiveError` where it is something else, or too little."""
    source = _Source(pieces)
    while source.has(1):
        if not source.has(10) or source.data[:3] != b"BZh" or not 0x31 <= source.data[3] <= 0x39:
            raise _truncated() if not source.has(10) else _broken()
        level, at = source.data[3], 32
        while (mark := source.number(at, 48)) == _BLOCK:
            end = source.end_of_block(at)
            yield Block(level, source.bits(at, end), end - at)
            at = source.drop(end)
        if mark != _END:
            raise _broken()
        yield End(source.number(at + 48, 32))
        source.drop((at + 87) // 8 * 8)


def _broken() -> ArchiveError:
    return ArchiveError("its bzip2 data is broken: Invalid data stream")


def _truncated() -> ArchiveError:
    return ArchiveError("its bzip2 data ends too early (truncated)")


class _Source:
    """The bytes that are still needed, as many as have come; positions are bits from their beginning."""

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._pieces = iter(pieces)
        self.data = bytearray()

    def has(self, count: int) -> bool:
        """Whether there are so many bytes."""
        while len(self.data) < count:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self.data += piece
        return True

    def bits(self, start: int, end: int) -> int:
        """The bits from ``start`` to ``end``, as a number."""
        part = self.data[start >> 3 : (end + 7) >> 3]
        part[0] &= 0xFF >> (start & 7)
        return int.from_bytes(part, "big") >> (-end & 7)

    def number(self, start: int, count: int) -> int:
        """``count`` bits; raises where they are not there."""
        if not self.has((start + count + 7) >> 3):
            raise _truncated()
        return self.bits(start, start + count)

    def drop(self, at: int) -> int:
        """Forget what is before ``at``; where that is from now on."""
        del self.data[: at >> 3]
        return at & 7

    def end_of_block(self, start: int) -> int:
        """Where the block that begins at ``start`` ends: the next mark."""
        begin = (start + 48) >> 3
        looked = begin
        while True:
            end = self._next_block(looked, start)
            if end is not None:
                return end
            looked = max(begin, len(self.data) - 16)
            if looked - begin > _MOST:
                raise _broken()
            if not self.has(len(self.data) + 1):
                return self._last_end(begin, len(self.data))

    def _next_block(self, looked: int, start: int) -> int | None:
        """The next mark of a block, or that of an end right before the next stream."""
        found = self._find(_BLOCK, looked, len(self.data), after=start)
        upto = len(self.data) if found is None else (found + 55) >> 3
        stream = _NEXT_STREAM.search(self.data, looked, upto)
        if stream is None:
            return found
        return self._last_end(max(stream.start() - 11, start + 48 >> 3), stream.start())

    def _last_end(self, start: int, stop: int) -> int:
        """The mark of an end between two bytes."""
        found = self._find(_END, start, stop, after=-1)
        if found is None:
            raise _truncated()
        return found

    def _find(self, mark: int, start: int, stop: int, *, after: int) -> int | None:
        """The first place of a mark, behind the bit ``after``, in the bytes from ``start`` to ``stop``."""
        best = None
        for bit, inner in enumerate(_INNER[mark]):
            at = self.data.find(inner, start, stop)
            while at >= 0:
                place = at * 8 - (8 - bit if bit else 0)
                if place > after and place + 48 <= len(self.data) * 8 and self.bits(place, place + 48) == mark:
                    if best is None or place < best:
                        best = place
                    break
                at = self.data.find(inner, at + 1, stop)
            stop = stop if best is None else min(stop, (best + 55) >> 3)
        return best
