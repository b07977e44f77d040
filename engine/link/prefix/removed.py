"""``conda-meta/whipsnake-removed.jsonl``: the records of packages that an environment once had, one a line.

Rule of this file: what is in an environment is in its own record; what goes is noted here in the same transaction. So
an earlier revision can be made again although a package has left its channel (ISS-48). Other tools pass over the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import msgspec

from engine.link.prefix.meta import META
from engine.model.records import PrefixRecord, RepoDataRecord

REMOVED = f"{META}/whipsnake-removed.jsonl"

_OF_PREFIX = frozenset(set(PrefixRecord.__struct_fields__) - set(RepoDataRecord.__struct_fields__)) | {"auth"}
"""What a record says of one environment and not of the package."""

_decode = msgspec.json.Decoder(RepoDataRecord).decode


def plain_record(record: PrefixRecord) -> RepoDataRecord:
    """What the record of an installed package says of the package itself."""
    fields = {name: getattr(record, name) for name in RepoDataRecord.__struct_fields__}
    said = msgspec.json.decode(record.raw, type=dict[str, object]) if record.raw else {}
    kept = {key: value for key, value in said.items() if key not in _OF_PREFIX}
    return RepoDataRecord(**{**fields, "raw": msgspec.json.encode(kept) if kept else b""})


def with_removed(prefix: str, records: Iterable[PrefixRecord]) -> bytes | None:
    """The content of the file with some more records; None if it has them all."""
    before = _read(prefix)
    known = set(map(_key, _records(before)))
    lines = [_line(record) for record in map(plain_record, records) if record.url and _key(record) not in known]
    if not lines:
        return None
    glue = b"" if before.endswith(b"\n") or not before else b"\n"
    return before + glue + b"".join(lines)


def read_removed(prefix: str) -> Mapping[str, tuple[RepoDataRecord, ...]]:
    """Dist → the records of that name, version and build, newest first."""
    found: dict[str, tuple[RepoDataRecord, ...]] = {}
    for record in _records(_read(prefix)):
        found[record.dist] = (record, *found.get(record.dist, ()))
    return found


def _line(record: RepoDataRecord) -> bytes:
    names = [name for name in RepoDataRecord.__struct_fields__ if name != "raw"]
    known = {name: value for name in names if (value := getattr(record, name)) not in ("", (), None) and value != {}}
    said = msgspec.json.decode(record.raw, type=dict[str, object]) if record.raw else {}
    return msgspec.json.encode({**known, **said, "url": record.url, "channel": record.channel}, enc_hook=dict) + b"\n"


def _key(record: RepoDataRecord) -> tuple[str, str]:
    return record.url, record.sha256 or record.md5 or ""


def _read(prefix: str) -> bytes:
    try:
        with open(os.path.join(prefix, REMOVED), "rb") as file:
            return file.read()
    except OSError:  # nothing was removed yet; or it can't be read, and then it is of no use
        return b""


def _records(data: bytes) -> Iterable[RepoDataRecord]:
    """Lines that are no records (a disk may have lost some) count for nothing."""
    for line in data.splitlines():
        try:
            record = _decode(line)
        except msgspec.DecodeError:
            continue
        yield msgspec.structs.replace(record, raw=line)
