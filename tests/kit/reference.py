"""The simplest installer that can be right: unpack, replace, write. Slow, trusting, and no part of the product.

It shows that the kit's packages are sound without asking the engine, and serves as the engine's measure where a test
compares trees. Knows no clobbering, no scripts and no conda-meta.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import zstandard

from tests.kit.package import BuiltPackage


def unpack(data: bytes, directory: Path) -> None:
    """Unpack a sound archive of either format."""
    for part in _tars(data):
        with tarfile.open(fileobj=io.BytesIO(part)) as archive:
            archive.extraction_filter = getattr(tarfile, "tar_filter", None)  # older Pythons know none
            archive.extractall(directory)


def install(package: BuiltPackage, prefix: Path, cache: Path) -> None:
    """Put a package into a prefix, by way of ``cache``; ``noarch: python`` files go to ``site_packages`` of the first
    directory named lib/python*."""
    source = cache / package.stem
    unpack(package.data, source)
    site = next((path.name for path in (prefix / "lib").glob("python3.*")), "python3") if prefix.is_dir() else "python3"
    for entry in package.paths:
        path = str(entry["_path"])
        if package.index.get("noarch") == "python":
            path = path.replace("site-packages/", f"lib/{site}/site-packages/", 1)
        _place(source / entry["_path"], prefix / path, str(prefix), entry)


def replaced(data: bytes, placeholder: str, prefix: str, mode: str) -> bytes:
    """The data with the prefix for the placeholder; C strings keep their length."""
    old, new = placeholder.encode(), prefix.encode()
    if mode == "text":
        return data.replace(old, new)

    def shifted(match: re.Match[bytes]) -> bytes:
        return match[0].replace(old, new).ljust(len(match[0]), b"\0")

    return re.sub(re.escape(old) + rb"[^\0]*", shifted, data)


def _place(source: Path, target: Path, prefix: str, entry: Mapping[str, str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if entry["path_type"] == "directory":
        target.mkdir(exist_ok=True)
    elif entry["path_type"] == "softlink":
        target.symlink_to(os.readlink(source))
    else:
        data = source.read_bytes()
        if "prefix_placeholder" in entry:
            data = replaced(data, entry["prefix_placeholder"], prefix, entry["file_mode"])
        target.write_bytes(data)
        target.chmod(source.stat().st_mode & 0o7777)


def _tars(data: bytes) -> list[bytes]:
    if not data.startswith(b"PK"):
        return [data]
    with zipfile.ZipFile(io.BytesIO(data)) as outer:
        names = [name for name in outer.namelist() if name.endswith(".tar.zst")]
        return [zstandard.ZstdDecompressor().decompressobj().decompress(outer.read(name)) for name in names]


def paths_of(data: bytes) -> list[dict[str, str]]:
    """The entries of a package's info/paths.json."""
    for part in _tars(data):
        with tarfile.open(fileobj=io.BytesIO(part)) as archive:
            if "info/paths.json" in archive.getnames():
                found = archive.extractfile("info/paths.json")
                return list(json.load(found)["paths"]) if found else []
    return []
