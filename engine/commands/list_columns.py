"""``list --fields`` and ``--size``: the columns that conda has, from the records themselves.

Rule of this file: conda's names of columns and its titles (``CONDA_LIST_FIELDS``); what pip installed has few of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from engine.errors import UsageError
from engine.link.prefix.meta import decode_file, record_paths
from engine.model.url import strip_secrets
from engine.ui.text import human_bytes

USUAL = ("name", "version", "build", "channel_name")
TITLES: Mapping[str, str] = {
    "arch": "Arch",
    "build": "Build",
    "build_number": "Build number",
    "channel": "Channel URL",
    "channel_name": "Channel",
    "constrains": "Constraints",
    "depends": "Dependencies",
    "dist_str": "Dist",
    "features": "Features",
    "fn": "Filename",
    "license": "License",
    "license_family": "License family",
    "md5": "MD5",
    "name": "Name",
    "noarch": "Noarch",
    "package_type": "Package type",
    "requested_spec": "Requested",
    "requested_specs": "Requested",
    "sha256": "SHA256",
    "size": "Size",
    "subdir": "Subdir",
    "timestamp": "Timestamp",
    "track_features": "Track features",
    "url": "URL",
    "version": "Version",
}
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def columns(text: str | None, *, size: bool) -> tuple[str, ...]:
    """The columns of ``--fields`` (or the usual ones), and that of ``--size``. Raises `UsageError`."""
    found = tuple(filter(None, (word.strip() for word in text.split(",")))) if text is not None else USUAL
    unknown = sorted(set(found) - TITLES.keys())
    if unknown or not found:
        what = f"there is no column {', '.join(unknown)}" if unknown else "no column is named"
        raise UsageError(f"Could not read --fields {text!r}: {what}.", hint=f"Valid ones: {', '.join(TITLES)}.")
    return (*found, "size") if size and "size" not in found else found


def full_records(prefix: str) -> dict[str, dict[str, Any]]:
    """Package → all that its record says. Raises `LinkError`."""
    records = (decode_file(path, _decode) for path in record_paths(prefix))
    return {str(record.get("name")): record for record in records}


def cells(fields: Sequence[str], known: Mapping[str, object], record: Mapping[str, Any]) -> tuple[str, ...]:
    """One line; what is ``known`` comes before what the record says."""
    return tuple(_text(field, known[field] if field in known else record.get(field)) for field in fields)


def _text(field: str, value: object) -> str:
    if field == "size":
        return human_bytes(value) if isinstance(value, int) and value else ""
    if isinstance(value, str):
        return "" if value == "None" else strip_secrets(value) if field in ("url", "channel") else value
    if isinstance(value, Iterable):
        return ", ".join(map(str, value))
    return "" if value in (None, False) else str(value)
