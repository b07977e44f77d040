"""An archive that was fetched and verified, but not unpacked: whoever links it makes its files (direct mode).

Values and shapes only; `engine.fetch.packages.spooled` makes one, `engine.link.packages.direct` uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, Protocol


class PayloadMember(Protocol):
    """One file, link or directory of a package; ``data`` may be read once, before the next member is asked for."""

    path: str
    """Plain and safe: relative, without ``..``, below no soft link of the package."""
    kind: Literal["file", "directory", "softlink", "hardlink"]
    size: int
    mode: int
    mtime: int
    target: str
    """Where a link leads; of a hard link: the path of an earlier file."""
    data: Iterable[memoryview]


class Payload(Protocol):
    """What is in the archive."""

    @property
    def info(self) -> Mapping[str, bytes]:
        """The files below info/, as far as they came before the others, by path."""

    def members(self) -> Iterator[PayloadMember]:
        """Everything else, in the archive's order, once.

        Raises `FetchError` where the archive is broken or unsafe, and at the end where it isn't what it lists.
        """

    def raw(self, path: str) -> PayloadMember:
        """One regular file again, with all its data. Slow: the archive is read anew."""

    def close(self) -> None:
        """Let go of the bytes. May be called again."""
