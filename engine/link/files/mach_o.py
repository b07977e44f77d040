"""Ad-hoc signatures of Mach-O files, made good again after bytes were changed in place. Pure.

The kernel of Apple Silicon kills a program whose signature does not fit its bytes. What compilers and packagers put
there is nearly always *ad hoc*: a ``CodeDirectory``, a list with the hash of every page, signed by nobody. A prefix
that was replaced by one of the same length moves nothing, so it is enough to hash the touched pages anew. That needs
no ``codesign``: it works on every system, without Xcode and its licence, and gives the same bytes everywhere.

Rule of this file: a file of which anything is not understood, or that somebody signed with a certificate, is left as
it is and said to be so; the layout is that of Apple's ``cs_blobs.h`` and ``loader.h``.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

_THIN = b"\xcf\xfa\xed\xfe"
"""A 64-bit little-endian file: all that Apple Silicon and Intel run today."""
_FAT = {b"\xca\xfe\xba\xbe": struct.Struct(">IIIII"), b"\xca\xfe\xba\xbf": struct.Struct(">IIQQII")}
_FAT_LIMIT = 16
"""Architectures in one file; Java's class files begin alike and have a version there."""

_RUNNABLE = frozenset({2, 6, 7, 8})
"""``filetype``: programs, libraries, the dynamic linker, bundles."""

_LC_CODE_SIGNATURE = 0x1D
_SUPERBLOB, _CODE_DIRECTORY, _CMS = 0xFADE0CC0, 0xFADE0C02, 0xFADE0B01
_EMPTY_CMS = 8
"""Length of the wrapper with which ``codesign`` says that there is no certificate."""

_HASHES: dict[int, tuple[Callable[[bytes], Any], int]] = {
    1: (hashlib.sha1, 20),
    2: (hashlib.sha256, 32),
    3: (hashlib.sha256, 20),
    4: (hashlib.sha384, 48),
}
"""Type of hash → function, and how many of its bytes are kept."""


class NotUnderstood(Exception):
    """No such signature, or one that can't be made good here."""


def is_mach_o(data: bytes) -> bool:
    """Whether this is a program or library of macOS, of one architecture or several."""
    return data[:4] == _THIN or (data[:4] in _FAT and 0 < int.from_bytes(data[4:8], "big") <= _FAT_LIMIT)


def resigned(data: bytes) -> bytes | None:
    """``data`` with all page hashes right. None if its signature can't be made good here, or there is none.

    What is never run (object files, debug symbols) needs none and comes back as it is.
    """
    changed = bytearray(data)
    try:
        for start, size in _slices(data):
            _sign_slice(changed, start, size)
    except (NotUnderstood, struct.error, IndexError):
        return None
    return bytes(changed)


def _slices(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each architecture's part is."""
    if data[:4] == _THIN:
        yield 0, len(data)
        return
    entry = _FAT[data[:4]]
    for number in range(int.from_bytes(data[4:8], "big")):
        _, _, start, size, *_ = entry.unpack_from(data, 8 + number * entry.size)
        if start + size > len(data):
            raise NotUnderstood
        if data[start : start + 4] == _THIN:
            yield start, size


def _sign_slice(data: bytearray, start: int, size: int) -> None:
    if struct.unpack_from("<I", data, start + 12)[0] not in _RUNNABLE:
        return
    offset, length = _signature(data, start)
    if offset + length > size:
        raise NotUnderstood
    base = start + offset
    magic, _, count = struct.unpack_from(">III", data, base)
    if magic != _SUPERBLOB:
        raise NotUnderstood
    blobs = [base + struct.unpack_from(">II", data, base + 12 + 8 * number)[1] for number in range(count)]
    directories = 0
    for blob in blobs:
        kind, blob_length = struct.unpack_from(">II", data, blob)
        if kind == _CMS and blob_length > _EMPTY_CMS:
            raise NotUnderstood  # a certificate vouches for the hashes as they were
        if kind == _CODE_DIRECTORY:
            _hash_pages(data, start, offset, blob)
            directories += 1
    if not directories:
        raise NotUnderstood


def _signature(data: bytearray, start: int) -> tuple[int, int]:
    """Offset in the slice, and length, of the signature."""
    commands, _ = struct.unpack_from("<II", data, start + 16)
    place = start + 32
    for _ in range(commands):
        command, size = struct.unpack_from("<II", data, place)
        if command == _LC_CODE_SIGNATURE:
            offset, length = struct.unpack_from("<II", data, place + 8)
            return offset, length
        if size < 8:
            raise NotUnderstood
        place += size
    raise NotUnderstood  # unsigned


def _hash_pages(data: bytearray, start: int, signature: int, directory: int) -> None:
    """Fill the slots of one CodeDirectory. The signature itself, at the end of the slice, is not hashed."""
    fields = struct.unpack_from(">IIIIIIIIIBBBB", data, directory)
    version, hashes, slots, limit, size, kind, page_bits = (fields[place] for place in (2, 4, 7, 8, 9, 10, 12))
    if version >= 0x20300:
        limit = struct.unpack_from(">Q", data, directory + 56)[0] or limit
    scattered = version >= 0x20100 and struct.unpack_from(">I", data, directory + 44)[0]
    make, kept = _HASHES.get(kind, (hashlib.sha256, 0))
    page = 1 << page_bits if page_bits else limit
    if scattered or kept != size or limit > signature or page <= 0 or slots != -(-limit // page):
        raise NotUnderstood
    for slot in range(slots):
        content = bytes(data[start + slot * page : start + min((slot + 1) * page, limit)])
        place = directory + hashes + slot * size
        data[place : place + size] = make(content).digest()[:size]
