"""Ways to feed a decoder, and records for packages of the kit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import msgspec

from engine.model.records import RepoDataRecord
from tests.kit.package import BuiltPackage

BODY = bytes(range(256)) * 4000
"""Of a file that is served: a megabyte whose every place can be told from its neighbours."""


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def with_empty_pieces(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 700):
        yield b""
        yield data[at : at + 700]


WAYS: tuple[Callable[[bytes], Iterator[bytes]], ...] = (whole, byte_by_byte, with_empty_pieces)


def record_of(package: BuiltPackage, url: str = "https://host/channel", **changes: object) -> RepoDataRecord:
    """The record that a channel at ``url`` has of the package; ``changes`` make it a wrong one."""
    document = {**package.record, **changes}
    raw = json.dumps(document).encode()
    record = msgspec.convert(document, RepoDataRecord)
    return msgspec.structs.replace(
        record, fn=package.fn, url=f"{url}/{package.subdir}/{package.fn}", channel=url.partition("?")[0], raw=raw
    )
