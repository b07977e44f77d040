"""Describes a directory, so that two can be compared and a test can say what it expects."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """``kind`` is "file", "link", "dir" or "other"; ``mode`` are the permission bits (0 for a link); ``content`` is
    the sha256 of a file, the target of a link, else empty."""

    kind: str
    mode: int
    content: str = ""


def tree(path: str | Path, *, skip: Callable[[str], bool] | None = None, dirs: bool = False) -> dict[str, Entry]:
    """Everything below ``path`` by its relative path with forward slashes; ``dirs`` lists directories too.

    What ``skip`` is true for is left out, a directory with all it holds.
    """
    found: dict[str, Entry] = {}
    _walk(os.fspath(path), "", found, skip or (lambda _: False), dirs)
    return found


def _walk(base: str, inner: str, found: dict[str, Entry], skip: Callable[[str], bool], dirs: bool) -> None:
    with os.scandir(os.path.join(base, inner)) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        relative = f"{inner}/{entry.name}" if inner else entry.name
        if skip(relative):
            continue
        found_entry = describe(entry.path)
        if found_entry.kind == "dir":
            _walk(base, relative, found, skip, dirs)
        if dirs or found_entry.kind != "dir":
            found[relative] = found_entry


def describe(path: str | Path) -> Entry:
    """One path, without following a link."""
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Entry("link", 0, os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return Entry("dir", mode)
    if not stat.S_ISREG(status.st_mode):
        return Entry("other", mode)
    return Entry("file", mode, hashlib.sha256(Path(path).read_bytes()).hexdigest())


def holds(path: str | Path, needle: bytes) -> list[str]:
    """The relative paths of regular files below ``path`` that contain ``needle`` ("where is the placeholder left?")."""
    return [
        relative
        for relative, entry in tree(path).items()
        if entry.kind == "file" and needle in Path(path, relative).read_bytes()
    ]
