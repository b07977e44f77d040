"""Pages that stay in conda's own file: read from there, name by name, each checked before it is believed.

The file is opened once and held. conda, mamba and we replace it by renaming, so what is held stays what was indexed.
(Windows can neither replace nor remove what somebody holds: there it is opened for each question.)
A file that someone cuts or changes in place all the same shows in the checksums: that is one clear error, for half an
answer from the old text and half from the new would be a wrong one. If the file is as it was, the table is wrong and
made anew.
"""

from __future__ import annotations

import os
import weakref
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from engine.errors import DamagedIndex, RepodataError, StorageError
from engine.fetch.index.index_file import Identity, Parts, forget, read_index, write_index
from engine.model.name_table import NameTable, TableBuilder
from engine.model.pages import ENDINGS, Page
from engine.model.repodata_head import Head
from engine.model.repodata_split import IndexSplitter
from engine.system.file_io import BINARY, read_at
from engine.system.moving import open_file

_PIECE: Final = 1 << 20
_READING: Final = os.O_RDONLY | BINARY
HOLDS: Final = os.name != "nt"
"""Whether the file stays open."""


class FilePages:
    """The pages of a cached .json, and the `Head` that goes with them.

    Raises `StorageError` where the file can't be read, `RepodataError` where it is no index, and `DamagedIndex` where
    that shows only when a page is asked for.
    """

    def __init__(self, json_path: str) -> None:
        self._path = json_path
        self._held: int | None = None
        try:
            if HOLDS:
                self._held = open_file(json_path, _READING)
                weakref.finalize(self, os.close, self._held)
            with self._opened() as fd:
                self._identity = Identity.of(fd)
                self._table, self.head = read_index(json_path, self._identity) or self._rebuilt(fd)
        except OSError as error:
            raise StorageError.from_os_error(f"read {json_path}", error) from error

    @contextmanager
    def _opened(self) -> Iterator[int]:
        if self._held is not None:
            yield self._held
            return
        fd = open_file(self._path, _READING)
        try:
            yield fd
        finally:
            os.close(fd)

    def names(self) -> Collection[str]:
        """The names that have pages."""
        return self._table

    def pages(self, name: str) -> Sequence[Page]:
        """Those of one name."""
        try:
            with self._opened() as fd:
                found = self._read(fd, name)
                if found is None and Identity.of(fd) == self._identity:
                    self._table, self.head = self._rebuilt(fd)
                    found = self._read(fd, name)
        except OSError as error:
            raise StorageError.from_os_error(f"read {self._path}", error) from error
        except RepodataError as error:
            raise self._spoilt() from error
        if found is None:
            raise self._spoilt()
        return found

    def _read(self, fd: int, name: str) -> list[Page] | None:
        """The pages of a name; None if the file does not say any more what it said."""
        found = []
        for table, offset, length, crc in self._table.ranges(name):
            text = read_at(fd, length, offset)
            if len(text) != length or zlib.crc32(text) != crc or table >= len(ENDINGS):
                return None
            found.append(Page(ENDINGS[table], b"".join((b"{", text, b"}"))))
        return found

    def _rebuilt(self, fd: int) -> tuple[NameTable, Head]:
        """Read the whole file, and save what was found for the next time if that can be done."""
        forget(self._path)
        builder = TableBuilder()
        try:
            splitter = IndexSplitter(builder, self._path)
            for piece in self._pieces(fd):
                splitter.feed(piece)
            head = splitter.finish()
            parts = Parts(*builder.finish(), head)
            if Identity.of(fd) == self._identity:
                _save(self._path, self._identity, parts)
        except OSError as error:
            raise StorageError.from_os_error(f"read {self._path}", error) from error
        return NameTable(parts.table, parts.names, parts.ranges), head

    def _pieces(self, fd: int) -> Iterator[bytes]:
        at = 0
        while piece := read_at(fd, _PIECE, at):
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
