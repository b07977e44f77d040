"""Zstandard as a stream: compressed pieces in, plain pieces out. (bzip2: `engine.fetch.archive.bzip2`.)

Rule of this file: however much a few compressed bytes may blow up to, one plain piece is never longer than `PIECE`,
so that the reader behind can count and stop. Several frames in a row are one text (CEP 35 doesn't forbid them, and
parallel compressors write them).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.errors import ArchiveError

PIECE = 1 << 18
"""Longest plain piece, in bytes: holds most files whole, and stays in a processor's second-level cache."""


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
