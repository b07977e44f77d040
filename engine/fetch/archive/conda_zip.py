"""The outer layer of a ``.conda`` package (CEP 35): a ZIP file whose members are stored, not compressed.

Rule of this file: a ZIP is read front to back while it arrives, and believed only if its directory at the end tells the
same story, because other readers believe the directory. What can't be read so (sizes that are only written behind the
data) is `NotStreamable`: then `read_zip_file` reads the completed file by its directory. APPNOTE.TXT 6.3.10 describes
the format.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from engine.errors import ArchiveError
from engine.fetch.archive.reader import ByteReader

MAX_ENTRIES = 64
"""A ``.conda`` has three members; a few more are passed over, thousands are a fault or an attack."""

_LOCAL = b"PK\x03\x04"
_CENTRAL = b"PK\x01\x02"
_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_LOCAL_REST = struct.Struct("<HHHHHLLLHH")  # version flags method time date crc packed plain name extra
_CENTRAL_REST = struct.Struct("<HHHHHHLLLHHHHHLL")
_END_REST = struct.Struct("<HHHHLLH")
_UNKNOWN_32 = 0xFFFFFFFF


class NotStreamable(ArchiveError):
    """A ZIP that can only be read once it is complete; the reader of the completed file may well accept it."""


class Entry(msgspec.Struct, frozen=True):
    """What a header says of one member: all that its two headers must agree on."""

    name: str
    size: int
    crc: int
    offset: int
    """Of its local header, in bytes from the beginning of the archive."""


class ZipMember(msgspec.Struct):
    """One member while it passes; ``data`` may be read once, before the next member is asked for."""

    name: str
    size: int
    data: Iterable[memoryview]


def read_zip(pieces: Iterable[bytes | memoryview]) -> Iterator[ZipMember]:
    """The members of a ZIP in the order in which they arrive. Reads to the very end, to compare with the directory.

    Raises `ArchiveError` where it is broken or ambiguous, `NotStreamable` where it must be completed first.
    """
    reader = ByteReader(pieces)
    seen: list[Entry] = []
    while (mark := reader.read(4)) == _LOCAL:
        if len(seen) == MAX_ENTRIES:
            raise ArchiveError(f"its zip has more than {MAX_ENTRIES} members")
        entry = _local_entry(reader, reader.position - 4)
        seen.append(entry)
        end = reader.position + entry.size
        yield ZipMember(entry.name, entry.size, _checked(reader.parts(entry.size), entry))
        reader.skip(end - reader.position)
    if not seen and mark not in (_CENTRAL, _END):
        raise ArchiveError("it is no zip file, which a .conda package must be")
    _compare(seen, _directory_of_stream(reader, mark))


def _local_entry(reader: ByteReader, offset: int) -> Entry:
    _, flags, method, _, _, crc, packed, plain, name_length, extra_length = _LOCAL_REST.unpack(reader.read(26))
    name = reader.read(name_length).decode("utf-8", "surrogateescape")
    extra = reader.read(extra_length)
    _check_storage(name, flags, method)
    if flags & 8:
        raise NotStreamable(f"the zip member {name!r} has its size only behind its data")
    (size, stored), _ = _wide(extra, (plain, packed))
    if size != stored:
        raise ArchiveError(f"the zip member {name!r} is stored, but has two sizes: {size} and {stored}")
    return Entry(name, size, crc, offset)


def _check_storage(name: str, flags: int, method: int) -> None:
    if flags & 1:
        raise ArchiveError(f"the zip member {name!r} is encrypted")
    if method != 0:
        raise ArchiveError(f"the zip member {name!r} is compressed (method {method}); CEP 35 demands stored members")


def _wide(extra: bytes, fields: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    """``fields`` with those that are too wide for 32 bits read from the zip64 extra field; whether there were any."""
    if _UNKNOWN_32 not in fields:
        return fields, False
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            try:
                return tuple(next(values) if field == _UNKNOWN_32 else field for field in fields), True
            except (StopIteration, RuntimeError):
                break
        at += 4 + length
    raise ArchiveError("its zip64 sizes are missing")


def _checked(parts: Iterator[memoryview], entry: Entry) -> Iterator[memoryview]:
    """The data of a stored member; raises `ArchiveError` at its end where the checksum differs."""
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, crc)
        yield part
    if crc != entry.crc:
        raise ArchiveError(f"the zip member {entry.name!r} is damaged (CRC-32 {crc:08x}, expected {entry.crc:08x})")


def _compare(seen: list[Entry], directory: list[Entry]) -> None:
    if seen != directory:
        raise ArchiveError(
            "its zip directory names other members than those it holds: "
            f"{[entry.name for entry in directory]} instead of {[entry.name for entry in seen]}"
        )


# -- the directory at the end


def _directory_of_stream(reader: ByteReader, mark: bytes) -> list[Entry]:
    """Read the directory, whose first mark was already read, and the end records, to the last byte."""
    entries: list[Entry] = []
    while mark == _CENTRAL:
        if len(entries) == MAX_ENTRIES:
            raise ArchiveError(f"its zip directory has more than {MAX_ENTRIES} entries")
        entries.append(_central_entry(reader))
        mark = reader.read(4)
    if mark == _END_64:
        length = int.from_bytes(reader.read(8), "little")
        reader.skip(min(length, 1 << 20))
        mark = reader.read(4)
    if mark == _LOCATOR_64:
        reader.skip(16)
        mark = reader.read(4)
    if mark != _END:
        raise ArchiveError("its zip has no directory at its end")
    comment = reader.read(_END_REST.unpack(reader.read(18))[-1])
    if _END in comment:  # some readers would find their directory there
        raise ArchiveError("its zip has a second directory hidden in a comment")
    if surplus := reader.drain():
        raise ArchiveError(f"{surplus} bytes follow the end of its zip")
    return sorted(entries, key=lambda entry: entry.offset)


def _central_entry(reader: ByteReader) -> Entry:
    """One entry of the directory, behind its mark."""
    fields = _CENTRAL_REST.unpack(reader.read(42))
    _, _, flags, method, _, _, crc, packed, plain, name_length, extra_length, comment_length, _, _, _, offset = fields
    name = reader.read(name_length).decode("utf-8", "surrogateescape")
    extra = reader.read(extra_length)
    reader.skip(comment_length)
    _check_storage(name, flags, method)
    (size, stored, offset), _ = _wide(extra, (plain, packed, offset))
    if size != stored:
        raise ArchiveError(f"the zip member {name!r} is stored, but has two sizes: {size} and {stored}")
    return Entry(name, size, crc, offset)


# -- the completed file


def read_zip_file(file: BinaryIO, *, first: str = "") -> Iterator[ZipMember]:
    """The members of a completed ZIP, by its directory; those whose names begin with ``first`` come before the others.

    ``file`` can be sought and is read from its own beginning. Raises `ArchiveError` where it is broken.
    """
    file.seek(0, 2)
    total = file.tell()
    for entry in sorted(_directory_of_file(file, total), key=lambda entry: not entry.name.startswith(first)):
        if entry.offset + 30 > total:
            raise ArchiveError(f"the zip member {entry.name!r} lies behind the end of the file")
        file.seek(entry.offset)
        reader = ByteReader(iter(lambda: file.read(1 << 18), b""))
        if reader.read(4) != _LOCAL:
            raise ArchiveError(f"the zip member {entry.name!r} is not where the directory says")
        _, flags, method, _, _, _, _, _, name_length, extra_length = _LOCAL_REST.unpack(reader.read(26))
        name = reader.read(name_length).decode("utf-8", "surrogateescape")
        if name != entry.name:
            raise ArchiveError(f"the zip member {entry.name!r} calls itself {name!r}")
        _check_storage(name, flags, method)
        reader.skip(extra_length)
        yield ZipMember(entry.name, entry.size, _checked(reader.parts(entry.size), entry))


def _directory_of_file(file: BinaryIO, total: int) -> list[Entry]:
    """Find the end record (it must be the last bytes, a comment apart) and read the directory that it points to."""
    tail_size = min(total, 22 + 0xFFFF + 20 + 56)
    file.seek(total - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise ArchiveError("its zip has no directory at its end (truncated?)")
    *_, count, size, start, comment = _END_REST.unpack_from(tail, at + 4)
    if at + 22 + comment != len(tail):
        raise ArchiveError("bytes follow the end of its zip")
    end = total - tail_size + at
    if tail[max(0, at - 20) : at].startswith(_LOCATOR_64):
        count, size, start, end = _end_64(file, struct.unpack_from("<Q", tail, at - 12)[0])
    if count > MAX_ENTRIES:
        raise ArchiveError(f"its zip directory has more than {MAX_ENTRIES} entries")
    if start + size != end:
        raise ArchiveError("its zip directory is not where its end record says")
    file.seek(start)
    reader = ByteReader([file.read(size)])
    return [_marked_entry(reader) for _ in range(count)]


def _end_64(file: BinaryIO, at: int) -> tuple[int, int, int, int]:
    """The zip64 end record at ``at``: entries, size and start of the directory, and where the record itself begins."""
    try:
        file.seek(at)
    except (OSError, OverflowError, ValueError):
        raise ArchiveError("its zip64 end record is not where its locator says") from None
    record = file.read(56)
    if len(record) < 56 or not record.startswith(_END_64):
        raise ArchiveError("its zip64 end record is not where its locator says")
    count, size, start = struct.unpack_from("<QQQ", record, 32)
    return count, size, start, at


def _marked_entry(reader: ByteReader) -> Entry:
    if reader.read(4) != _CENTRAL:
        raise ArchiveError("its zip directory is broken")
    return _central_entry(reader)
