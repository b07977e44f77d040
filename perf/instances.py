"""Real requests on real records: the problem instances and the repodata of their platforms.

They stand beside the checkout, in ``../shared`` (see `tests.kit.shared`); a fresh clone has none.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zstandard

from engine.model.channel import Channel
from engine.model.records import PackageRecord
from engine.model.repodata import RepoData, RepoDataSplitter
from tests.kit.shared import has_shared, shared_data
from tests.kit.universe import virtual

CHANNEL: Final = "https://conda.anaconda.org/conda-forge"
_MACHINES: Final = {
    "linux-64": ("__archspec 1 x86_64", "__cuda 13.3", "__glibc 2.39", "__linux 6.1", "__unix"),
    "linux-aarch64": ("__archspec 1 aarch64", "__glibc 2.39", "__linux 6.1", "__unix"),
    "linux-ppc64le": ("__archspec 1 ppc64le", "__glibc 2.39", "__linux 6.1", "__unix"),
    "osx-64": ("__archspec 1 x86_64", "__osx 14.5", "__unix"),
    "osx-arm64": ("__archspec 1 m1", "__osx 14.5", "__unix"),
    "win-64": ("__archspec 1 x86_64", "__cuda 13.3", "__win 10.0.19045"),
}


@dataclass(frozen=True)
class Instance:
    """One request from a real project, with what a real tool locked for it then."""

    id: str
    platform: str
    specs: tuple[str, ...]
    locked: tuple[str, ...]
    """``name version build`` of each package of the locked set."""
    has_everything: bool
    """Whether all packages of the locked set are among the records."""


def machine(platform: str) -> tuple[PackageRecord, ...]:
    """The virtual packages that both sides are given."""
    return virtual(*_MACHINES[platform])


def read_instances() -> Iterator[Instance]:
    """All instances whose platform's records are there, in the file's order."""
    known = {platform: _file_names(platform) for platform in _MACHINES if _path(platform).exists()}
    noarch = _file_names("noarch")
    with shared_data("repodata", "instances.jsonl.zst").open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            wire = json.loads(line)
            if wire["platform"] not in known:
                continue
            names = [path.split("/", 1) for path in wire["locked"]]
            there = all(name in (noarch if subdir == "noarch" else known[wire["platform"]]) for subdir, name in names)
            yield Instance(
                id=wire["id"],
                platform=wire["platform"],
                specs=tuple(wire["specs"]),
                locked=tuple(" ".join(_stem(name).rsplit("-", 2)) for _, name in names),
                has_everything=there,
            )


def load_rows(platform: str) -> tuple[RepoData, RepoData]:
    """The records of a platform and of noarch, not decoded yet."""
    return _load(platform), _load("noarch")


def unpack(platform: str, folder: Path) -> list[tuple[str, Path]]:
    """The same as files of JSON: (subdir, path)."""
    found = []
    for subdir in (platform, "noarch"):
        path = folder / f"{subdir}.json"
        if not path.exists():
            path.write_bytes(zstandard.ZstdDecompressor().stream_reader(_path(subdir).read_bytes()).read())
        found.append((subdir, path))
    return found


def available() -> bool:
    """Whether there are instances at all."""
    return has_shared() and _path("noarch").exists()


def _load(subdir: str) -> RepoData:
    splitter = RepoDataSplitter(Channel(name="conda-forge", base_url=CHANNEL), subdir)
    splitter.feed(zstandard.ZstdDecompressor().stream_reader(_path(subdir).read_bytes()).read())
    return splitter.finish()


def _path(subdir: str) -> Path:
    return shared_data("repodata").joinpath(subdir, "repodata.json.zst")


def _file_names(subdir: str) -> frozenset[str]:
    document = json.loads(zstandard.ZstdDecompressor().stream_reader(_path(subdir).read_bytes()).read())
    return frozenset([*document["packages"], *document["packages.conda"]])


def _stem(name: str) -> str:
    return name.removesuffix(".conda").removesuffix(".tar.bz2")
