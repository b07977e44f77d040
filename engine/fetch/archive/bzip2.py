"""bzip2 on all cores: compressed pieces in, plain pieces out, in their order, as
`engine.fetch.archive.decompress.unzstd`.

Rule of this file: blocks are decoded side by side, by threads that all archives share, a few ahead of the reader; the
interpreter lets go of its lock meanwhile. Each block's checksum is looked at by its decoder, that of the whole here.
What looks as if it blew up is decoded in small steps instead, so that the reader behind can count and stop.
"""

from __future__ import annotations

import bz2
import functools
import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from engine.errors import ArchiveError
from engine.fetch.archive.bzip2_blocks import Block, combined, joined, read_blocks
from engine.fetch.archive.decompress import PIECE
from engine.system.process import available_cores

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_WHOLE = 1 << 20
"""Plain bytes that a block is decoded to at once: most have 900,000 and a little."""
_SUSPICIOUS = 1 << 14
"""A block is 900,000 bytes unless it is the last. If these take so few compressed bytes, they may be a bomb."""


def bunzip(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Plain pieces of one or more bzip2 streams. Raises `ArchiveError` where they are broken or end too early."""
    ahead: deque[_Decoding] = deque()
    checksum = 0
    try:
        for found in read_blocks(pieces):
            if isinstance(found, Block):
                ahead.append(_Decoding(found))
                if len(ahead) > available_cores():
                    checksum = combined(checksum, ahead[0].block.checksum)
                    yield from _next(ahead)
                continue
            while ahead:
                checksum = combined(checksum, ahead[0].block.checksum)
                yield from _next(ahead)
            if checksum != found.checksum:
                raise ArchiveError("its bzip2 data is broken: the checksum at its end is another")
            checksum = 0
    finally:
        for decoding in ahead:
            decoding.cancel()


def _next(ahead: deque[_Decoding]) -> Iterator[bytes]:
    """The first of those that are being decoded."""
    first = ahead.popleft()
    try:
        plain = first.result()
    except ArchiveError:
        if not ahead:
            raise
        plain = _Decoding(joined(first.block, ahead.popleft().block)).result()  # the mark between them was chance
    yield from plain


class _Decoding:
    """A block that is decoded by another thread, or when it is asked for."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self._future: Future[_Plain] | None = None
        if block.count > _SUSPICIOUS * 8 and available_cores() > 1:
            self._future = _pool().submit(_decode, block)

    def result(self) -> Iterator[bytes]:
        """Its plain bytes. Raises `ArchiveError` now, or after the first of them."""
        plain = self._future.result() if self._future else _decode(self.block)
        return _pieces(plain)

    def cancel(self) -> None:
        """Nobody wants it any more."""
        if self._future:
            self._future.cancel()


class _Plain(msgspec.Struct, gc=False):
    """Decoded bytes, and what goes on where that is not all."""

    data: bytes
    decoder: bz2.BZ2Decompressor | None = None


def _pieces(plain: _Plain) -> Iterator[bytes]:
    if plain.data:
        yield plain.data
    decoder = plain.decoder
    while decoder is not None and not decoder.eof:
        data = _step(decoder, b"", PIECE)
        if not data and not decoder.eof:
            raise ArchiveError("its bzip2 data is broken: a block ends too early")
        if data:
            yield data


def _decode(block: Block) -> _Plain:
    """In any thread."""
    stream = block.stream()
    decoder = bz2.BZ2Decompressor()
    whole = _WHOLE if len(stream) > _SUSPICIOUS else PIECE
    data = _step(decoder, stream, whole)
    if not data and not decoder.eof:
        raise ArchiveError("its bzip2 data is broken: a block ends too early")
    return _Plain(data, None if decoder.eof else decoder)


def _step(decoder: bz2.BZ2Decompressor, data: bytes, most: int) -> bytes:
    try:
        return decoder.decompress(data, most)
    except (OSError, EOFError, ValueError) as error:
        raise ArchiveError(f"its bzip2 data is broken: {error}") from error


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """The decoders of this process. They start when first needed and sleep when they aren't."""
    from concurrent.futures import ThreadPoolExecutor  # only here: most archives are not of this kind

    return ThreadPoolExecutor(available_cores(), thread_name_prefix="bunzip")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads don't survive it
