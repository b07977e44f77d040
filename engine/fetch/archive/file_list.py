"""What a package says of its own files: info/paths.json (CEP 34). Pure.

Rule of this file: the list is read here and nowhere else in `engine.fetch`, with a limit, because it comes out of an
archive.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

from collections.abc import Iterable

import msgspec

from engine.errors import ArchiveError
from engine.model.records import PathEntry

MAX_LIST = 64 << 20
"""Longest list that is read, in bytes; that of a package with 200,000 files has 60 million."""


class _PathsJson(msgspec.Struct):
    paths: list[PathEntry]
    paths_version: int = 1


_DECODER = msgspec.json.Decoder(_PathsJson)
"""Made while importing: msgspec looks into a type when it is first used, and crashes if two threads do so at once."""


def read_paths(data: bytes) -> list[PathEntry]:
    """The entries of an info/paths.json (CEP 34). Raises `ArchiveError` where it is none."""
    try:
        document = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArchiveError(f"its info/paths.json is broken: {error}") from error
    if document.paths_version != 1:
        raise ArchiveError(f"its info/paths.json has the unknown version {document.paths_version}")
    return document.paths


def declared_size(entries: Iterable[PathEntry]) -> int | None:
    """What the files that a package lists amount to, in bytes; None if it doesn't say so of every file."""
    total = 0
    for entry in entries:
        if entry.path_type != "directory":
            if entry.size_in_bytes is None:
                return None
            total += entry.size_in_bytes
    return total
