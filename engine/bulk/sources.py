"""From the words of a command to `Entry` values: folders, environment files, manifests, standard input.

Rule of this file: it looks at names and reads manifests; what environment files say is read later, each for itself, so
that a broken one spoils nothing but its own environment.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

import msgspec

from engine.bulk.manifest import Entry, Place, is_manifest, parse_manifest
from engine.errors import StorageError, UsageError
from engine.model.channel import absolute_path
from engine.specfile import is_remote
from engine.specfile.read import MAX_SIZE, STDIN, decode, read_bounded

YAML_ENDINGS: Final = (".yml", ".yaml")
_ENDINGS: Final = (*YAML_ENDINGS, ".txt")
_PIN_RE: Final = re.compile(r"(?P<stem>.+)\.(?P<platform>[a-z0-9]+-[a-z0-9]+)\.pin\.txt")
"""Snakemake's name for an @EXPLICIT file that stands in for ``<stem>.yaml`` on one platform."""


class SourceContext(msgspec.Struct, frozen=True):
    """The facts that words depend on."""

    platform: str
    cwd: str
    home: str


def read_entries(words: Sequence[str], context: SourceContext, *, stdin: BinaryIO | None = None) -> list[Entry]:
    """The environments that ``words`` ask for, in order; a folder's files by name.

    Raises `UsageError` for what is not there and for a folder without environment files, `InvalidManifest`,
    `StorageError`.
    """
    return [entry for word in words for entry in _entries(word, context, stdin)]


def _entries(word: str, context: SourceContext, stdin: BinaryIO | None) -> Iterator[Entry]:
    if word == STDIN:
        stream = stdin if stdin is not None else sys.stdin.buffer
        text = decode(stream.read(MAX_SIZE + 1), "standard input")
        yield from parse_manifest(text, "standard input", Place(context.cwd, context.home))
        return
    if is_remote(word):
        yield Entry(source=word, files=(word,))
        return
    path = absolute_path(word, context.cwd, context.home)
    if os.path.isdir(path):
        yield from _folder(path, context)
    elif os.path.isfile(path):
        yield from _file(path, word, context)
    else:
        raise UsageError(
            f"Could not make environments from {word}: there is no such file or folder.",
            hint="Give folders, environment files, manifests, or '-' for a manifest on standard input.",
        )


def _folder(path: str, context: SourceContext) -> Iterator[Entry]:
    names = _listed(path)
    pins = _pins(names)
    found = [name for name in names if name not in pins]
    if not found:
        raise UsageError(
            f"Could not make environments from {path}: there is no file in it that ends in {', '.join(_ENDINGS)}.",
            hint="Files in folders below it are not looked for: name these folders.",
        )
    for name in found:
        full = os.path.join(path, name)
        pin = next((pin for pin, owner in pins.items() if owner == name and _is_for(pin, context.platform)), None)
        if pin is not None:
            yield Entry(source=full, name=os.path.splitext(name)[0], files=(os.path.join(path, pin),))
        else:
            yield Entry(source=full, files=(full,))


def _listed(path: str) -> list[str]:
    try:
        names = os.listdir(path)
    except OSError as error:
        raise StorageError.from_os_error(f"list the folder {path}", error) from error
    return sorted(name for name in names if name.endswith(_ENDINGS) and not name.startswith("."))


def _pins(names: Sequence[str]) -> dict[str, str]:
    """Pin file → the environment file that it stands in for, of those that have one beside them."""
    owners = {os.path.splitext(name)[0]: name for name in names if name.endswith(YAML_ENDINGS)}
    matches = ((name, _PIN_RE.fullmatch(name)) for name in names)
    return {name: owners[match["stem"]] for name, match in matches if match and match["stem"] in owners}


def _is_for(pin: str, platform: str) -> bool:
    match = _PIN_RE.fullmatch(pin)
    return match is not None and match["platform"] == platform


def _file(path: str, shown: str, context: SourceContext) -> Iterator[Entry]:
    """A manifest's entries; any other file is one environment."""
    if path.endswith((*YAML_ENDINGS, ".json")):
        text = decode(read_bounded(path), shown)
        if is_manifest(text):
            yield from parse_manifest(text, shown, Place(os.path.dirname(path), context.home))
            return
    yield Entry(source=shown, files=(path,))
