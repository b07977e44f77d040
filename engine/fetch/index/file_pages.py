"""Pages that stay in conda's own file: read from there, name by name, each checked before it is believed.

The file is opened once and held. conda, mamba and we replace it by renaming, so what is held stays what was indexed.
A file that someone cuts or changes in place all the same shows in the checksums: that is one clear error, for half an
answer from the old text and half from the new would be a wrong one. If the file is as it was, the table is wrong and
made anew.
"""

from __future__ import annotations

import os
import weakref
import zlib
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from engine.errors import DamagedIndex, RepodataError, StorageError
from engine.fetch.index.index_file import Identity, Parts, forget, read_index, write_index
from engine.model.name_table import NameTable, TableBuilder
from engine.model.pages import ENDINGS, Page
from engine.model.repodata_head import Head
from engine.model.repodata_split import IndexSplitter
from engine.system.file_io import BINARY, read_at

_PIECE: Final = 1 << 20


class FilePages:
    """The pages of a cached .json, and the `Head` that goes with them.

    Raises `StorageError` where the file can't be read, `RepodataError` where it is no index, and `DamagedIndex` where
    that shows only when a page is asked for.
    """

    def __init__(self, json_path: str) -> None:
        self._path = json_path
        try:
            self._fd = os.open(json_path, os.O_RDONLY | BINARY)
            weakref.finalize(self, os.close, self._fd)
            self._identity = Identity.of(self._fd)
            known = read_index(json_path, self._identity)
        except OSError as error:
            raise StorageError.from_os_error(f"read {json_path}", error) from error
        self._table, self.head = known or self._rebuilt()

    def names(self) -> Collection[str]:
        """The names that have pages."""
        return self._table

    def pages(self, name: str) -> Sequence[Page]:
        """Those of one name."""
        try:
            found = self._read(name)
            if found is None and Identity.of(self._fd) == self._identity:
                self._table, self.head = self._rebuilt()
                found = self._read(name)
        except OSError as error:
            raise StorageError.from_os_error(f"read {self._path}", error) from error
        except RepodataError as error:
            raise self._spoilt() from error
        if found is None:
            raise self._spoilt()
        return found

    def _read(self, name: str) -> list[Page] | None:
        """The pages of a name; None if the file does not say any more what it said."""
        found = []
        for table, offset, length, crc in self._table.ranges(name):
            text = read_at(self._fd, length, offset)
            if len(text) != length or zlib.crc32(text) != crc or table >= len(ENDINGS):
                return None
            found.append(Page(ENDINGS[table], b"".join((b"{", text, b"}"))))
        return found

    def _rebuilt(self) -> tuple[NameTable, Head]:
        """Read the whole file, and save what was found for the next time if that can be done."""
        forget(self._path)
        builder = TableBuilder()
        try:
            splitter = IndexSplitter(builder, self._path)
            for piece in self._pieces():
                splitter.feed(piece)
            head = splitter.finish()
            parts = Parts(*builder.finish(), head)
            if Identity.of(self._fd) == self._identity:
                _save(self._path, self._identity, parts)
        except OSError as error:
            raise StorageError.from_os_error(f"read {self._path}", error) from error
        return NameTable(parts.table, parts.names, parts.ranges), head

    def _pieces(self) -> Iterator[bytes]:
        at = 0
        while piece := read_at(self._fd, _PIECE, at):
            at += len(piece)
            yield piece

    def _spoilt(self) -> DamagedIndex:
        forget(self._path)
        return DamagedIndex(
            f"Could not read {self._path}: it is damaged, or another program writes into it",
            hint="Run the command again: what is damaged will be fetched anew.",
        )


def _save(json_path: str, json: Identity, parts: Parts) -> None:
    try:
        write_index(json_path, json, parts)
    except OSError:
        forget(json_path)  # a read-only or a full cache: the next run will split it again
