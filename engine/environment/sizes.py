"""How much disk an environment takes, by the records of its packages.

Rule of this file: as conda counts (``PrefixRecord.package_size``, ``PrefixData.size``): what packages brought, at the
size that they tell, their records, and the rest of ``conda-meta``. Files that nobody's record names don't count, and
neither do hard links once: what is shared with the cache counts here too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from engine.link.prefix.meta import META, decode_file, record_paths


class _Path(msgspec.Struct, gc=False):
    path: str = msgspec.field(name="_path")
    path_type: str = ""
    size_in_bytes: int | None = None


class _Paths(msgspec.Struct, gc=False):
    paths: tuple[_Path, ...] = ()


class _Record(msgspec.Struct, gc=False):
    name: str
    paths_data: _Paths = msgspec.field(default_factory=_Paths)
    files: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(_Record).decode


def package_sizes(prefix: str) -> dict[str, int]:
    """Package → its files in bytes. Raises `LinkError` for a record that can't be understood."""
    return {record.name: size for record, size in (_sized(prefix, path) for path in record_paths(prefix))}


def environment_size(prefix: str, packages: Mapping[str, int] | None = None) -> int:
    """All packages (as `package_sizes`), and what else ``conda-meta`` holds, in bytes. Raises `LinkError`."""
    meta = os.path.join(prefix, META)
    with suppress(OSError):  # no environment: nothing
        others = [name for name in os.listdir(meta) if not name.endswith(".json")]
        known = package_sizes(prefix) if packages is None else packages
        return sum(known.values()) + sum(_size(os.path.join(meta, name)) for name in others)
    return 0


def _sized(prefix: str, path: str) -> tuple[_Record, int]:
    record = decode_file(path, _decode)
    listed = record.paths_data.paths or tuple(_Path(path=file) for file in record.files)
    files = sum(
        _size(os.path.join(prefix, one.path)) if one.size_in_bytes is None else one.size_in_bytes
        for one in listed
        if one.path_type not in ("softlink", "directory")
    )
    return record, files + _size(path)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:  # gone, or not ours to see
        return 0
