"""Small Mach-O files with ad-hoc signatures, written from Apple's ``loader.h`` and ``cs_blobs.h``.

Not by the code under test: here a signature is laid out from nothing, there one is found and renewed.
"""

from __future__ import annotations

import hashlib
import struct

PAGE = 4096


def make_mach_o(content: bytes, *, filetype: int = 6, signed: bool = True, certificate: bytes = b"") -> bytes:
    """One 64-bit file with ``content`` behind its header, hashed twice (SHA-1 and SHA-256) if it is signed."""
    body = content.ljust(-(-(len(content) + 32 + 16) // PAGE) * PAGE - 32 - 16 + 100, b"\0")  # ends inside a page
    code_length = 32 + 16 + len(body)
    signature = b""
    if signed:
        blank = _signature(b"\0" * code_length, certificate)
        command = struct.pack("<IIII", 0x1D, 16, code_length, len(blank))
        header = _header(filetype, 1) + command
        signature = _signature(header + body, certificate)
    else:
        header = _header(filetype, 1) + struct.pack("<IIII", 0x2, 16, 0, 0)  # some other command
    return header + body + signature


def make_fat(*files: bytes) -> bytes:
    """Several architectures in one file, each from a page's start."""
    places, offset = [], PAGE
    for file in files:
        places.append(offset)
        offset += -(-len(file) // PAGE) * PAGE
    data = bytearray(struct.pack(">II", 0xCAFEBABE, len(files)))
    for number, (file, place) in enumerate(zip(files, places, strict=True)):
        data += struct.pack(">IIIII", 0x01000007 + number, 3, place, len(file), 12)
    for file, place in zip(files, places, strict=True):
        data = data.ljust(place, b"\0") + file
    return bytes(data)


def _header(filetype: int, commands: int) -> bytes:
    return struct.pack("<IIIIIIII", 0xFEEDFACF, 0x0100000C, 0, filetype, commands, 16 * commands, 0, 0)


def _signature(code: bytes, certificate: bytes) -> bytes:
    directories = [_directory(code, 1, hashlib.sha1), _directory(code, 2, hashlib.sha256)]
    cms = struct.pack(">II", 0xFADE0B01, 8 + len(certificate)) + certificate
    blobs = [(0, directories[0]), (0x1000, directories[1]), (0x10000, cms)]
    offset, index, data = 12 + 8 * len(blobs), b"", b""
    for slot, blob in blobs:
        index += struct.pack(">II", slot, offset + len(data))
        data += blob
    return struct.pack(">III", 0xFADE0CC0, offset + len(data), len(blobs)) + index + data


def _directory(code: bytes, kind: int, make: object) -> bytes:
    pages = [code[start : start + PAGE] for start in range(0, len(code), PAGE)]
    hashes = b"".join(make(page).digest() for page in pages)  # type: ignore[operator]
    name = b"demo\0"
    start = 44 + 4 + len(name)
    fields = (0xFADE0C02, start + len(hashes), 0x20100, 2, start, 48, 0, len(pages), len(code))
    size = len(hashes) // len(pages)
    return struct.pack(">9I4BI", *fields, size, kind, 0, 12, 0) + struct.pack(">I", 0) + name + hashes
