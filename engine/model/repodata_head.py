"""The head of an index: what it says besides its records (CEP 15, CEP 36, CEP 48), checked."""

# Annotations are not postponed here: see CONTRIBUTING.md.

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from engine.errors import RepodataError

Value = TypeVar("Value")

MEMBERS: Final = ("info", "removed", "repodata_version")
"""The members of an index that make its head."""
NEWEST_VERSION: Final = 2
"""The newest ``repodata_version`` understood (CEP 15)."""
REVISIONS: Final = ("v3",)
"""The revisions whose tables are read (CEP 48)."""
BROKEN: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError)
"""What reading JSON that others wrote may raise."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What an index says about itself; it can be written as JSON and read again."""

    base_url: str | None = None
    """Where the archives are (CEP 15), as written: absolute or relative to the subdir."""
    removed: tuple[str, ...] = ()
    """File names that count for nothing."""
    notes: tuple[str, ...] = ()
    """What is passed over, in sentences fit to be shown."""
    info: msgspec.Raw = msgspec.Raw(b"{}")
    """The member ``info`` as it came, for the parts of it that others read."""


class Revision(msgspec.Struct, frozen=True):
    """What a channel says about one newer revision of its index (CEP 48)."""

    message: str | None = None
    n_packages: int | None = None


class _Info(msgspec.Struct, frozen=True):
    """The document's ``info``, as far as it is used here."""

    base_url: str | None = None
    repodata_version: int = 1
    repodata_revisions: dict[str, Revision] = {}


def revision_notes(revisions: Mapping[str, Revision]) -> Iterator[str]:
    """A sentence, fit to be shown, for each revision that has packages which we can't read."""
    for name, revision in revisions.items():
        if revision.n_packages != 0 and name not in REVISIONS:
            text = printable((revision.message or "")[:8192])
            yield f"revision {printable(name)} of the index is not understood and was passed over. {text}".rstrip()


# Indexes are read in several threads, and threads that make the decoder of one type at once crash msgspec.
_decode_info: Final = msgspec.json.Decoder(_Info).decode
_decode_number: Final = msgspec.json.Decoder(int).decode
_decode_names: Final = msgspec.json.Decoder(tuple[str, ...]).decode
decode_head: Final = msgspec.json.Decoder(Head).decode
"""Reads what msgspec wrote of a `Head`."""


def read_head(members: Mapping[str, bytes], passed_over: Mapping[str, int], url: str) -> Head:
    """The head from the text of its members (those of `MEMBERS` that are there).

    ``passed_over``: table → how many of its records can't be read. ``url``: of the index, for messages. Raises
    `RepodataError` where a member is malformed or the index is newer than we are.
    """
    info = _value(members, "info", _decode_info, _Info(), url)
    version = max(_value(members, "repodata_version", _decode_number, 1, url), info.repodata_version)
    if version > NEWEST_VERSION:
        raise RepodataError(
            f"Could not read {url}: it has repodata_version {version}, "
            f"but this whipsnake understands none above {NEWEST_VERSION}",
            hint="Update whipsnake.",
        )
    # without their number, so that subdirs of one channel say the same and it is told once
    unread = [
        f"packages of kind {printable(table)} are passed over, for only .conda and .tar.bz2 can be installed."
        for table, count in passed_over.items()
        if count
    ]
    return Head(
        base_url=info.base_url,
        removed=_value(members, "removed", _decode_names, (), url),
        notes=(*revision_notes(info.repodata_revisions), *unread),
        info=msgspec.Raw(members.get("info", b"{}")),
    )


def no_index(url: str, reason: str) -> RepodataError:
    """The error for what is no index. ``url`` has no secrets."""
    return RepodataError(
        f"Could not read {url}: it is no index of packages: {reason}",
        hint="Check the channel's address, and whether a proxy or a login page stands between.",
    )


def printable(text: str) -> str:
    """``text`` without what could move a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def _value(members: Mapping[str, bytes], key: str, decode: Callable[[bytes], Value], default: Value, url: str) -> Value:
    text = members.get(key)
    try:
        return default if text is None else decode(text)
    except BROKEN as error:
        raise no_index(url, f"its {key!r} is malformed: {error}") from error
