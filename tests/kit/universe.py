"""Small worlds for the solver's tests, written as one line a package.

    universe("a 1 -> b >=2", "b 2", "b 3 h_1 [build_number=1] -> c; d >=1,<2 ! e <4")

A line is ``name version [build] [key=value, …] -> depends ! constrains``; all but name and version may be left out,
depends and constrains are separated by semicolons. Keys are ``build_number``, ``timestamp``, ``indexed_timestamp``,
``noarch``, ``track_features``, ``flags`` (joined by ``+``), ``python_site_packages_path``, ``format``. Groups of
optional dependencies stand behind the others: ``a 1 -> b + test: c; d >=1 + doc: e``. What comes back answers as the
engine's `RepoData` does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from engine.model.channel import Channel
from engine.model.records import PackageRecord, RepoDataRecord

_HEAD = re.compile(
    r"\s*(?P<name>[^\s[]+)\s+(?P<version>[^\s[]+)(?:\s+(?P<build>[^\s[]+))?\s*(?:\[(?P<keys>[^]]*)\]\s*)?"
)
_NUMBERS = ("build_number", "timestamp", "indexed_timestamp")


class Universe:
    """One subdir of one channel, made of lines."""

    def __init__(self, channel: Channel, subdir: str, records: Sequence[RepoDataRecord]) -> None:
        self.channel, self.subdir = channel, subdir
        self.base_url = f"{channel.base_url}/{subdir}"
        self.problems: tuple[str, ...] = ()
        self._rows: dict[str, list[RepoDataRecord]] = {}
        for record in records:
            self._rows.setdefault(record.name, []).append(record)

    def names(self) -> Collection[str]:
        """The names of all packages."""
        return self._rows.keys()

    def records(self, name: str) -> Sequence[RepoDataRecord]:
        """The rows of one name, in the order they were written."""
        return self._rows.get(name, ())

    def one(self, dist: str) -> RepoDataRecord:
        """The record of ``name-version-build``, or of ``name-version`` where only one has it."""
        found = [row for rows in self._rows.values() for row in rows if dist in (row.dist, f"{row.name}-{row.version}")]
        if len(found) != 1:
            raise LookupError(f"{dist}: {len(found)} packages")
        return found[0]

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))


def universe(*lines: str, channel: str = "kit", subdir: str = "linux-64") -> Universe:
    """The world that ``lines`` describe, as a subdir of a channel of that name."""
    place = Channel(name=channel, base_url=f"https://conda.anaconda.org/{channel}")
    return Universe(place, subdir, [record(line, channel=channel, subdir=subdir) for line in lines])


def record(line: str, *, channel: str = "kit", subdir: str = "linux-64") -> RepoDataRecord:
    """The record that a line describes. Raises ValueError if it is none."""
    fields = _fields(line)
    ending = fields.pop("format", ".conda")
    fields = {"build": "0", **fields, "subdir": subdir}
    fn = "{name}-{version}-{build}".format_map(fields) + ending
    base = f"https://conda.anaconda.org/{channel}"
    wire = {**fields, "sha256": hashlib.sha256(f"{base}/{subdir}/{fn}".encode()).hexdigest(), "size": 1000}
    place = {"fn": fn, "url": f"{base}/{subdir}/{fn}", "channel": base, "raw": b""}
    made = msgspec.convert({**wire, **place}, RepoDataRecord)
    return msgspec.structs.replace(made, raw=json.dumps(wire).encode())


def virtual(*texts: str) -> tuple[PackageRecord, ...]:
    """Virtual packages (CEP 30) such as ``"__glibc 2.31"``."""
    return tuple(
        PackageRecord(name=name, version=rest[0] if rest else "0", build=rest[1] if rest[1:] else "0")
        for name, *rest in map(str.split, texts)
    )


def _fields(line: str) -> dict[str, Any]:
    rest, _, constrains = line.partition(" ! ")
    rest, *groups = re.split(r"\s\+\s", rest)
    head, _, depends = rest.partition("->")
    match = _HEAD.fullmatch(head)
    if match is None:
        raise ValueError(f"no line of a universe: {line!r}")
    found: dict[str, Any] = {key: match[key] for key in ("name", "version", "build") if match[key]}
    for pair in filter(None, re.split(r"\s*,\s*", (match["keys"] or "").strip())):
        key, _, value = pair.partition("=")
        found[key] = int(value) if key in _NUMBERS else value
    if "flags" in found:
        found["flags"] = found["flags"].split("+")
    if groups:
        found["extra_depends"] = {name.strip(): _listed(texts) for name, _, texts in (g.partition(":") for g in groups)}
    return {**found, "depends": _listed(depends), "constrains": _listed(constrains)}


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
