"""From what a file, variable or option says to a value of the kind that its key holds. Rule: pure.

Texts are read as YAML 1.1 scalars would be, and a little more generously (``1`` is true), since variables hold
nothing but text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from engine.config.keys import Key
from engine.errors import ConfigError, OptionError

COMMAND_LINE: Final = "the command line"
_TRUE: Final = frozenset({"true", "yes", "on", "y", "1", "<true>"})
_FALSE: Final = frozenset({"false", "no", "off", "n", "0", "<false>"})
_VARIABLE_RE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_SYNONYMS: Final[Mapping[tuple[str, str], str]] = {
    ("channel_priority", "true"): "flexible",
    ("channel_priority", "false"): "disabled",
    ("log_level", "warn"): "warning",
    ("log_level", "fatal"): "critical",
}


class Place(msgspec.Struct, frozen=True):
    """Where a setting stands."""

    source: str
    """A file's path, ``$VARIABLE`` or ``the command line``."""
    line: int = 0
    """From 1; 0 where there are no lines."""

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}" if self.line else self.source


def expand_variables(text: str, environ: Mapping[str, str]) -> str:
    """``$NAME`` and ``${NAME}`` replaced by their values; those that are not set stay as they are."""
    if "$" not in text:
        return text
    return _VARIABLE_RE.sub(lambda found: environ.get(found[1] or found[2], found[0]), text)


def convert(key: Key, raw: object, place: Place) -> object:
    """``raw`` as a value of ``key``; raises `ConfigError` that names the place."""
    return _CONVERTERS[key.kind](key, raw, place)


def _wrong(key: Key, raw: object, place: Place, expected: str) -> ConfigError:
    from engine.model.url import mask_secrets

    shown = mask_secrets(raw if isinstance(raw, str) else str(raw))
    kind = OptionError if place.source == COMMAND_LINE else ConfigError
    return kind(
        f"{place}: the key '{key.name}' is {shown!r}, expected {expected}",
        hint=f"'{key.name}' is: {key.doc}.",
        data={"key": key.name, "source": place.source, "line": place.line},
    )


def _scalar(key: Key, raw: object, place: Place, expected: str) -> str:
    """The text of a scalar, as YAML would have written it."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (str, int, float)):
        return str(raw)
    raise _wrong(key, raw, place, expected)


def _bool(key: Key, raw: object, place: Place) -> bool:
    text = _scalar(key, raw, place, "true or false").strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise _wrong(key, raw, place, "true or false")


def _int(key: Key, raw: object, place: Place) -> int:
    text = {"true": "1", "false": "0"}.get(str(raw).lower(), raw)  # conda allows `local_repodata_ttl: true`
    number = _number(key, text, place, "a whole number")
    if number != int(number):
        raise _wrong(key, raw, place, "a whole number")
    return int(number)


def _float(key: Key, raw: object, place: Place) -> float:
    return _number(key, raw, place, "a number")


def _number(key: Key, raw: object, place: Place, expected: str) -> float:
    if key.minimum is not None:
        expected += f" of at least {key.minimum}"
    try:
        number = float(_scalar(key, raw, place, expected))
    except ValueError:
        raise _wrong(key, raw, place, expected) from None
    finite = number - number == 0
    if not finite or (key.minimum is not None and number < key.minimum):
        raise _wrong(key, raw, place, expected)
    return number


def _text(key: Key, raw: object, place: Place) -> str:
    return _scalar(key, raw, place, "a text")


def _choice(key: Key, raw: object, place: Place) -> str:
    expected = f"one of {', '.join(key.choices)}"
    text = _scalar(key, raw, place, expected).strip().lower()
    text = _SYNONYMS.get((key.name, text), text)
    if text not in key.choices:
        raise _wrong(key, raw, place, expected)
    return text


def _texts(key: Key, raw: object, place: Place) -> tuple[str, ...]:
    if isinstance(raw, str) and not place.line:
        return split_list(raw)
    if not isinstance(raw, (list, tuple)):
        raise _wrong(key, raw, place, "a list")
    return tuple(_scalar(key, item, place, "a list of texts") for item in raw if item is not None)


def _map(key: Key, raw: object, place: Place) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise _wrong(key, raw, place, "a mapping of names to texts")
    return {str(name): "" if item is None else _scalar(key, item, place, "texts in it") for name, item in raw.items()}


def _multimap(key: Key, raw: object, place: Place) -> dict[str, tuple[str, ...]]:
    if not isinstance(raw, Mapping):
        raise _wrong(key, raw, place, "a mapping of names to lists")
    return {str(name): _texts(key, item or (), place) for name, item in raw.items()}


def _records(key: Key, raw: object, place: Place) -> tuple[dict[str, str], ...]:
    if not isinstance(raw, (list, tuple)):
        raise _wrong(key, raw, place, "a list of mappings")
    return tuple(_map(key, item, place) for item in raw if item is not None)


_CONVERTERS: Final = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "text": _text,
    "path": _text,
    "choice": _choice,
    "texts": _texts,
    "paths": _texts,
    "map": _map,
    "multimap": _multimap,
    "records": _records,
}


def split_list(text: str) -> tuple[str, ...]:
    """The items of a variable that holds a list: commas part them, but not inside brackets or quotes.

    micromamba reads such a text as the inside of a YAML list; this does the same without a YAML parser, and lets
    ``conda-forge[linux-64,noarch]`` be.
    """
    text = text.strip()
    items, start, depth, quote = [], 0, 0, ""
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and not text[start:index].strip():
            quote = char
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char == "," and depth <= 0:
            items.append(text[start:index])
            start = index + 1
    items.append(text[start:])
    return tuple(cleaned for item in items if (cleaned := _unquoted(item.strip())))


def _unquoted(item: str) -> str:
    return item[1:-1] if len(item) > 1 and item[0] == item[-1] and item[0] in "'\"" else item
