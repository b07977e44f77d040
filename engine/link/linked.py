"""What became of one package in a prefix, and what kept it from being linked. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.errors import LinkError
from engine.link.files.batch import Files
from engine.link.files.modes import Mode

if TYPE_CHECKING:  # it imports this
    from engine.link.reuse.keeping import Kept


class Written(msgspec.Struct, frozen=True, gc=False):
    """A file with content of our own."""

    sha256: str
    size: int
    kind: str = ""
    """The ``path_type`` of conda-meta where the file is no entry of the package (scripts of entry points)."""


class Linked(msgspec.Struct):
    """What became of one package."""

    index: int
    directory: str
    mode: Mode
    bytes: int = 0
    """Of all its files, as far as the package tells."""
    hardlinked: int = 0
    reflinked: int = 0
    copied: int = 0
    softlinked: int = 0
    unpacked: int = 0
    """Files that were made straight out of the archive."""
    written: dict[str, Written] = {}
    """Rewritten files and scripts, by path in the prefix."""
    unsigned: list[str] = []
    """Rewritten Mach-O files whose signature could not be made good: `engine.link.packages.codesign` has to."""
    lost: set[str] = set()
    """Paths that another package has."""
    compiled: list[str] = []
    """Byte-compiled files, set when they are there."""
    placed: list[Files] = []
    """Where those came from that lie in the cache."""
    from_cache: int = 0
    """How many of these were made for an earlier environment."""
    kept: Kept | None = None
    """What an earlier environment kept of it, by which it was linked; until its record is written."""

    @property
    def files(self) -> int:
        made = self.hardlinked + self.reflinked + self.copied + self.softlinked + self.unpacked
        return made + len(self.written)


class Damaged(Exception):
    """A cached package is not as its list says, or was removed. It may be linked again, once it is sound."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def missing_file(dist: str, path: str, directory: str) -> LinkError:
    """The error where the cache lacks a file, or has another in its place."""
    return LinkError(
        f"Could not link {dist}: its file {path} is not in the package cache ({directory})",
        hint="It was emptied meanwhile or is damaged: try again, and if it stays so, run `whipsnake clean --packages`.",
    )
