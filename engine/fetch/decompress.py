"""bzip2 and Zstandard as streams: compressed pieces in, plain pieces out.

Rule of this file: however much a few compressed bytes may blow up to, one plain piece is never longer than `PIECE`,
so that the reader behind can count and stop. Several frames (or bzip2 streams) in a row are one text (CEP 35 doesn't
forbid them, and parallel compressors write them).
"""

from __future__ import annotations

import bz2
from collections.abc import Iterable, Iterator

from engine.errors import ArchiveError

PIECE = 1 << 18
"""Longest plain piece, in bytes: holds most files whole, and stays in a processor's second-level cache."""


def bunzip(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Plain pieces of one or more bzip2 streams. Raises `ArchiveError` where they are broken or end too early."""
    decoder = bz2.BZ2Decompressor()
    begun = False
    for piece in pieces:
        data: bytes | memoryview = piece
        while data or not decoder.needs_input:
            if decoder.eof:
                decoder, begun = bz2.BZ2Decompressor(), False
            plain = _bunzip_step(decoder, data)
            begun = True
            data = decoder.unused_data if decoder.eof else b""
            if plain:
                yield plain
            if decoder.eof and not data:
                break
    if begun and not decoder.eof:
        raise ArchiveError("its bzip2 data ends too early (truncated)")


def _bunzip_step(decoder: bz2.BZ2Decompressor, data: bytes | memoryview) -> bytes:
    try:
        return decoder.decompress(data, PIECE)
    except (OSError, EOFError, ValueError) as error:
        raise ArchiveError(f"its bzip2 data is broken: {error}") from error


class _Feed:
    """What `zstandard` reads from: hands out the pieces as they are."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._pieces = iter(pieces)

    def read(self, size: int = -1) -> bytes | memoryview:
        """The next piece, whatever its size (zstandard takes it as it comes); empty only at the end."""
        for piece in self._pieces:
            if piece:
                return piece
        return b""


def unzstd(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Plain pieces of one or more Zstandard frames. Raises `ArchiveError` where they are broken.

    A frame that ends too early shows only as missing plain bytes; the tar reader behind notices by its end mark.
    Frames that need more than 128 MiB of window are refused, as by every conda client.
    """
    import zstandard

    decoder = zstandard.ZstdDecompressor()
    stream = decoder.stream_reader(_Feed(pieces), read_across_frames=True)  # type: ignore[arg-type]
    while True:
        try:
            plain = stream.read(PIECE)
        except zstandard.ZstdError as error:
            raise ArchiveError(f"its Zstandard data is broken: {error}") from error
        if not plain:
            return
        yield plain
