"""The words of the linking tests: an unpacked package in a cache, a request, a linked prefix.

Packages are unpacked here with the standard library, so that these tests don't depend on our own archive reader.
"""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import msgspec
import zstandard

from engine.events import Event, Notice, Report, silent
from engine.link.request import LinkOptions, LinkRequest, LinkSummary
from engine.link.transaction.change import change_prefix
from engine.link.transaction.create import create_prefix
from engine.model.records import CachedPackage, PrefixRecord, RepoDataRecord
from tests.kit.package import BuiltPackage

NOW = datetime(2024, 2, 29, 12, 30, 59)
CHANNEL = "https://conda.anaconda.org/conda-forge"


class Recorder:
    """A `Report` that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def notices(self, level: str = "warning") -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice) and event.level == level]


def unpack(data: bytes, directory: Path) -> None:
    """Unpack an archive of either format."""
    directory.mkdir(parents=True)
    for inner in _tars(data):
        with tarfile.open(fileobj=io.BytesIO(inner), mode="r:*") as archive:
            for member in archive:
                member.mode |= 0o200  # as extraction by an ordinary user would need it
            archive.extractall(directory, filter="fully_trusted")


def _tars(data: bytes) -> list[bytes]:
    if not data.startswith(b"PK"):
        return [data]
    with zipfile.ZipFile(io.BytesIO(data)) as outer:
        return [
            zstandard.ZstdDecompressor().decompressobj().decompress(outer.read(name))
            for name in outer.namelist()
            if name.endswith(".tar.zst")
        ]


def record_of(fields: dict[str, Any], fn: str, *, channel: str = CHANNEL) -> RepoDataRecord:
    """A record as a channel's index has it."""
    subdir = fields["subdir"]
    raw = msgspec.json.encode(fields)
    known = msgspec.json.decode(raw, type=RepoDataRecord)
    return msgspec.structs.replace(known, fn=fn, url=f"{channel}/{subdir}/{fn}", channel=channel, raw=raw)


def cached(package: BuiltPackage, cache: Path) -> CachedPackage:
    """The package as `engine.fetch` hands it over."""
    directory = cache / package.stem
    if not directory.exists():
        unpack(package.data, directory)
    return CachedPackage(record_of(package.record, package.fn), str(directory), str(cache / package.fn))


def request_for(prefix: Path, packages: Sequence[CachedPackage], **fields: Any) -> LinkRequest:
    """A request to link ``packages`` in this order; keywords of the request and of its options."""
    names = set(LinkOptions.__struct_fields__)
    options = {key: fields.pop(key) for key in list(fields) if key in names}
    options.setdefault("environ", {"PATH": os.environ["PATH"]})
    options.setdefault("link_threads", 2)
    fields.setdefault("platform", "linux-64")
    fields.setdefault("command", "whipsnake create -p prefix")
    fields.setdefault("link", tuple(package.record for package in packages))
    return LinkRequest(prefix=str(prefix), now=NOW, options=LinkOptions(**options), **fields)


async def create(
    prefix: Path,
    packages: Sequence[CachedPackage],
    *,
    arrival: Iterable[int] | None = None,
    report: Report = silent,
    replace: bool = False,
    **fields: Any,
) -> LinkSummary:
    """Make an environment; ``arrival`` is the order in which the packages come."""
    request = request_for(prefix, packages, **fields)
    order = [packages[number] for number in arrival] if arrival is not None else packages
    return await create_prefix(request, stream_of(order), report, replace=replace)


async def change(
    prefix: Path,
    packages: Sequence[CachedPackage] = (),
    *,
    remove: Sequence[PrefixRecord] = (),
    report: Report = silent,
    **fields: Any,
) -> LinkSummary:
    """Change an environment."""
    request = request_for(prefix, packages, remove=tuple(remove), **fields)
    return await change_prefix(request, stream_of(packages), report)


def stream_of(packages: Sequence[CachedPackage]) -> Any:
    """The packages as a stream that has ended."""
    send, receive = anyio.create_memory_object_stream[CachedPackage](len(packages) or 1)
    with send:
        for package in packages:
            send.send_nowait(package)
    return receive


def siblings(prefix: Path) -> list[str]:
    """What is beside a prefix: nothing of ours may stay there."""
    return sorted(name for name in os.listdir(prefix.parent) if name != prefix.name)
