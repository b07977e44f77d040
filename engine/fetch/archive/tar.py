"""A tar archive as a stream: plain pieces in, members out, each with its data while it passes.

Rule of this file: it reads every dialect that conda packages come in (v7, ustar, GNU long names, pax) and decides
nothing about safety, except that it has no notion of devices. All sizes are checked before anything is read, so that
memory stays bounded whatever the headers claim. POSIX.1-2017 "pax" and GNU tar's manual describe the formats.

A pax ``size`` governs how many bytes follow (its neglect is CVE-2025-62518), and only for the member it precedes.
"""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from engine.errors import ArchiveError, UnsafeArchive
from engine.fetch.archive.reader import ByteReader

BLOCK = 512
MAX_EXTENSION = 1 << 20
"""Longest pax header or GNU long name that is read, in bytes; honest ones are a few hundred."""

Kind: TypeAlias = Literal["file", "directory", "softlink", "hardlink"]

_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",  # "contiguous": a file like any other
    b"1": "hardlink",
    b"2": "softlink",
    b"5": "directory",
}
_SPECIAL = {b"3": "a character device", b"4": "a block device", b"6": "a named pipe"}


class Member(msgspec.Struct, gc=False):
    """One member of an archive. ``data`` may be read once, before the next member is asked for."""

    path: str
    """As written in the archive: not yet checked. Undecodable bytes are surrogates, as in `os.fsdecode`."""
    kind: Kind
    size: int = 0
    """Of ``data``, in bytes."""
    mode: int = 0o644
    mtime: int = 0
    """Whole seconds since the epoch: all that pyc files compare (PEP 552)."""
    target: str = ""
    """Where a link leads."""
    data: Iterable[memoryview] = ()


def read_tar(pieces: Iterable[bytes | memoryview]) -> Iterator[Member]:
    """The members of a tar archive, in its order. Raises `ArchiveError` (or `UnsafeArchive` for a device).

    What follows the end mark is not read.
    """
    reader = ByteReader(pieces)
    defaults: dict[str, str] = {}
    while (block := reader.read(BLOCK)) != _END:
        extra = defaults
        if block[156:157] in b"xgLK":
            extra, block = _extensions(reader, block, defaults)
        member = _member(block, extra)
        end = reader.position + _padded(member.size)
        if member.size:
            whole = reader.at_hand(member.size)
            member.data = reader.parts(member.size) if whole is None else (whole,)
        yield member
        reader.skip(end - reader.position)


_END = bytes(BLOCK)


def _padded(size: int) -> int:
    return (size + BLOCK - 1) // BLOCK * BLOCK


def _extensions(reader: ByteReader, block: bytes, defaults: dict[str, str]) -> tuple[dict[str, str], bytes]:
    """Read the headers that only say something about the next one: (what they say, the next one)."""
    found: dict[str, str] = {}
    while (kind := block[156:157]) in b"xgLK":
        _check_sum(block)
        data = _extension_data(reader, _number(block[124:136], "size"))
        if kind == b"g":
            defaults.update(_pax(data))
        elif kind == b"x":
            found.update(_pax(data))
        else:
            found["path" if kind == b"L" else "linkpath"] = _text(data)
        block = reader.read(BLOCK)
        if block == _END:
            raise ArchiveError("its tar ends between a header extension and its member")
    return ({**defaults, **found} if defaults else found), block


def _extension_data(reader: ByteReader, size: int) -> bytes:
    if not 0 <= size <= MAX_EXTENSION:
        raise ArchiveError(f"a header extension of {size} bytes (at most {MAX_EXTENSION} are accepted)")
    data = reader.read(size)
    reader.skip(_padded(size) - size)
    return data


_PAX_KEYS = ("path", "linkpath", "size", "mtime")
"""The keys that we heed; the others are not even kept (a hostile archive could have millions)."""


def _pax(data: bytes) -> dict[str, str]:
    """The records ``"<length> <key>=<value>\\n"`` of a pax header."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 20)
        digits = data[at:space]
        end = at + int(digits) if space > 0 and digits.isdigit() else 0
        equals = data.find(b"=", space, end)
        if equals < 0 or end > len(data) or data[end - 1 : end] != b"\n":
            raise ArchiveError("a pax header is malformed")
        records[_decode(data[space + 1 : equals])] = _decode(data[equals + 1 : end - 1])
        at = end
    if any(key.startswith("GNU.sparse.") for key in records):
        raise ArchiveError("a sparse file, which no conda client writes; repack it without --sparse")
    return {key: records[key] for key in _PAX_KEYS if key in records}


def _member(block: bytes, extra: dict[str, str]) -> Member:
    """What a header block says, with the corrections of its extensions."""
    _check_sum(block)
    path = (extra and extra.get("path")) or _path(block)
    kind = _kind(block[156:157], path)
    size = _pax_size(extra["size"]) if "size" in extra else _number(block[124:136], "size")
    if size < 0:
        raise ArchiveError(f"{path!r}: its size is negative")
    if kind != "file" and size:
        if kind == "hardlink":  # readers disagree whether data follow: a way to show two of them two archives
            raise ArchiveError(f"{path!r}: a hard link that claims {size} bytes of its own")
        size = 0
    return Member(
        path=path,
        kind=kind,
        size=size,
        mode=_repeated_number(block[100:108], "mode") & 0o7777,
        mtime=_time(extra["mtime"]) if "mtime" in extra else _repeated_number(block[136:148], "mtime"),
        target=extra.get("linkpath") or _text(block[157:257]) if kind in ("softlink", "hardlink") else "",
    )


def _kind(flag: bytes, path: str) -> Kind:
    kind = _KINDS.get(flag)
    if kind == "file" and path.endswith("/"):  # v7 had no other way to write a directory
        return "directory"
    if kind is not None:
        return kind
    if flag in _SPECIAL:
        raise UnsafeArchive(f"{path!r} is {_SPECIAL[flag]}, which no package may hold")
    if flag == b"S":
        raise ArchiveError(f"{path!r} is a sparse file, which no conda client writes; repack it without --sparse")
    raise ArchiveError(f"{path!r} is of the unknown type {flag!r}")


def _path(block: bytes) -> str:
    """The name field; in POSIX ustar (not in GNU's look-alike) a prefix may stand before it."""
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and block[345]:
        return f"{_text(block[345:500])}/{name}"
    return name


def _text(field: bytes) -> str:
    return _decode(field.partition(b"\0")[0])


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _number(field: bytes, what: str) -> int:
    """Octal digits, or big-endian base 256 where the first bit is set (GNU)."""
    usual = field[:-1]
    if field[-1] in _ENDS and usual.isdigit():  # `int` alone would take signs and underscores
        try:
            return int(usual, 8)
        except ValueError:
            pass  # an 8 or a 9: refused below
    if field[0] & 0x80:
        value = int.from_bytes(field, "big", signed=True)
        return value if field[0] == 0xFF else value + (1 << (8 * len(field) - 1))
    digits = field.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    if digits.isdigit():
        try:
            return int(digits, 8)
        except ValueError:
            pass  # an 8 or a 9: refused below
    raise ArchiveError(f"a tar header is broken: {what} {field!r} is not a number")


_ENDS = b"\0 "
_repeated_number = functools.lru_cache(maxsize=256)(_number)
"""For fields that most members of an archive have in common."""


def _pax_size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ArchiveError(f"a pax header is broken: size {text!r} is not a number")
    return int(text)


def _time(text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArchiveError(f"a pax header is broken: mtime {text!r} is not a number")
    return math.floor(value)


def _check_sum(block: bytes) -> None:
    """Refuse a block that is no tar header. Adler-32's low half is the sum of the bytes (mod 65521), at C speed."""
    stored = _number(block[148:156], "checksum")
    field = sum(block[148:156])
    if zlib.adler32(block) & 0xFFFF == (1 + stored - 256 + field) % 65521:
        return
    signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:]) + 256
    if signed != stored:  # some old tars summed signed bytes
        raise ArchiveError("it holds no tar where one should be (a header's checksum is wrong)")
