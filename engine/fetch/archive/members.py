"""A package archive as a stream: its bytes in, its members out (CEP 35). No disk, no loop, no decisions about paths.

Rule of this file: what a package archive is made of. ``.tar.bz2`` is one compressed tar; ``.conda`` is a ZIP of
``metadata.json``, ``pkg-….tar.zst`` and ``info-….tar.zst``, which may come in any order. Whatever bytes are fed,
reading them ends, in bounded memory, with members or with an `ArchiveError`.

A ``.conda`` is unpacked while it arrives. The few whose ZIP has sizes only behind the data raise `NotStreamable`
before any of that member; the caller then keeps the archive and calls `read_conda_file`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import msgspec

from engine.errors import ArchiveError, UnsafeArchive
from engine.fetch.archive.bzip2 import bunzip
from engine.fetch.archive.conda_zip import NotStreamable, ZipMember, read_zip, read_zip_file
from engine.fetch.archive.decompress import unzstd
from engine.fetch.archive.reader import ByteReader
from engine.fetch.archive.tar import Kind, Member, read_tar

__all__ = ["Budget", "Kind", "Limits", "Member", "NotStreamable", "read_conda_file", "read_package"]

FORMAT_VERSION = 2
"""The only ``conda_pkg_format_version`` there is (CEP 35)."""
MAX_METADATA = 1 << 16


class Limits(msgspec.Struct, frozen=True):
    """How much a package may unpack to; beyond it is taken for a bomb."""

    ratio: int = 1000
    """Plain bytes for each byte of the archive. Real packages reach about 100, at their sparsest."""
    floor: int = 256 << 20
    """Plain bytes that any archive may have, however small it is."""
    total: int | None = None
    """Plain bytes at most, whatever the ratio; None for no such limit."""
    members: int = 2_000_000


class Budget:
    """Counts what goes into and comes out of one archive, and stops a bomb."""

    def __init__(self, limits: Limits, size: int | None = None) -> None:
        """``size`` is that of the archive in bytes if it is known; else what has arrived so far counts."""
        self._limits = limits
        self._known = size or 0
        self._arrived = 0
        self._plain = 0
        self._total = limits.total
        self._members = 0

    def arriving(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Count the bytes of the archive as they pass."""
        for piece in pieces:
            self._arrived += len(piece)
            yield piece

    def plain(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Count the decompressed bytes as they pass. Raises `UnsafeArchive` beyond the limits."""
        for piece in pieces:
            self._plain += len(piece)
            self._check()
            yield piece

    def copied(self, size: int) -> None:
        """Count the bytes of a file that is made a second time. Raises as `plain`."""
        self._plain += size
        self._check()

    def members(self, members: Iterable[Member]) -> Iterator[Member]:
        """Count the members as they pass."""
        for member in members:
            self._members += 1
            if self._members > self._limits.members:
                raise UnsafeArchive(f"it has more than {self._limits.members} members")
            yield member

    def declare(self, total: int) -> None:
        """The package says of itself that its files are ``total`` bytes: it may have little more from here on."""
        ceiling = self._plain + total + total // 4 + self._limits.floor // 4
        self._total = ceiling if self._total is None else min(self._total, ceiling)

    def _check(self) -> None:
        if self._total is not None and self._plain > self._total:
            raise UnsafeArchive(f"it unpacks to more than the {self._total} bytes that it may have")
        ceiling = max(self._limits.floor, self._limits.ratio * max(self._known, self._arrived))
        if self._plain > ceiling:
            raise UnsafeArchive(f"it unpacks to more than {ceiling} bytes, far too many for its own size")


def read_package(
    pieces: Iterable[bytes], name: str, budget: Budget, bunzip: Callable[[Iterable[bytes]], Iterator[bytes]] = bunzip
) -> Iterator[Member]:
    """The members of the package archive ``name`` (its ending says what it is), whose bytes are ``pieces``.

    Raises `ArchiveError` where it is broken and `NotStreamable` where it must be completed first. A ``.conda`` is read
    to its last byte, a ``.tar.bz2`` to the end mark of its tar.
    """
    pieces = budget.arriving(pieces)
    if name.endswith(".tar.bz2"):
        return budget.members(read_tar(budget.plain(bunzip(pieces))))
    if name.endswith(".conda"):
        return budget.members(_read_conda(read_zip(pieces), budget))
    raise ArchiveError("the file name ends neither in .conda nor in .tar.bz2")


def read_conda_file(file: BinaryIO, budget: Budget, *, info_first: bool = False) -> Iterator[Member]:
    """The members of a completed ``.conda`` file, found by its ZIP directory; if asked for, its metadata first."""
    return budget.members(_read_conda(read_zip_file(file, first="info-" if info_first else ""), budget))


def _read_conda(parts: Iterable[ZipMember], budget: Budget) -> Iterator[Member]:
    seen: set[str] = set()
    for part in parts:
        role = _role(part.name)
        if role is None:
            continue
        if role in seen:
            raise ArchiveError(f"it has two members {role}")
        seen.add(role)
        if role == "metadata.json":
            _check_format(part)
        else:
            yield from read_tar(budget.plain(unzstd(part.data)))
            ByteReader(part.data).drain()  # so that the member's checksum is looked at
    if _INFO not in seen:  # conda, mamba and rattler do without the other two, and packages exist that lack them
        raise ArchiveError(f"its zip lacks {_INFO}, which CEP 35 demands")


_INFO = "info-*.tar.zst"


def _role(name: str) -> str | None:
    """What a ZIP member is for; None for those that CEP 35 doesn't know."""
    if name == "metadata.json":
        return name
    if name.endswith(".tar.zst") and "/" not in name:
        for kind in ("pkg", "info"):
            if name.startswith(f"{kind}-"):
                return f"{kind}-*.tar.zst"
    return None


def _check_format(part: ZipMember) -> None:
    """Refuse a format version that we don't know: its members may mean something else."""
    if part.size > MAX_METADATA:
        raise ArchiveError(f"its metadata.json has {part.size} bytes")
    try:
        metadata = msgspec.json.decode(b"".join(part.data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArchiveError(f"its metadata.json is no JSON: {error}") from error
    version = metadata.get("conda_pkg_format_version") if isinstance(metadata, dict) else None
    if version != FORMAT_VERSION:
        raise ArchiveError(f"its conda_pkg_format_version is {version!r}; only {FORMAT_VERSION} is known")
