"""bzip2 by the library indexed_bzip2, which needs a fifth less time than libbz2 and no help: in a process of its own.

Rule of this file: as `engine.fetch.archive.bzip2.bunzip`, from pieces that come once. The library holds the
interpreter's lock while it decodes and may crash on what is made to crash it, so only processes that do nothing but
unpack ask for it.
"""

from __future__ import annotations

import functools
import importlib.util
import io
from collections.abc import Iterable, Iterator

from engine.errors import ArchiveError
from engine.fetch.archive.decompress import PIECE


@functools.cache
def is_installed() -> bool:
    """Whether there is the library."""
    return importlib.util.find_spec("indexed_bzip2") is not None


def bunzip(pieces: Iterable[bytes | memoryview], size: int) -> Iterator[bytes]:
    """Plain pieces of one or more bzip2 streams, which have ``size`` bytes.

    Raises `ArchiveError` where they are broken or end too early, what ``pieces`` raises, and `ImportError` without the
    library.
    """
    import indexed_bzip2

    source = _Source(pieces, size)
    try:
        with indexed_bzip2.open(source, parallelization=1) as decoder:
            while plain := decoder.read(PIECE):
                yield plain
    except Exception as error:  # whatever C++ throws: some have types of their own, and the text "std::exception"
        if source.error is None:
            raise ArchiveError(f"its bzip2 data is broken: {error}") from error
    if source.error is not None:
        raise source.error


class _Source(io.RawIOBase):
    """A file as far as the library asks for one: it looks for the end once, then reads forward."""

    def __init__(self, pieces: Iterable[bytes | memoryview], size: int) -> None:
        super().__init__()
        self._pieces, self._size = iter(pieces), size
        self._rest = memoryview(b"")
        self._position = 0
        self._cursor = 0
        self.error: BaseException | None = None
        """What the pieces raised; the library would lose it on the way."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._cursor

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._cursor = (0, self._cursor, self._size)[whence] + offset
        return self._cursor

    def read(self, size: int = -1) -> bytes:
        """The next bytes: ``size`` of them, or all that are left."""
        if self._cursor != self._position:
            raise ArchiveError("its bzip2 data is broken: the decoder wants to go back")
        found = bytearray()
        while len(found) < size and (self._rest or self._fill()):
            part = self._rest[: size - len(found)]
            found += part
            self._rest = self._rest[len(part) :]
        self._position += len(found)
        self._cursor = self._position
        return bytes(found)

    def _fill(self) -> bool:
        try:
            piece = next(self._pieces, None)
        except BaseException as error:
            self.error = error
            return False
        self._rest = memoryview(piece or b"")
        return piece is not None
