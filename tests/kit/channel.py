"""A real channel directory (CEP 26, CEP 36) that any conda tool can use, by ``file://`` or behind a server.

    channel = ChannelBuilder(tmp_path / "channel")
    channel.add(make_package("hello"))
    channel.write()

Same packages, same bytes, in whatever order they were added.
"""

from __future__ import annotations

import bz2
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import zstandard

from tests.kit.package import BuiltPackage

INDEX_FORMS = ("repodata.json", "repodata.json.zst")


class ChannelBuilder:
    """Collects packages, then writes archives and indexes.

    ``forms`` says in which forms the index is written (``repodata.json.bz2`` and ``current_repodata.json`` may be
    asked for as well). ``base_url`` goes into every index (CEP 15). ``noarch`` false leaves out the noarch subdir
    where no package needs it.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        forms: Collection[str] = INDEX_FORMS,
        base_url: str | None = None,
        noarch: bool = True,
        subdirs: Iterable[str] = ("linux-64",),
    ) -> None:
        self.path = Path(path)
        self.forms, self.base_url = tuple(forms), base_url
        self._records: dict[str, dict[str, dict[str, Any]]] = {subdir: {} for subdir in subdirs}
        self._removed: dict[str, list[str]] = {}
        self._archives: dict[tuple[str, str], bytes | Path] = {}
        if noarch:
            self._records.setdefault("noarch", {})

    @property
    def url(self) -> str:
        """The channel as a ``file://`` address."""
        return self.path.resolve().as_uri()

    def add(self, package: BuiltPackage, **changes: Any) -> ChannelBuilder:
        """Add a package; ``changes`` alter its record in the index (a wrong ``sha256``; None drops a key)."""
        record = {key: value for key, value in {**package.record, **changes}.items() if value is not None}
        self._records.setdefault(package.subdir, {})[package.fn] = record
        self._archives[package.subdir, package.fn] = package.data
        return self

    def add_file(self, path: str | Path, record: Mapping[str, Any]) -> ChannelBuilder:
        """Add an archive that exists as a file, with its record (index.json plus digests)."""
        return self.add_record(Path(path).name, record, archive=Path(path))

    def add_record(self, fn: str, record: Mapping[str, Any], *, archive: bytes | Path | None = None) -> ChannelBuilder:
        """Add a record, as a rule one without any archive behind it."""
        subdir = str(record["subdir"])
        self._records.setdefault(subdir, {})[fn] = dict(record)
        if archive is not None:
            self._archives[subdir, fn] = archive
        return self

    def remove(self, subdir: str, fn: str) -> ChannelBuilder:
        """List a package as removed: its record goes, its archive stays (CEP 36 ``removed``)."""
        self._records.setdefault(subdir, {}).pop(fn, None)
        self._removed.setdefault(subdir, []).append(fn)
        return self

    def repodata(self, subdir: str) -> dict[str, Any]:
        """The index of a subdir, as a document."""
        records = self._records.get(subdir, {})
        info: dict[str, Any] = {"subdir": subdir}
        if self.base_url is not None:
            info["base_url"] = self.base_url
        return {
            "info": info,
            "packages": {fn: records[fn] for fn in sorted(records) if fn.endswith(".tar.bz2")},
            "packages.conda": {fn: records[fn] for fn in sorted(records) if fn.endswith(".conda")},
            "removed": sorted(self._removed.get(subdir, ())),
            "repodata_version": 1 if self.base_url is None else 2,
        }

    def write(self) -> Path:
        """Write everything and return the channel's directory. May be called again after further packages."""
        for (subdir, fn), data in self._archives.items():
            _put(self.path / subdir / fn, data)
        for subdir in self._records:
            write_index(self.path / subdir, self.repodata(subdir), forms=self.forms)
        return self.path


def write_index(directory: Path, document: Mapping[str, Any], *, forms: Collection[str] = INDEX_FORMS) -> None:
    """Write an index in the forms asked for."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    for form in forms:
        (directory / form).write_bytes(_compressed(text, form))


def _compressed(text: bytes, form: str) -> bytes:
    if form.endswith(".zst"):
        return zstandard.ZstdCompressor(level=3).compress(text)
    return bz2.compress(text) if form.endswith(".bz2") else text


def _put(path: Path, data: bytes | Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, bytes):
        path.write_bytes(data)
    elif not path.exists():
        path.symlink_to(data.resolve())
