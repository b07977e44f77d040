"""Bytes that come in pieces of any size, read in the pieces that a format wants.

Rule of this file: it knows no format. Nothing is copied but what straddles two pieces; at most one piece is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.errors import ArchiveError


class ByteReader:
    """A forward-only view of an iterable of byte pieces; ``position`` counts the bytes already handed out."""

    __slots__ = ("_at", "_end", "_pieces", "_view", "position")

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._pieces = iter(pieces)
        self._view = memoryview(b"")
        self._at = self._end = 0
        self.position = 0

    def _fill(self) -> bool:
        """Make at least one byte available; False at the end."""
        while self._at >= self._end:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._view, self._at, self._end = memoryview(piece), 0, len(piece)
        return True

    def take(self, limit: int) -> memoryview:
        """The next bytes that are at hand, between 1 and ``limit`` of them; empty at the end or for ``limit`` 0."""
        if limit <= 0 or not self._fill():
            return memoryview(b"")
        piece = self._view[self._at : self._at + limit]
        self._at += len(piece)
        self.position += len(piece)
        return piece

    def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes. Raises `ArchiveError` if they end before."""
        at = self._at
        if count <= self._end - at:  # nearly always: then in one step, since this is called for every file
            self._at = at + count
            self.position += count
            return self._view[at : self._at].tobytes()
        piece = self.take(count).tobytes()
        if len(piece) == count:
            return piece
        parts = [piece]
        missing = count - len(piece)
        while missing:
            part = self.take(missing)
            if not part:
                raise ArchiveError(f"it ends {missing} bytes too early (truncated)")
            parts.append(bytes(part))
            missing -= len(part)
        return b"".join(parts)

    def at_hand(self, count: int) -> memoryview | None:
        """Exactly ``count`` bytes if they need no waiting and no joining, else None (and nothing is taken)."""
        if self._end - self._at < count:
            return None
        piece = self._view[self._at : self._at + count]
        self._at += count
        self.position += count
        return piece

    def parts(self, count: int) -> Iterator[memoryview]:
        """Exactly ``count`` bytes in pieces as they come. Raises `ArchiveError` if they end before."""
        while count:
            part = self.take(count)
            if not part:
                raise ArchiveError(f"it ends {count} bytes too early (truncated)")
            count -= len(part)
            yield part

    def skip(self, count: int) -> None:
        """Pass over exactly ``count`` bytes."""
        if count <= self._end - self._at:
            self._at += count
            self.position += count
            return
        for _ in self.parts(count):
            pass

    def drain(self) -> int:
        """Pass over all that is left; how many bytes that was."""
        start = self.position
        while self.take(1 << 30):
            pass
        return self.position - start
