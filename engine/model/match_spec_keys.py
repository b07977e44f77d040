"""The keys that may stand in the brackets of a package specification, and how their values are read.

Rule of this file: one table of keys (CEP 29; ``when`` CEP 43, ``extras`` CEP 44, ``flags`` CEP 45) and what each
makes of a text.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final, TypeAlias

from engine.errors import InvalidMatchSpec, ParseError
from engine.model.brackets import Pair
from engine.model.text_match import TextMatcher
from engine.model.version_spec import VersionSpec

Fields: TypeAlias = "dict[str, object]"

_KEYS = (
    *("name", "channel", "namespace", "subdir", "version", "build", "build_number", "track_features", "features"),
    *("url", "fn", "md5", "sha256", "license", "license_family", "when", "extras", "flags"),
)
FIELD_OF_KEY: Final = MappingProxyType({**{key: key for key in _KEYS}, "build_string": "build", "filename": "fn"})
"""Key → field. The last two are other spellings that conda's documentation and mamba know."""

PLAIN_TEXTS: Final = ("subdir", "url", "fn", "md5", "sha256", "license", "license_family")
"""Fields kept as text and matched as text."""
_CASE_KEPT: Final = ("url", "fn")

_EXTRA = re.compile(r"[a-z0-9_.+-]{1,64}")
_FLAG = re.compile(r"[a-z0-9_*]+(?::[a-z0-9_*]+)?")
_NUMBER = re.compile(r"[0-9=<>!,|() ]+|\*")


def read_value(source: str, field: str, pair: Pair) -> object:
    """What ``pair`` sets ``field`` to; None if it allows everything. Raises `InvalidMatchSpec` about ``source``."""
    if field in ("extras", "flags"):
        return _read_list(source, field, pair)
    if isinstance(pair.value, tuple):
        raise InvalidMatchSpec(source, f"{pair.key!r} takes no list", span=(pair.start, pair.end))
    text = pair.value.strip()
    if field in ("track_features", "features"):
        return tuple(sorted(set(text.lower().replace(",", " ").split())))
    if text == "*":
        return None
    try:
        return _read_text(field, text)
    except ParseError as error:
        span = (pair.start, pair.end)
        if error.span and source[pair.start : pair.end] == text == error.source:
            span = (pair.start + error.span[0], pair.start + error.span[1])
        raise InvalidMatchSpec(source, f"in {field!r}, {error.reason}", span=span, hint=error.hint) from error


def _read_text(field: str, text: str) -> object:
    if field == "version":
        return VersionSpec.parse(text)
    if field == "build":
        return TextMatcher.parse(text)
    if field == "build_number":
        return VersionSpec.parse(text) if _NUMBER.fullmatch(text) else TextMatcher.parse(text)
    if field in PLAIN_TEXTS:
        TextMatcher.parse(text)  # to refuse a bad pattern here, where its place is known
        return text if field in _CASE_KEPT else str(TextMatcher.parse(text))
    return text


def _read_list(source: str, field: str, pair: Pair) -> tuple[str, ...]:
    items = pair.value if isinstance(pair.value, tuple) else (pair.value.strip(),)
    grammar = _EXTRA if field == "extras" else _FLAG
    for item in items:
        if not grammar.fullmatch(item):
            raise InvalidMatchSpec(source, f"{item!r} is none of the {field}", span=(pair.start, pair.end))
    return tuple(sorted(set(items)))
