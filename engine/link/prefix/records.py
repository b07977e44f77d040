"""The record of an installed package: ``conda-meta/<name-version-build>.json`` (CEP 32), as conda, mamba and rattler
read it.

All that the index said of the package is kept, known to us or not; what we know better is written over it. Digests
of files come from the package's own list; only files that were rewritten got new ones.

The lists of files are nearly all of the text. They stand at its end, so that who does not need them need not read them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING

import msgspec

from engine.errors import LinkError
from engine.link.prefix.meta import decode_file, record_paths
from engine.model.records import ARCHIVE_EXTENSIONS, InstalledPaths, PrefixRecord, RepoDataRecord
from engine.model.url import mask_secrets, noted_channel, strip_secrets

if TYPE_CHECKING:  # who only reads records need not wait for what links packages
    from engine.link.linked import Linked


class _Head(PrefixRecord, frozen=True, kw_only=True, gc=False, rename={"files": "(files)", "paths_data": "(paths)"}):
    """A record read without its files: the two lists are looked for under other names, so that theirs are skipped."""

    files: tuple[str, ...] = ()
    paths_data: InstalledPaths = InstalledPaths()


_decode_head = msgspec.json.Decoder(_Head).decode
_LAST = ("requested_spec", "requested_specs", "link", "files", "paths_data")
FILES, END = b'"files":', b'],"paths_version":1}}\n'
"""How the lists begin in what we write (`engine.link.prefix.file_lists`), and how they end it."""
_LISTS, _ENOUGH = b"}," + FILES + b"[", 1 << 13
"""What stands before them; so many bytes hold the rest of nearly all."""
_DROPPED = frozenset({"auth", "channel", "url", "fn", *_LAST})


def record_name(record: RepoDataRecord) -> str:
    """The file name of a record: ``name-version-build.json``. conda passes over records that are named otherwise.

    Raises `LinkError` if those words, which come from an index, would lead to another directory.
    """
    if re.search(r"[/\\\0]|^\.", record.dist):
        raise LinkError(
            f"Could not link {record.dist!r}: the name, version or build of a package can't have such characters",
            hint="The channel's index is broken or hostile.",
        )
    return f"{record.dist}.json"


def record_head(
    record: RepoDataRecord, linked: Linked, archive: str, requested: Sequence[str], directory: str | None = None
) -> bytes:
    """The JSON of a package that was just linked, as far as its lists (`engine.link.prefix.file_lists`), which end it;
    ``directory`` is named instead of where it was linked from."""
    directory = linked.directory if directory is None else directory
    document = {
        **_known_fields(record),
        "channel": strip_secrets(record.channel),
        "url": strip_secrets(record.url),
        "fn": record.fn or f"{record.stem}{ARCHIVE_EXTENSIONS[0]}",
        "extracted_package_dir": directory,
        "package_tarball_full_path": archive,
    }
    return head_text(document, {"source": directory, "type": linked.mode.link_type}, requested)


def head_text(said: Mapping[str, object], link: object, requested: Sequence[str]) -> bytes:
    """The JSON of a record as far as its lists, in the order that lets it be read alone (`_beginning`)."""
    specs = list(map(mask_secrets, requested))  # they may name a channel by its address
    asked = {"requested_spec": specs[0], "requested_specs": specs} if specs else {}
    kept = {key: value for key, value in said.items() if key not in _LAST}
    how = {"link": link} if link is not None else {}
    return msgspec.json.encode({**kept, **asked, **how})[:-1] + b","


def _known_fields(record: RepoDataRecord) -> dict[str, object]:
    """What the index says: its own words where we have them, else the fields of the record."""
    if record.raw:
        said: dict[str, object] = msgspec.json.decode(record.raw, type=dict[str, object])
        kept = {key: value for key, value in said.items() if key not in _DROPPED}
    else:
        fields = msgspec.structs.asdict(record)
        kept = {key: value for key, value in fields.items() if key not in (*_DROPPED, "raw") and value}
    # The record is what was solved with; it may complete what the index left out.
    sure: dict[str, object] = {
        "name": record.name,
        "version": record.version,
        "build": record.build,
        "build_string": record.build,  # micromamba's name for it, which its users' scripts read
        "build_number": record.build_number,
        "depends": record.depends,
        "constrains": record.constrains,
        "subdir": record.subdir,
    }
    digests = {key: value for key in ("md5", "sha256", "size") if (value := getattr(record, key)) is not None}
    return {**kept, **sure, **digests}


@cache
def _whole() -> Callable[[bytes], PrefixRecord]:
    """Decodes a record with its lists; made where somebody wants those."""
    return msgspec.json.Decoder(PrefixRecord).decode


def _decode_with(decode: Callable[[bytes], PrefixRecord], data: bytes) -> PrefixRecord:
    record = decode(data)
    return msgspec.structs.replace(record, raw=data, channel=noted_channel(record.channel, record.url))


def _beginning(path: str) -> PrefixRecord | None:
    """A record without its lists, by the beginning of the file and its last bytes; None where that does not do.

    Other tools write in another order, or with blanks.
    """
    with suppress(OSError, msgspec.DecodeError), open(path, "rb", buffering=0) as file:
        start = file.read(_ENOUGH)
        at = start.find(_LISTS)
        if at > 0 and len(start) == _ENOUGH and file.seek(-len(END), os.SEEK_END) and file.read() == END:
            return _decode_with(_decode_head, start[: at + 1] + b"}")
    return None


def read_records(prefix: str, *, files: bool = True) -> tuple[PrefixRecord, ...]:
    """All installed packages of a prefix, by name; none if it has no ``conda-meta``.

    Without ``files``, the lists of their files are passed over: these are nearly all of the text, and most of the time.
    """
    read = partial(_decode_with, _whole() if files else _decode_head)
    records = ((None if files else _beginning(path)) or decode_file(path, read) for path in record_paths(prefix))
    return tuple(sorted(records, key=lambda record: record.name))
