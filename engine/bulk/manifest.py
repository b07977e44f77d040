"""A manifest: YAML (so JSON too) that lists environments to make. Pure: text in, `Entry` values out, errors with lines.

    channels: [conda-forge]          defaults for all that name none
    platform: linux-64
    environments:                    a mapping of names, or a list
      web: envs/web.yml              a name and a file …
      docs:                          … or what is to be in it
        specs: [python=3.12, sphinx]
        channels: [conda-forge, bioconda]
        prefix: ./docs               a place of its own

Without defaults the list, or the mapping of names, may be the whole document. Paths begin where the manifest lies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from engine.errors import InvalidManifest
from engine.model.channel import absolute_path
from engine.model.platform import NOARCH, InvalidPlatform, parse_subdir
from engine.plain_yaml import Node, YamlError, parse_yaml
from engine.specfile import is_remote

_DEFAULTS: Final = ("channels", "platform")
_KEYS: Final = ("name", "prefix", "file", "files", "specs", "channels", "platform")
_ENVIRONMENT_RE: Final = re.compile(
    r"^\{?\s*[\"']?(?:name|prefix|channels|dependencies|variables|platforms|category)[\"']?\s*:", re.MULTILINE
)
"""Keys of an environment.yml at the left edge. A manifest that has such a key (``channels``) has the next one too."""
_MANIFEST_RE: Final = re.compile(r"^\{?\s*[\"']?environments[\"']?\s*:", re.MULTILINE)
_START_RE: Final = re.compile(r"(?:\s*(?:#[^\n]*|---[^\n]*)?\n)*\s*(?:-\s|\[|\{?\s*[\"']?[\w.-]+[\"']?\s*:)")
"""How lists and mappings begin, behind empty lines and remarks."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One environment as it was asked for, not yet understood."""

    source: str
    """Where it is asked for, for people: a path, or the manifest and a line."""
    name: str = ""
    prefix: str = ""
    """Absolute, or empty."""
    files: tuple[str, ...] = ()
    """Absolute paths or addresses."""
    specs: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    """Those named here; the files' own come after them."""
    default_channels: tuple[str, ...] = ()
    """What the manifest has for those who name none, files included."""
    platform: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where a manifest's relative paths begin."""

    directory: str
    home: str


def is_manifest(text: str) -> bool:
    """Whether a YAML text is a manifest. An environment.yml has keys of its own; what can't be read is no manifest."""
    if _MANIFEST_RE.search(text):
        return True
    return not _ENVIRONMENT_RE.search(text) and _START_RE.match(text) is not None


def parse_manifest(text: str, source: str, place: Place) -> tuple[Entry, ...]:
    """The environments in the order of the text. Raises `InvalidManifest` with the line of the fault."""
    try:
        root = parse_yaml(text)
    except YamlError as error:
        raise _invalid(source, error.line, f"the file is not valid YAML: {error.reason}") from error
    entries = tuple(_Reader(source, place).entries(root))
    if not entries:
        raise _invalid(source, root.line if root else 0, "it lists no environment")
    return entries


def _invalid(source: str, line: int, reason: str) -> InvalidManifest:
    hint = "An entry is `NAME: FILE`, or has keys: " + ", ".join(_KEYS) + ". docs/bulk.md shows all forms."
    return InvalidManifest(source, f"line {line}: {reason}" if line else reason, hint=hint)


class _Reader:
    """One manifest, read."""

    def __init__(self, source: str, place: Place) -> None:
        self.source, self.place = source, place
        self.channels: tuple[str, ...] = ()
        self.platform = ""

    def entries(self, root: Node | None) -> Iterator[Entry]:
        """All of them."""
        if root is not None and isinstance(root.value, dict) and "environments" in root.value:
            root = self._defaults(root.value)
        if root is None or root.value is None:
            return
        if isinstance(root.value, dict):
            for name, node in root.value.items():
                yield self._entry(node, name)
        elif isinstance(root.value, tuple):
            for node in root.value:
                yield self._entry(node, "")
        else:
            raise self._wrong(root, "the manifest", "a list or a mapping of environments")

    def _defaults(self, keys: dict[str, Node]) -> Node:
        """Take the defaults of a document with ``environments``, which is returned."""
        for name, node in keys.items():
            if name not in ("environments", *_DEFAULTS):
                raise _invalid(self.source, node.line, f"the key {name!r} is not known beside 'environments'")
        self.channels = self._texts(keys.get("channels"), "'channels'")
        self.platform = self._platform(keys.get("platform"))
        return keys["environments"]

    def _entry(self, node: Node, name: str) -> Entry:
        source = f"{self.source}, line {node.line}"
        common = {"default_channels": self.channels, "platform": self.platform, "source": source}
        if isinstance(node.value, str):
            return Entry(name=name, files=(self._path(node.value),), **common)  # type: ignore[arg-type]
        if not isinstance(node.value, dict):
            raise self._wrong(node, f"the environment {name!r}" if name else "an environment", "a file or keys")
        return self._described(node, node.value, name, source)

    def _described(self, node: Node, keys: dict[str, Node], name: str, source: str) -> Entry:
        for key, value in keys.items():
            if key not in _KEYS:
                raise _invalid(self.source, value.line, f"the key {key!r} of an environment is not known")
        files = (*self._texts(keys.get("file"), "'file'"), *self._texts(keys.get("files"), "'files'"))
        specs = self._texts(keys.get("specs"), "'specs'")
        if not files and not specs:
            raise _invalid(self.source, node.line, "the environment has neither 'file' nor 'specs'")
        prefix = self._text(keys.get("prefix"), "'prefix'")
        name = self._text(keys.get("name"), "'name'") or name
        if not name and not prefix and not files:
            raise _invalid(self.source, node.line, "the environment has neither 'name' nor 'prefix'")
        return Entry(
            source=source,
            name=name,
            prefix=self._path(prefix) if prefix else "",
            files=tuple(map(self._path, files)),
            specs=specs,
            channels=self._texts(keys.get("channels"), "'channels'"),
            default_channels=self.channels,
            platform=self._platform(keys.get("platform")) or self.platform,
        )

    def _path(self, text: str) -> str:
        if is_remote(text) or text.startswith("file:"):
            return text
        return absolute_path(text, self.place.directory, self.place.home)

    def _platform(self, node: Node | None) -> str:
        text = self._text(node, "'platform'")
        try:
            found = parse_subdir(text) if text else ""
        except InvalidPlatform as error:
            raise _invalid(self.source, node.line if node else 0, error.message) from error
        if found == NOARCH:
            raise _invalid(self.source, node.line if node else 0, f"'platform' is {NOARCH}, which is no platform")
        return found

    def _text(self, node: Node | None, what: str) -> str:
        if node is None or node.value is None:
            return ""
        if not isinstance(node.value, str) or not node.value.strip():
            raise self._wrong(node, what, "a text")
        return node.value.strip()

    def _texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """A list of texts; one text counts as a list of it."""
        if node is None or node.value is None:
            return ()
        items = node.value if isinstance(node.value, tuple) else (node,)
        return tuple(self._text(item, f"an entry of {what}" if items[0] is not node else what) for item in items)

    def _wrong(self, node: Node, what: str, expected: str) -> InvalidManifest:
        return _invalid(self.source, node.line, f"{what} is {node.noun}, expected {expected}")
