"""The pages of an index: for each name the JSON objects that hold its records, wherever these are kept.

A *page* is some members of one table of the index, byte for byte, in braces. In the tables that everyone knows the
keys are file names; in those of newer revisions (CEP 48) the file name's ending is the table's name instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from engine.model.json_split import Block
from engine.model.page_cut import runs

TABLES: Final = ("packages", "packages.conda", "v3/tar.bz2", "v3/conda")
"""The tables of records that are read. Their order here is what index files call them by: only ever append."""
ENDINGS: Final = ("", "", ".tar.bz2", ".conda")
"""What a key lacks to be a file name, by table."""


class Page(NamedTuple):
    """Some records of one name."""

    ending: str
    """To be put behind each key."""
    text: bytes
    """A JSON object: key → record."""


class Pages(Protocol):
    """All pages of one index."""

    def names(self) -> Collection[str]:
        """The names that have pages."""
        ...

    def pages(self, name: str) -> Sequence[Page]:
        """Those of one name, in the index's order; none if there is no such name."""
        ...


class PageMaker(Protocol):
    """Takes the blocks of an index as they come."""

    def add(self, number: int, block: Block) -> None:
        """``block`` is of the table ``TABLES[number]``."""
        ...


class MemoryPages:
    """Pages that are kept in memory, for an index that has no file to be read from later."""

    def __init__(self, pages: Mapping[str, Sequence[bytes]] | None = None) -> None:
        """``pages``: name → JSON objects whose keys are file names."""
        self._pages = {name: [Page("", text) for text in texts] for name, texts in (pages or {}).items()}

    def add(self, number: int, block: Block) -> None:
        """Copy the block's text, name by name."""
        view = memoryview(block.text)
        for name, start, stop in runs(block):
            text = b"".join((b"{", view[start:stop], b"}"))
            self._pages.setdefault(name, []).append(Page(ENDINGS[number], text))

    def names(self) -> Collection[str]:
        """The names that have pages."""
        return self._pages.keys()

    def pages(self, name: str) -> Sequence[Page]:
        """Those of one name."""
        return self._pages.get(name, ())
