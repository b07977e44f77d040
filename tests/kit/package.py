"""Builds true conda packages (CEP 34, CEP 35) in both formats, in memory.

    make_package("hello", "1.0", files={"bin/hello": File("#!/bin/sh\\necho hi\\n", mode=0o755)})
    make_package("tool", noarch="python", depends=["python"], entry_points=["tool = tool:main"],
                 files={"site-packages/tool.py": "def main(): ..."})

Same arguments, same bytes. To make a package wrong on purpose, see `tests.kit.evil`.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tests.kit import archive
from tests.kit.archive import BUILT_AT, Member

PLACEHOLDER = ("/opt/whipsnake_kit" + "_placehold" * 24)[:255]
"""The prefix our packages were "built" in: as long as conda-build makes it."""
LEGACY_PLACEHOLDER = "/opt/anaconda1anaconda2anaconda3"
"""What info/has_prefix means where it names a path only (CEP 34)."""


@dataclass(frozen=True)
class File:
    """A regular file. ``file_mode`` and ``placeholder`` are found out from the data where they are None."""

    data: bytes | str = b""
    mode: int = 0o644
    placeholder: str | None = None
    file_mode: str | None = None
    no_link: bool = False

    @property
    def content(self) -> bytes:
        return self.data.encode() if isinstance(self.data, str) else self.data


@dataclass(frozen=True)
class Symlink:
    """A soft link; ``target`` is written as it is."""

    target: str


@dataclass(frozen=True)
class Directory:
    """A directory that the package lists on its own account (an empty one, as a rule)."""

    mode: int = 0o755


Content: TypeAlias = bytes | str | File | Symlink | Directory


@dataclass(frozen=True)
class BuiltPackage:
    """An archive with what an index says of it."""

    fn: str
    data: bytes
    index: dict[str, Any]
    """info/index.json"""
    paths: list[dict[str, Any]]
    """The entries of info/paths.json."""

    @property
    def stem(self) -> str:
        return next(self.fn[: -len(end)] for end in archive.FORMATS if self.fn.endswith(end))

    @property
    def subdir(self) -> str:
        return str(self.index["subdir"])

    @property
    def md5(self) -> str:
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def record(self) -> dict[str, Any]:
        """Its entry of repodata.json (CEP 36)."""
        return {**self.index, "md5": self.md5, "sha256": self.sha256, "size": len(self.data)}

    def write(self, directory: str | Path) -> Path:
        """Write the archive into ``directory`` and return its path."""
        path = Path(directory, self.fn)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return path


def make_package(
    name: str,
    version: str = "1.0",
    build: str | None = None,
    *,
    build_number: int = 0,
    files: Mapping[str, Content] | None = None,
    depends: Sequence[str] = (),
    constrains: Sequence[str] = (),
    noarch: str | None = None,
    entry_points: Sequence[str] = (),
    link_scripts: Mapping[str, str] | None = None,
    subdir: str | None = None,
    format: str = ".conda",
    index: Mapping[str, Any] | None = None,
    info: Mapping[str, bytes | str | None] | None = None,
    placeholder: str = PLACEHOLDER,
    level: int = 3,
    tar_format: int = tarfile.PAX_FORMAT,
) -> BuiltPackage:
    """Build a package.

    ``files`` maps relative paths to their content; a text or bytes mean `File`. Files that contain ``placeholder``
    are listed as needing prefix replacement. ``link_scripts`` maps ``post-link`` and its kin to shell text.
    ``index`` adds to or overrides info/index.json; ``info`` does so for files below info/ (None leaves one out, so
    that ``{"paths.json": None}`` makes a package of the old kind). ``level`` is that of zstd (bz2: always 9, or 1
    where ``level`` is 1).
    """
    subdir = subdir or ("noarch" if noarch else "linux-64")
    build = f"{'py' if noarch == 'python' else 'h'}_{build_number}" if build is None else build
    contents = {path: content if isinstance(content, (Symlink, Directory)) else _file(content)
                for path, content in _with_scripts(name, subdir, files or {}, link_scripts or {}).items()}  # fmt: skip
    entries = [_entry(path, contents, placeholder) for path in contents]
    index_json = _index(name, version, build, build_number, depends, constrains, subdir, noarch, index or {})
    infos = {**_info_files(index_json, entries, noarch, entry_points), **(info or {})}
    members = [Member(f"info/{path}", _bytes(data)) for path, data in sorted(infos.items()) if data is not None]
    members += [_member(path, content) for path, content in contents.items()]
    stem = f"{name}-{version}-{build}"
    if format == ".conda":
        data = archive.conda(stem, members, level=level, tar_format=tar_format)
    else:
        data = archive.tar_bz2(members, level=1 if level == 1 else 9, tar_format=tar_format)
    return BuiltPackage(stem + format, data, index_json, entries)


def _file(content: bytes | str | File) -> File:
    return content if isinstance(content, File) else File(content)


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data


def _with_scripts(
    name: str, subdir: str, files: Mapping[str, Content], scripts: Mapping[str, str]
) -> dict[str, Content]:
    windows = subdir.startswith("win")
    folder, ending = ("Scripts", "bat") if windows else ("bin", "sh")
    extra = {f"{folder}/.{name}-{action}.{ending}": File(text, mode=0o755) for action, text in scripts.items()}
    return {**files, **extra}


def _member(path: str, content: File | Symlink | Directory) -> Member:
    if isinstance(content, Symlink):
        return Member(path, mode=0o777, kind=tarfile.SYMTYPE, target=content.target)
    if isinstance(content, Directory):
        return Member(path, mode=content.mode, kind=tarfile.DIRTYPE)
    return Member(path, content.content, content.mode)


def _entry(path: str, contents: Mapping[str, File | Symlink | Directory], placeholder: str) -> dict[str, Any]:
    """The entry of info/paths.json. A soft link has the digest and size of the file it leads to."""
    content = contents[path]
    if isinstance(content, Directory):
        return {"_path": path, "path_type": "directory"}
    data = _final_data(path, contents)
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
    if isinstance(content, Symlink):
        return {"_path": path, "path_type": "softlink", **facts}
    entry = {"_path": path, "path_type": "hardlink", **facts, **_prefix_facts(content, placeholder)}
    return {**entry, "no_link": True} if content.no_link else entry


def _prefix_facts(content: File, placeholder: str) -> dict[str, str]:
    found = content.placeholder or (placeholder if placeholder and placeholder.encode() in content.content else None)
    if found is None:
        return {}
    return {"file_mode": content.file_mode or ("binary" if b"\0" in content.content else "text"),
            "prefix_placeholder": found}  # fmt: skip


def _final_data(path: str, contents: Mapping[str, File | Symlink | Directory]) -> bytes:
    """What is read at ``path``, through soft links inside the package; nothing where they lead elsewhere."""
    for _ in range(40):
        content = contents.get(path)
        if isinstance(content, File):
            return content.content
        if not isinstance(content, Symlink):
            break
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), content.target))
    return b""


def _index(
    name: str,
    version: str,
    build: str,
    build_number: int,
    depends: Sequence[str],
    constrains: Sequence[str],
    subdir: str,
    noarch: str | None,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    system, _, machine = subdir.partition("-")
    found: dict[str, Any] = {
        "arch": None if subdir == "noarch" else {"64": "x86_64"}.get(machine, machine),
        "build": build,
        "build_number": build_number,
        "constrains": list(constrains),
        "depends": list(depends),
        "license": "BSD-3-Clause",
        "name": name,
        "noarch": noarch,
        "platform": None if subdir == "noarch" else system,
        "subdir": subdir,
        "timestamp": BUILT_AT * 1000,
        "version": version,
        **extra,
    }
    return {key: value for key, value in found.items() if value is not None}


def _info_files(
    index: Mapping[str, Any], entries: Sequence[dict[str, Any]], noarch: str | None, entry_points: Sequence[str]
) -> dict[str, bytes | str | None]:
    listed = [entry for entry in entries if entry["path_type"] != "directory"]
    rewritten = [entry for entry in listed if "prefix_placeholder" in entry]
    unlinked = [entry["_path"] for entry in listed if entry.get("no_link")]
    infos: dict[str, bytes | str | None] = {
        "about.json": _json({"license": index.get("license", ""), "summary": f"{index['name']} of the test kit"}),
        "files": _lines(entry["_path"] for entry in listed),
        "index.json": _json(index),
        "paths.json": _json({"paths": list(entries), "paths_version": 1}),
    }
    if rewritten:
        infos["has_prefix"] = _lines(
            f'"{entry["prefix_placeholder"]}" "{entry["file_mode"]}" "{entry["_path"]}"' for entry in rewritten
        )
    if unlinked:
        infos["no_link"] = _lines(unlinked)
    if noarch:
        kind: dict[str, Any] = {"type": noarch, **({"entry_points": list(entry_points)} if entry_points else {})}
        infos["link.json"] = _json({"noarch": kind, "package_metadata_version": 1})
    return infos


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def _lines(lines: Any) -> str:
    return "".join(f"{line}\n" for line in lines)
