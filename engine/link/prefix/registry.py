"""``~/.conda/environments.txt``: where conda, mamba and we note environments that are not in an ``envs_dirs``.

One path a line. The file belongs to all tools, so it is appended to, and rewritten only to take a line out. It is a
convenience: not being able to write it is no failure, the caller gets a note to show.
"""

from __future__ import annotations

import os

from engine.errors import StorageError
from engine.link.prefix.disk import write_atomic

_BUILD_MARKS = ("placehold_pl", "skeleton_")
"""In prefixes of conda-build, which nobody wants listed (conda and mamba leave them out too)."""


def read_registry(path: str) -> list[str]:
    """The noted prefixes in their order; none if the file can't be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return [line.strip() for line in file if line.strip() and not line.startswith("#")]
    except OSError:  # missing, nearly always; otherwise of no use to us
        return []


def register(path: str, prefix: str) -> str | None:
    """Note a prefix unless it is there; returns a note for the user if that failed."""
    prefix = os.path.normpath(prefix)
    if any(mark in prefix for mark in _BUILD_MARKS) or prefix in read_registry(path):
        return None
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "ab+") as file:
            start = b"\n" if _lacks_newline(path) else b""
            file.write(start + os.fsencode(prefix) + b"\n")
    except OSError as error:
        return f"The environment was not noted in {path}: {error.strerror or error}."
    return None


def _lacks_newline(path: str) -> bool:
    """Whether somebody's last line was not ended: ours would be glued to it."""
    with open(path, "rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def unregister(path: str, prefix: str) -> str | None:
    """Take a prefix out; returns a note for the user if that failed."""
    prefix = os.path.normpath(prefix)
    try:
        with open(path, "rb") as file:
            lines = file.read().splitlines(keepends=True)
    except OSError:
        return None
    kept = [line for line in lines if os.path.normpath(os.fsdecode(line.strip()) or "/") != prefix]
    if len(kept) == len(lines):
        return None
    try:
        write_atomic(path, b"".join(kept))
    except StorageError as error:
        return f"The environment is still noted in {path}: {error}."
    return None
