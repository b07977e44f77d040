"""What pip and its like put into a prefix: the ``*.dist-info`` that no conda package owns.

Rule of this file: it reads names and versions, nothing else; a broken distribution is passed over, as pip does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgspec

_HEAD_BYTES = 8192
"""Name and Version stand at the top of METADATA: no more of it is read."""


class PypiRecord(msgspec.Struct, frozen=True):
    """A distribution that pip installed."""

    name: str
    version: str


def read_pypi_records(prefix: str, site_packages: str, owned_files: Iterable[str]) -> list[PypiRecord]:
    """The distributions below ``prefix``/``site_packages`` that are not in ``owned_files`` (paths in the prefix)."""
    found = (record for _, record in find_distributions(prefix, site_packages, owned_files))
    return sorted(found, key=lambda record: record.name.lower())


def find_distributions(prefix: str, site_packages: str, owned_files: Iterable[str]) -> Iterator[tuple[str, PypiRecord]]:
    """The same with the path of each one's metadata, in no order."""
    owned = _owned_distributions(site_packages, owned_files)
    return _read_all(os.path.join(prefix, *site_packages.split("/")), owned)


def _owned_distributions(site_packages: str, owned_files: Iterable[str]) -> frozenset[str]:
    lead = site_packages.rstrip("/") + "/"
    return frozenset(
        path[len(lead) :].split("/", 1)[0]
        for path in owned_files
        if path.startswith(lead) and (".dist-info" in path or ".egg-info" in path)
    )


def _read_all(directory: str, owned: frozenset[str]) -> Iterator[tuple[str, PypiRecord]]:
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        if name not in owned and name.endswith((".dist-info", ".egg-info")):
            record = _read_one(os.path.join(directory, name))
            if record:
                yield os.path.join(directory, name), record


def _read_one(path: str) -> PypiRecord | None:
    fields = {}
    for file in ("METADATA", "PKG-INFO"):
        head = _read_head(os.path.join(path, file))
        if head:
            fields = dict(line.split(": ", 1) for line in head.split("\n\n")[0].splitlines() if ": " in line)
            break
    if "Name" not in fields or "Version" not in fields:
        return None
    return PypiRecord(fields["Name"].strip(), fields["Version"].strip())


def _read_head(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError:
        return ""
