"""A directory becomes a package archive (CEP 35): the same files always give the same bytes.

Rule of this file: what is written can be read by everyone. Owners are left away, modes and times (whole seconds)
stay; ``info/`` comes first and the rest in the order of names, as conda and mamba have it.
"""

from __future__ import annotations

import bz2
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final

import zstandard

from engine.errors import ArchiveError

LEVELS: Final = {".tar.bz2": range(1, 10), ".conda": range(1, 23)}
"""Which levels of compression there are."""
DEFAULT_LEVELS: Final = {".tar.bz2": 9, ".conda": 15}
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
_METADATA: Final = b'{"conda_pkg_format_version": 2}'
_INDEX: Final = "info/index.json"


def pack(directory: str, path: str, *, ending: str, level: int, threads: int = 1) -> None:
    """Write the package archive ``path`` of the files below ``directory``; ``ending`` is ``.conda`` or ``.tar.bz2``.

    ``threads`` are for zstandard (0: one for each core). Raises `ArchiveError` if that is no package, `OSError`.
    """
    names = _names(directory)
    if _INDEX not in names:
        raise ArchiveError(f"Could not make a package of {directory}: expected {_INDEX} in it.")
    with open(path, "xb") as file:
        if ending == ".conda":
            stem = os.path.basename(path).partition(".whipsnake-")[0].removesuffix(ending)
            _pack_conda(directory, names, file, stem, zstandard.ZstdCompressor(level, threads=_threads(threads)))
        else:
            with bz2.BZ2File(file, "w", compresslevel=level) as stream:
                _write_tar(directory, names, stream)


def _threads(count: int) -> int:
    """As zstandard counts them: 0 compresses in the caller's own thread, negative means all cores."""
    return {0: -1, 1: 0}.get(count, count)


def _names(directory: str) -> list[str]:
    """All files, soft links and empty directories, ``info/`` first."""
    found: list[str] = []
    for base, directories, files in os.walk(directory):
        rest = os.path.relpath(base, directory)
        lead = "" if rest == "." else rest.replace(os.sep, "/") + "/"
        links = [name for name in directories if os.path.islink(os.path.join(base, name))]
        found += [lead + name for name in (*files, *links)]
        if not files and not directories and lead:
            found.append(lead.rstrip("/"))
    return sorted(found, key=lambda name: (not _is_info(name), name))


def _is_info(name: str) -> bool:
    return name.startswith("info/")


def _pack_conda(
    directory: str, names: Sequence[str], file: IO[bytes], stem: str, compressor: zstandard.ZstdCompressor
) -> None:
    parts = {
        f"pkg-{stem}.tar.zst": [name for name in names if not _is_info(name)],
        f"info-{stem}.tar.zst": [name for name in names if _is_info(name)],
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_zip_entry("metadata.json"), _METADATA)
        for name, members in parts.items():
            with (
                archive.open(_zip_entry(name), "w", force_zip64=True) as part,
                compressor.stream_writer(part, closefd=False) as stream,
            ):
                _write_tar(directory, members, stream)


def _zip_entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _ZIP_TIME)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _write_tar(directory: str, names: Sequence[str], stream: Any) -> None:
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for member, path in _members(directory, names):
            if member.isreg():
                with open(path, "rb") as file:
                    archive.addfile(member, file)
            else:
                archive.addfile(member)


def _members(directory: str, names: Sequence[str]) -> Iterator[tuple[tarfile.TarInfo, str]]:
    for name in names:
        path = os.path.join(directory, *name.split("/"))
        facts = os.lstat(path)
        member = tarfile.TarInfo(name)
        member.mode, member.mtime = stat.S_IMODE(facts.st_mode), int(facts.st_mtime)
        if stat.S_ISLNK(facts.st_mode):
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
        elif stat.S_ISDIR(facts.st_mode):
            member.type = tarfile.DIRTYPE
        elif stat.S_ISREG(facts.st_mode):
            member.size = facts.st_size
        else:
            raise ArchiveError(f"Could not pack {path}: it is no file, directory or soft link.")
        yield member, path
