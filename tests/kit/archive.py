"""Members and the two archive formats of CEP 35, as bytes. Writes what it is told to, however wrong that is.

The same members always give the same bytes: times are fixed, nothing is compressed by several threads.
"""

from __future__ import annotations

import bz2
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import zstandard

BUILT_AT = 1_700_000_000
"""When all our packages were built, in Unix seconds."""
FORMATS = (".conda", ".tar.bz2")


@dataclass(frozen=True)
class Member:
    """One entry of a tar archive. ``kind`` is a type flag of `tarfile`; ``pax`` are extended headers."""

    name: str
    data: bytes = b""
    mode: int = 0o644
    kind: bytes = tarfile.REGTYPE
    target: str = ""
    pax: Mapping[str, str] = field(default_factory=dict)

    def header(self) -> tarfile.TarInfo:
        """What `tarfile` writes before the data."""
        info = tarfile.TarInfo(self.name)
        info.size, info.mode, info.mtime = len(self.data), self.mode, BUILT_AT
        info.type, info.linkname = self.kind, self.target
        info.pax_headers = dict(self.pax)
        return info


def tar(members: Iterable[Member], *, tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    """An uncompressed tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as archive:
        for member in members:
            archive.addfile(member.header(), io.BytesIO(member.data))
    return buffer.getvalue()


def tar_bz2(members: Iterable[Member], *, level: int = 9, tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    """A package of the older format: everything in one tar archive."""
    return bz2.compress(tar(members, tar_format=tar_format), level)


def tar_zst(members: Iterable[Member], *, level: int = 3, tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    """One of the two inner archives of a ``.conda`` file."""
    return zstandard.ZstdCompressor(level=level, write_content_size=True).compress(tar(members, tar_format=tar_format))


def conda(
    stem: str,
    members: Iterable[Member],
    *,
    level: int = 3,
    tar_format: int = tarfile.PAX_FORMAT,
    version: int = 2,
) -> bytes:
    """A package of the newer format: a zip file whose members are stored and stand in the order of CEP 35."""
    info: list[Member] = []
    rest: list[Member] = []
    for member in members:
        (info if member.name.startswith("info/") else rest).append(member)
    return zipped(
        {
            "metadata.json": json.dumps({"conda_pkg_format_version": version}).encode(),
            f"pkg-{stem}.tar.zst": tar_zst(rest, level=level, tar_format=tar_format),
            f"info-{stem}.tar.zst": tar_zst(info, level=level, tar_format=tar_format),
        }
    )


class _OneWay(io.RawIOBase):
    """A file that can't be rewound: `zipfile` then puts sizes behind the data (data descriptors)."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.parts.append(bytes(data))  # type: ignore[call-overload]
        return len(self.parts[-1])


def zipped(files: Mapping[str, bytes], *, descriptors: bool = False, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file, with sizes behind the data if asked for."""
    sink: io.BytesIO | _OneWay = _OneWay() if descriptors else io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20))
            entry.compress_type, entry.external_attr = compression, 0o644 << 16
            archive.writestr(entry, data)
    return b"".join(sink.parts) if isinstance(sink, _OneWay) else sink.getvalue()


def zipped64(files: Mapping[str, bytes]) -> bytes:
    """A zip file of stored members that gives every size and offset as 64 bits (APPNOTE 4.5.3).

    Made by hand: what `zipfile` does with ``force_zip64`` differs between versions of Python.
    """
    body, directory = b"", b""
    for name, data in files.items():
        raw, size = name.encode(), len(data)
        facts = struct.pack("<HHHHHIIIHH", 45, 0, 0, 0xB1AC, 0x576E, zlib.crc32(data), _FULL, _FULL, len(raw), 20)
        extra = struct.pack("<HHQQ", 1, 24, size, size) + struct.pack("<Q", len(body))
        central = facts[:-2] + struct.pack("<HHHHII", len(extra), 0, 0, 0, 0o644 << 16, _FULL)
        directory += struct.pack("<IH", 0x02014B50, 45) + central + raw + extra
        body += struct.pack("<I", 0x04034B50) + facts + raw + struct.pack("<HHQQ", 1, 16, size, size) + data
    count, end = len(files), len(body) + len(directory)
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(directory), len(body))
    locator = struct.pack("<IIQI", 0x07064B50, 0, end, 1)
    return (
        body + directory + record + locator + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *[0xFFFF] * 2, _FULL, _FULL, 0)
    )


_FULL = 0xFFFFFFFF
"""Says: look into the 64-bit field."""
