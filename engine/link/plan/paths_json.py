"""Reads what a package says of its files: info/paths.json, or its three forerunners, and info/link.json (CEP 34).

Rule: what comes out is safe to join to a prefix. Paths are relative, have no ``..``, and stay out of ``conda-meta``.
"""

from __future__ import annotations

import os
import re
import shlex
import stat

import msgspec

from engine.errors import LinkError, StorageError
from engine.model.records import PathEntry
from engine.system.file_io import read_file

DEFAULT_PLACEHOLDER = "/opt/anaconda1anaconda2anaconda3"
"""What ``info/has_prefix`` means where it names no placeholder."""

_DANGER = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|\0" + (r"|\\|:" if os.name == "nt" else ""))
"""An empty part (so also an absolute path), ``.``, ``..``, a NUL; on Windows also what begins a path anew there.
(Elsewhere a backslash is a letter like others: systemd has such files.)"""
_SIGNS = ("//", "/./", "/../", "\0", "/conda-meta/", *(("\\", ":") if os.name == "nt" else ()))
"""What a path with a danger in it has, between slashes."""


class _Paths(msgspec.Struct):
    paths: tuple[PathEntry, ...] = ()
    paths_version: int = 1


class _Noarch(msgspec.Struct):
    entry_points: tuple[str, ...] | None = ()


class _LinkFile(msgspec.Struct):
    noarch: _Noarch | None = None


_decode_paths = msgspec.json.Decoder(_Paths).decode
_decode_link = msgspec.json.Decoder(_LinkFile).decode


def read_paths(directory: str, dist: str) -> tuple[PathEntry, ...]:
    """The files of the unpacked package in ``directory``, in the package's own order.

    Raises `LinkError` naming ``dist`` if the list is missing, broken or unsafe.
    """
    data = _read(directory, "paths.json")
    if data is None:
        entries = _legacy_paths(directory, dist)
    else:
        return parse_paths(data, dist)
    check_paths(entries, dist)
    return entries


def parse_paths(data: bytes, dist: str) -> tuple[PathEntry, ...]:
    """The files that an info/paths.json lists. Raises `LinkError` as `read_paths`."""
    try:
        entries = _decode_paths(data).paths
    except (msgspec.DecodeError, RecursionError) as error:
        raise _broken(dist, "info/paths.json", str(error)) from error
    check_paths(entries, dist)
    return entries


def check_paths(entries: tuple[PathEntry, ...], dist: str) -> None:
    """Raise `LinkError` for the first path that must not be joined to a prefix."""
    text = "/" + "/\n/".join([entry.path for entry in entries]) + "/"
    if entries and text.count("\n") == len(entries) - 1:
        folded = text.lower()
        if not any(sign in folded for sign in _SIGNS):
            return  # one look at all of them, which is enough for nearly every package
    for entry in entries:
        path = entry.path
        if _DANGER.search(path) or path[:11].lower() == "conda-meta/" or path.lower() == "conda-meta":
            raise LinkError(
                f"Could not link {dist}: it wants to write {path!r}, which is not a place for files of packages",
                hint="The package is broken or hostile: choose another build of it, and tell its maintainers.",
            )


def read_entry_points(directory: str, dist: str) -> tuple[str, ...]:
    """The entry points in ``info/link.json``, unparsed; none if there is no such file."""
    return parse_entry_points(_read(directory, "link.json"), dist)


def parse_entry_points(data: bytes | None, dist: str) -> tuple[str, ...]:
    """The entry points that an info/link.json lists; none if there is none."""
    if data is None:
        return ()
    try:
        noarch = _decode_link(data).noarch
    except msgspec.DecodeError as error:
        raise _broken(dist, "info/link.json", str(error)) from error
    return (noarch.entry_points if noarch else None) or ()


def _broken(dist: str, name: str, reason: str) -> LinkError:
    return LinkError(f"Could not link {dist}: its {name} can't be read: {reason}")


def _read(directory: str, name: str) -> bytes | None:
    try:
        return read_file(os.path.join(directory, "info", name))[0]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError.from_os_error(f"read info/{name} of {directory}", error) from error


def _lines(directory: str, name: str) -> list[str]:
    text = (_read(directory, name) or b"").decode("utf-8", "surrogateescape")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _legacy_paths(directory: str, dist: str) -> tuple[PathEntry, ...]:
    """``info/files``, ``info/has_prefix``, ``info/no_link``. They don't tell links from files, so each is looked at."""
    if _read(directory, "files") is None:
        raise _broken(dist, "list of files", "neither info/paths.json nor info/files is there")
    prefixes = dict(_parse_has_prefix(line) for line in _lines(directory, "has_prefix"))
    copied = set(_lines(directory, "no_link"))
    return tuple(_legacy_entry(directory, path, prefixes, copied) for path in _lines(directory, "files"))


def _parse_has_prefix(line: str) -> tuple[str, tuple[str, str]]:
    """One line → path, (placeholder, mode). Parts may be quoted; a line with a path alone means text (CEP 34)."""
    # A quote in the middle of a word is part of it, and Windows paths keep their backslashes.
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    try:
        parts = list(lexer)
    except ValueError:  # an unpaired quote
        parts = [line]
    if len(parts) == 3 and parts[1] in ("text", "binary"):
        return parts[2], (parts[0], parts[1])
    return (parts[0] if len(parts) == 1 else line.strip()), (DEFAULT_PLACEHOLDER, "text")


def _legacy_entry(directory: str, path: str, prefixes: dict[str, tuple[str, str]], copied: set[str]) -> PathEntry:
    try:
        mode = os.lstat(os.path.join(directory, path)).st_mode
    except OSError as error:
        raise StorageError.from_os_error(f"find {path} in {directory}", error) from error
    placeholder, file_mode = prefixes.get(path, (None, None))
    return PathEntry(
        path=path,
        path_type="softlink" if stat.S_ISLNK(mode) else "directory" if stat.S_ISDIR(mode) else "hardlink",
        prefix_placeholder=placeholder,
        file_mode="binary" if file_mode == "binary" else "text" if placeholder else None,
        no_link=path in copied,
    )
