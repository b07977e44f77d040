"""``info/repodata_record.json``: what an unpacked package in a cache is, and that it is complete (CEP 32, step 4).

Rule of this file: which package a cached one is, told by what it was made from. It is written last, and never holds
a token or a password.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

import os
from typing import Any

import msgspec

from engine.errors import ArchiveError
from engine.model.records import RepoDataRecord
from engine.model.url import package_url_parts, strip_secrets
from engine.system.file_io import read_file

MARKER = "info/repodata_record.json"


class Marker(msgspec.Struct):
    """The part of the file that says which package it is."""

    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    url: str | None = None


# Made while importing: msgspec looks into a type when it is first used, and crashes if two threads do so at once.
_MARKER = msgspec.json.Decoder(Marker)
_RECORD = msgspec.json.Decoder(RepoDataRecord)
_OBJECT = msgspec.json.Decoder(dict[str, Any])


def read_marker(directory: str) -> tuple[Marker, bytes] | None:
    """The marker of an unpacked package with its text; None if there is none, or none that can be read."""
    try:
        data, _ = read_file(os.path.join(directory, MARKER))
        return _MARKER.decode(data), data
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def is_same(record: RepoDataRecord, marker: Marker) -> bool:
    """Whether a cached package is the one of ``record``: the same sha256, else md5, else address and size.

    The same bytes from another channel are the same package; the same name with other bytes is not.
    """
    if record.sha256 and marker.sha256:
        return record.sha256.lower() == marker.sha256.lower()
    if record.md5 and marker.md5:
        return record.md5.lower() == marker.md5.lower()
    if record.size is not None and marker.size is not None and record.size != marker.size:
        return False
    return _address(record.url) == _address(marker.url or "")


def _address(url: str) -> str:
    """What two addresses of one place have in common."""
    url = strip_secrets(url)
    return "https://" + url[7:] if url.startswith("http://") else url


def marker_text(record: RepoDataRecord, index_json: bytes) -> bytes:
    """The JSON to write: the index's own words on the package, else those of the package itself (info/index.json).

    The two are not mixed: what a channel removed by a repodata patch must not come back from the package.
    ``record`` has the digests and the size of the archive. Raises `ArchiveError` where the package's are broken.
    """
    document = _document(record.raw) if record.raw else _document(index_json)
    document.pop("raw", None)
    url = strip_secrets(record.url)
    known: dict[str, object] = {
        "fn": record.fn,
        "url": url,
        "channel": record.channel or (package_url_parts(url).channel if url else ""),
        "size": record.size,
        "sha256": record.sha256,
        "md5": record.md5,
    }
    document.update({key: value for key, value in known.items() if value is not None})
    if not record.raw and record.depends:  # a lock file's words, which hold what the channel mended later
        document.update(depends=list(record.depends), constrains=list(record.constrains))
    if record.subdir:
        document.setdefault("subdir", record.subdir)
    document.setdefault("depends", [])
    document.setdefault("constrains", [])
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def marked_record(text: bytes) -> RepoDataRecord | None:
    """The package that a marker is of; None where it makes no sense."""
    try:
        return msgspec.structs.replace(_RECORD.decode(text), raw=text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def completed(record: RepoDataRecord, text: bytes) -> RepoDataRecord:
    """``record`` itself if an index told us of it; else (an address on the command line) what its marker says.

    Raises `ArchiveError` where that is no record.
    """
    if record.raw:
        return record
    try:
        found = _RECORD.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArchiveError(f"its info/index.json is broken: {error}") from error
    return msgspec.structs.replace(
        found, raw=text, url=record.url, fn=record.fn, channel=record.channel or found.channel
    )


def _document(text: bytes) -> dict[str, Any]:
    try:
        return _OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArchiveError(f"its info/index.json is broken: {error}") from error
