"""The saved data that may stand beside the checkout: real packages and real repodata. Never needed, only used.

pytestmark = needs_shared
@pytest.mark.parametrize("path", real_packages("noarch"), ids=lambda path: path.name)
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import zstandard

_ROOT = Path(__file__).resolve().parents[3] / "shared" / "data"

needs_shared = pytest.mark.skipif(not _ROOT.is_dir(), reason="the saved data is not beside this checkout")
"""Skips a test where there is no saved data."""


def has_shared() -> bool:
    """Whether the saved data is there."""
    return _ROOT.is_dir()


def shared_data(*parts: str) -> Path:
    """A path in the saved data, such as ``shared_data("repodata", "noarch")``; skips the running test if absent."""
    path = _ROOT.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the saved data is not beside this checkout: {'/'.join(parts) or 'data'}")
    return path


def real_packages(*subdirs: str) -> list[Path]:
    """The saved packages of these subdirs (all if none is named), in order; empty where there are none."""
    folder = _ROOT / "packages"
    found = [path for path in folder.glob("*/*") if path.name.endswith((".conda", ".tar.bz2"))]
    return sorted(path for path in found if not subdirs or path.parent.name in subdirs)


@cache
def real_record(path: Path) -> dict[str, Any]:
    """The repodata record of a package file, as a channel indexer makes it."""
    data = path.read_bytes()
    index: dict[str, Any] = json.loads(info_file(data, "info/index.json"))
    return {
        **index,
        "subdir": index.get("subdir") or path.parent.name,
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }


def info_file(data: bytes, name: str) -> bytes:
    """One file of the info part of a package of either format. Raises KeyError if it isn't there."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as outer:
            member = next(entry for entry in outer.namelist() if entry.startswith("info-"))
            inner = zstandard.ZstdDecompressor().decompressobj().decompress(outer.read(member))
        mode, data = "r:", inner
    else:
        mode = "r:bz2"
    with tarfile.open(fileobj=io.BytesIO(data), mode=mode) as archive:  # type: ignore[call-overload]
        found = archive.extractfile(name)
        if found is None:
            raise KeyError(name)
        return bytes(found.read())
