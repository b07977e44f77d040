"""From a path, an address with its text, or standard input to a `SpecFile`: which format it is, and several as one."""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import BinaryIO, Final

import msgspec

from engine.errors import InvalidSpecFile, StorageError, UsageError
from engine.model.channel import absolute_path, mask_secrets
from engine.model.url import scheme_of, url_to_path
from engine.specfile.model import SpecContext, SpecFile, invalid
from engine.specfile.text import is_explicit_text, parse_text

STDIN: Final = "-"
MAX_SIZE: Final = 16 * 1024 * 1024
_YAML_KEY_RE: Final = re.compile(r"^(?:name|channels|dependencies|variables|platforms|prefix)\s*:", re.MULTILINE)
_LOCK_YAML_RE: Final = re.compile(r"^(?:version|metadata|package|environments|packages)\s*:", re.MULTILINE)
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""PowerShell's ``>`` writes UTF-16, so an exported list may well be that."""


def is_remote(source: str) -> bool:
    """Whether the caller must fetch ``source`` and hand its text in."""
    return scheme_of(source) in {"http", "https"}


def read_spec_file(
    source: str, context: SpecContext, *, data: bytes | None = None, stdin: BinaryIO | None = None
) -> SpecFile:
    """Read ``source``: a path, a ``file://`` URL, ``-`` for standard input, or a URL whose ``data`` was fetched.

    Raises `InvalidSpecFile` with the line, `StorageError` if the file can't be read.
    """
    if source == STDIN:
        stream = stdin if stdin is not None else sys.stdin.buffer
        return parse_spec_text(decode(stream.read(MAX_SIZE + 1), "standard input"), "standard input", context)
    shown = mask_secrets(source)
    if data is not None:
        return parse_spec_text(decode(data, shown), shown, context)
    path = url_to_path(source) if scheme_of(source) == "file" else source
    path = absolute_path(path, context.cwd, context.home)
    text = decode(read_bounded(path, "the specification file "), shown)
    return parse_spec_text(text, shown, context, directory=os.path.dirname(path))


def read_bounded(path: str, kind: str = "") -> bytes:
    """A file's bytes, just so many that `decode` can tell that it is too large. Raises `StorageError`, which names the
    file as ``kind`` and its path."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_SIZE + 1)
    except OSError as error:
        raise StorageError.from_os_error(f"read {kind}{path}", error) from error


def decode(data: bytes, source: str) -> str:
    """The text of a file; raises `InvalidSpecFile` if it is none."""
    if len(data) > MAX_SIZE:
        raise InvalidSpecFile(source, f"it is larger than {MAX_SIZE} bytes")
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidSpecFile(source, f"it is no text in UTF-8 (byte {error.start})") from error
    if "\0" in text:
        raise InvalidSpecFile(source, "it is no text: it has NUL characters in it")
    return text


def parse_spec_text(text: str, source: str, context: SpecContext, *, directory: str | None = None) -> SpecFile:
    """Read ``text``; its format is told by the name ``source``, or by a look at it where the name says nothing."""
    name = source.partition("?")[0].lower()
    directory = context.cwd if directory is None else directory
    lock = _lock_parser(name, text)
    if lock is not None:
        return lock(text, source, directory, context)
    if name.endswith(".toml"):
        raise invalid(source, 0, "files of this format can't be read", "Use an environment.yml, or a lock file.")
    if name.endswith((".yml", ".yaml", ".json")) or (not name.endswith(".txt") and _looks_like_yaml(text)):
        from engine.specfile.environment import parse_environment

        return parse_environment(text, source, directory, context)
    return parse_text(text, source, context)


def _lock_parser(name: str, text: str) -> Callable[[str, str, str, SpecContext], SpecFile] | None:
    """Who reads this lock file; None if it is none. The name says it (as in micromamba), else what is in it."""
    if name.endswith(".json") and '"lockVersion"' in text:
        from engine.specfile.mambajs_lock import parse_mambajs_lock

        return parse_mambajs_lock
    keys = {found.group().rstrip(": ") for found in _LOCK_YAML_RE.finditer(text)}
    if name.endswith("pixi.lock") or {"version", "environments", "packages"} <= keys:
        from engine.specfile.pixi_lock import parse_pixi_lock

        return parse_pixi_lock
    if name.endswith(("-lock.yml", "-lock.yaml")) or {"metadata", "package"} <= keys:
        from engine.specfile.lock import parse_conda_lock

        return parse_conda_lock
    return None


def _looks_like_yaml(text: str) -> bool:
    return not is_explicit_text(text) and _YAML_KEY_RE.search(text) is not None


def combine(files: Sequence[SpecFile]) -> SpecFile:
    """Several files of one kind as one, in order; of what there can be only one, the first says it.

    Raises `UsageError` for files of different kinds, as micromamba does, since an explicit one is not solved for.
    """
    first, *others = files
    for other in others:
        if other.kind != first.kind:
            raise UsageError(
                f"Files of different kinds can't be used together (found multiple spec file types): "
                f"{first.source} ({first.kind}) and {other.source} ({other.kind})",
                hint="Give files of one kind: environment.yml, lists of specifications, or @EXPLICIT and lock files.",
            )
    if not others:
        return first
    variables: dict[str, str] = {}
    for file in reversed(files):
        variables.update(file.variables)
    return msgspec.structs.replace(
        first,
        name=next((file.name for file in files if file.name), ""),
        channels=tuple(dict.fromkeys(text for file in files for text in file.channels)),
        specs=tuple(dict.fromkeys(text for file in files for text in file.specs)),
        explicit=tuple(dict.fromkeys(package for file in files for package in file.explicit)),
        pip_parts=tuple(part for file in files for part in file.pip_parts),
        pip_tool="uv" if any(file.pip_tool == "uv" for file in files) else "pip",
        variables=variables,
        notices=(*(notice for file in files for notice in file.notices), *_disagreements(files)),
    )


def _disagreements(files: Sequence[SpecFile]) -> list[str]:
    names = list(dict.fromkeys(file.name for file in files if file.name))
    return [f"The files name different environments ({', '.join(names)}): {names[0]} is used"] if names[1:] else []
