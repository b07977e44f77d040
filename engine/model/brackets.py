"""The key-value section of a package specification: ``[version='>=1.2',build=py3*]`` (CEP 29, "Syntax").

Rule of this file: finding the section and cutting it into pairs, with their places; not what the keys mean. Values
may be bare, quoted like Python's strings, or lists in brackets (CEP 44, CEP 45).
"""

from __future__ import annotations

import re

import msgspec

from engine.errors import InvalidMatchSpec

_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANKS = re.compile(r"[ \t,]*")
_ESCAPED = re.compile(r"\\([\\'\"])")
_PAIRS = {"[": "]", "(": ")"}


class Pair(msgspec.Struct, frozen=True):
    """One ``key=value``; ``start`` and ``end`` are where the value (without its quotes) stands."""

    key: str
    key_start: int
    value: str | tuple[str, ...]
    start: int
    end: int


def find_section(source: str, end: int) -> int | None:
    """Where the section begins that ends at ``end``, or None if there is none.

    The brackets of a regular expression (``^py[23]$``) before it are no section.
    """
    if end == 0 or source[end - 1] != "]":
        return None
    regex_end = 0
    for found in re.finditer(r"(?:^|[ =])\^[^$]*\$(?=[ =\[])", source[:end]):
        regex_end = found.end()
    start = source.find("[", regex_end, end)
    return start if start >= 0 else None


def parse_section(source: str, start: int, end: int) -> list[Pair]:
    """The pairs of the section ``source[start:end]``, brackets included. Raises `InvalidMatchSpec`."""
    pairs: list[Pair] = []
    at = _skip(source, start + 1)
    while at < end - 1:
        pair, at = _parse_pair(source, at, end - 1)
        if any(pair.key == other.key for other in pairs):
            span = (pair.key_start, pair.key_start + len(pair.key))
            raise InvalidMatchSpec(source, f"{pair.key!r} is given twice", span=span)
        pairs.append(pair)
        at = _skip(source, at)
    return pairs


def _skip(source: str, at: int) -> int:
    found = _BLANKS.match(source, at)
    return found.end() if found else at


def _parse_pair(source: str, at: int, end: int) -> tuple[Pair, int]:
    key = _KEY.match(source, at, end)
    if source[at] == "]":
        raise InvalidMatchSpec(source, "nothing may follow the brackets, and only one pair of them", span=(at, at + 1))
    if key is None:
        raise InvalidMatchSpec(source, "expected key=value in the brackets", span=(at, at + 1))
    equals = _spaces(source, key.end())
    if equals >= end or source[equals] != "=":
        raise InvalidMatchSpec(source, f"expected '=' and a value after {key[0]!r}", span=key.span())
    start = _spaces(source, equals + 1)
    value, low, high, after = _parse_value(source, start, end)
    if not value:
        raise InvalidMatchSpec(source, f"the value of {key[0]!r} is empty", span=key.span())
    if after < end and source[after] not in ", \t":
        reason = "expected ',' after the value: quote it if it holds blanks, commas, '=' or brackets"
        raise InvalidMatchSpec(source, reason, span=(after, after + 1))
    return Pair(key[0].lower(), key.start(), value, low, high), after


def _spaces(source: str, at: int) -> int:
    while source[at : at + 1] in (" ", "\t"):
        at += 1
    return at


def _parse_value(source: str, start: int, end: int) -> tuple[str | tuple[str, ...], int, int, int]:
    """The value at ``start``: itself, where it begins and ends, and where its pair ends."""
    if source[start] in "'\"":
        close = _closing_quote(source, start, end)
        return _ESCAPED.sub(r"\1", source[start + 1 : close]), start + 1, close, close + 1
    if source[start] == "[":
        items, after = _parse_list(source, start, end)
        return items, start, after, after
    close = _bare_end(source, start, end)
    return source[start:close], start, close, close


def _closing_quote(source: str, start: int, end: int) -> int:
    at = start + 1
    while at < end:
        if source[at] == "\\":
            at += 1
        elif source[at] == source[start]:
            return at
        at += 1
    raise InvalidMatchSpec(source, "this quote is never closed", span=(start, start + 1))


def _bare_end(source: str, start: int, end: int) -> int:
    """Where an unquoted value ends: at a comma or blank that is in no brackets."""
    closers: list[str] = []
    for at in range(start, end):
        character = source[at]
        if character in _PAIRS:
            closers.append(_PAIRS[character])
        elif closers and character == closers[-1]:
            closers.pop()
        elif character == "]" or (not closers and character in ", \t"):
            return at
    return end


def _parse_list(source: str, start: int, end: int) -> tuple[tuple[str, ...], int]:
    """The items of ``[a, "b"]`` (a flow sequence of YAML without newlines) and where it ends."""
    items: list[str] = []
    at = _spaces(source, start + 1)
    while at < end and source[at] != "]":
        item_start = at
        if source[at] in "'\"":
            close = _closing_quote(source, at, end)
            item, at = _ESCAPED.sub(r"\1", source[at + 1 : close]), close + 1
        else:
            while at < end and source[at] not in ",]":
                at += 1
            item = source[item_start:at]
        if not item.strip():
            raise InvalidMatchSpec(source, "an item of the list is empty", span=(item_start, item_start + 1))
        items.append(item.strip())
        at = _spaces(source, at)
        if at < end and source[at] == ",":
            at = _spaces(source, at + 1)
        elif at < end and source[at] != "]":
            raise InvalidMatchSpec(source, "expected ',' or ']' in the list", span=(at, at + 1))
    if at >= end:
        raise InvalidMatchSpec(source, "this list is never closed", span=(start, start + 1))
    return tuple(items), at + 1
