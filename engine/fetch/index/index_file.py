"""The index file: beside each cached ``<key>.json`` a ``<key>.whipsnake.idx`` that tells where each name's records are.

Rule of this file: its bytes. It repeats nothing of the .json but its head; the records stay where conda wants them.

    header   magic, version and byte order, then which .json is meant: size, time, and a checksum of its two ends;
             sizes and checksum of the rest; checksum of the header itself
    table    `engine.model.name_table`
    head     `engine.model.repodata_head.Head`, as JSON

It is a cache of a cache, disposable at any time: what does not fit to the last bit counts as absent, and is made anew
from the .json. It is read and not mapped into memory: it is small (1 to 2 MB for conda-forge), all of it must be
checked anyway, and a mapped file that another process cuts short kills the process that looks at it (SIGBUS).
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from typing import Final, NamedTuple

import msgspec

from engine.model.name_table import NameTable
from engine.model.repodata_head import Head, decode_head
from engine.system.file_io import BINARY, read_at, write_atomic

_MAGIC: Final = b"whipsidx"
_VERSION: Final = 1
"""Of all that is in the file; any change of meaning makes another."""
_HEADER: Final = struct.Struct("=8sIQQQIIIIII")
_CHECKED: Final = struct.Struct("=I")
_START: Final = _HEADER.size + _CHECKED.size
"""Where the table begins."""
_SAMPLE: Final = 1 << 16
"""Bytes at each end of the .json whose checksum tells it from others of the same size and time."""
ENDING: Final = ".whipsnake.idx"


class Identity(NamedTuple):
    """Which .json an index file is about."""

    size: int
    mtime_ns: int
    sample: int
    """CRC-32 of the first and the last bytes."""

    @classmethod
    def of(cls, fd: int) -> Identity:
        """That of an open file. Raises `OSError`."""
        info = os.fstat(fd)
        tail = read_at(fd, _SAMPLE, max(0, info.st_size - _SAMPLE))
        return cls(info.st_size, info.st_mtime_ns, zlib.crc32(tail, zlib.crc32(read_at(fd, _SAMPLE, 0))))


class _Header(NamedTuple):
    magic: bytes
    version: int
    size: int
    mtime_ns: int
    earlier_ns: int
    """A time of the .json that fits as well: see `announce`."""
    sample: int
    names: int
    ranges: int
    table_size: int
    head_size: int
    body_crc: int

    def fits(self, json: Identity) -> bool:
        """Whether this is about that .json."""
        times = (self.mtime_ns, self.earlier_ns)
        return (self.size, self.sample) == (json.size, json.sample) and json.mtime_ns in times

    def packed(self) -> bytes:
        """The header with its checksum."""
        data = _HEADER.pack(*self)
        return data + _CHECKED.pack(zlib.crc32(data))


class Parts(NamedTuple):
    """What an index was split into, to be written: a table as `TableBuilder.finish` gives it, and the head."""

    table: bytes
    names: int
    ranges: int
    head: Head


def index_path(json_path: str) -> str:
    """Where the index file of a .json is."""
    return json_path.removesuffix(".json") + ENDING


def write_index(json_path: str, json: Identity, parts: Parts) -> None:
    """Write the index file of a .json, in one step. Raises `OSError`."""
    head = msgspec.json.encode(parts.head)
    crc = zlib.crc32(head, zlib.crc32(parts.table))
    sizes = (parts.names, parts.ranges, len(parts.table), len(head), crc)
    header = _Header(_MAGIC, _VERSION, json.size, json.mtime_ns, json.mtime_ns, json.sample, *sizes)
    write_atomic(index_path(json_path), (header.packed(), parts.table, head))


def read_index(json_path: str, json: Identity) -> tuple[NameTable, Head] | None:
    """What the index file says; None if it is not there, not whole, not ours, or about another .json."""
    try:
        fd = os.open(index_path(json_path), os.O_RDONLY | BINARY)
    except OSError:
        return None
    try:
        header = _header(read_at(fd, _START, 0))
        if header is None or not header.fits(json):
            return None
        size = header.table_size + header.head_size
        body = read_at(fd, size + 1, _START)
    except OSError:
        return None
    finally:
        os.close(fd)
    if len(body) != size or zlib.crc32(body) != header.body_crc:
        return None
    try:
        table = NameTable(body[: header.table_size], header.names, header.ranges)
        return table, decode_head(body[header.table_size :])
    except (ValueError, msgspec.MsgspecError):
        return None


def announce(json_path: str, mtime_ns: int) -> None:
    """Say that the .json, unchanged, will soon have another time; the one it has stays right until the next call.

    So there is no moment at which the index file does not fit. Whoever reads meanwhile sees the header before or
    after; a torn one fails its checksum, which costs making the index file anew. Raises `OSError`.
    """
    fd = os.open(index_path(json_path), os.O_RDWR | BINARY)
    try:
        header = _header(read_at(fd, _START, 0))
        if header is not None and header.mtime_ns != mtime_ns:
            os.lseek(fd, 0, os.SEEK_SET)
            os.write(fd, header._replace(mtime_ns=mtime_ns, earlier_ns=header.mtime_ns).packed())
    finally:
        os.close(fd)


def forget(json_path: str) -> None:
    """Remove the index file, if it is there and may be removed."""
    with contextlib.suppress(OSError):
        os.unlink(index_path(json_path))


def _header(data: bytes) -> _Header | None:
    size = _HEADER.size
    if len(data) < _START or not data.startswith(_MAGIC):
        return None
    if _CHECKED.unpack_from(data, size)[0] != zlib.crc32(data[:size]):
        return None
    header = _Header(*_HEADER.unpack_from(data))
    return header if header.version == _VERSION else None
