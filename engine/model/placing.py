"""A record that was just decoded, and the place it was found in: checked against each other, and joined.

Whole indexes and shards hold records in different forms; what makes a `RepoDataRecord` of one is the same.
"""

from __future__ import annotations

from collections.abc import Collection
from operator import methodcaller
from typing import Final

from msgspec.structs import force_setattr

from engine.model.records import ARCHIVE_EXTENSIONS, RepoDataRecord

_ends_as_archive: Final = methodcaller("endswith", ARCHIVE_EXTENSIONS)
"""For a hundred thousand names at a time."""


def are_file_names(fns: Collection[str]) -> bool:
    """Whether all are names of packages' files that are fit to be shown and to be made part of a path."""
    joined = "".join(fns)
    if not joined.isprintable() or "/" in joined or "\\" in joined:
        return False
    return all(map(_ends_as_archive, fns))


def placed(  # noqa: PLR0917 - called for every record that is looked at, where names cost
    record: RepoDataRecord, name: str, fn: str, url: str, channel: str, subdir: str, raw: bytes
) -> RepoDataRecord:
    """``record`` with what its place says: file name, addresses, and the bytes it came from.

    Changes the record, which must be the caller's alone. Raises `ValueError` if it is not of the package ``name``,
    or ``fn`` is no file name.
    """
    if record.name != name:
        raise ValueError(f"it says that its name is {record.name!r}")
    if not are_file_names((fn,)):
        raise ValueError("this is no file name of a package")
    # The record is ours alone until it is returned, so this still belongs to making it; a copy costs twice as much.
    force_setattr(record, "fn", fn)
    force_setattr(record, "url", url)
    force_setattr(record, "channel", channel)
    force_setattr(record, "raw", raw)
    if not record.subdir:
        force_setattr(record, "subdir", subdir)
    return record
