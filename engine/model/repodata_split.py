"""The bytes of a ``repodata.json`` as they arrive → its head, and its blocks handed to whoever keeps the pages."""

from __future__ import annotations

from typing import Final

from engine.model.json_split import Block, JsonSplitter, NotJson
from engine.model.pages import TABLES, PageMaker
from engine.model.repodata_head import MEMBERS, REVISIONS, Head, no_index, read_head

LARGEST: Final = 4 << 30
"""Bytes of JSON beyond which a document is refused: some fifteen times the largest channel's."""


class IndexSplitter:
    """Cuts an index while it arrives; `finish` gives its `Head`. What its pages become is the ``maker``'s affair.

    Raises `RepodataError` from `feed` and `finish` for what is no index.
    """

    def __init__(self, maker: PageMaker, url: str, *, largest: int = LARGEST) -> None:
        """``url``: where the index is from, for messages; it has no secrets."""
        self._maker, self._url, self._largest = maker, url, largest
        self._numbers = {table: number for number, table in enumerate(TABLES)}
        self._passed_over: dict[str, int] = {}
        self._json = JsonSplitter(TABLES[:2], MEMBERS, self._take, groups=REVISIONS)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the document."""
        try:
            self._json.feed(chunk)
        except NotJson as error:
            raise no_index(self._url, str(error)) from error
        if self._json.size > self._largest:
            raise no_index(self._url, f"it is larger than {self._largest} bytes")

    def finish(self) -> Head:
        """The document is complete."""
        try:
            self._json.finish()
        except NotJson as error:
            raise no_index(self._url, str(error)) from error
        return read_head(self._json.values, self._passed_over, self._url)

    def _take(self, block: Block) -> None:
        number = self._numbers.get(block.table)
        if number is None:
            self._passed_over[block.table] = self._passed_over.get(block.table, 0) + len(block.members)
        else:
            self._maker.add(number, block)
