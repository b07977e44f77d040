"""Where the records of one name stand in a block of members: the borders, to the byte, without decoding a record.

Machines write every member of a table with the same number of bytes between key and value and between members. So
one look at the first member tells how long all of them are, and the borders of names follow from sums of lengths; each
border is checked against the text. Where that does not come out (hand-made spacing, escapes in a key, a key twice) the
block is walked token by token, which takes longer and is always right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from engine.model.json_split import Block, Table

Run = tuple[str, int, int]
"""A name, and where its members begin and end in ``Block.text``, the border's commas and spaces left out."""

_STRING: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN: Final = re.compile(_STRING + rb"|[][{},]", re.DOTALL)
_decode_key: Final = msgspec.json.Decoder(str).decode


class _Named(msgspec.Struct):
    name: str = ""


_decode_named: Final = msgspec.json.Decoder(_Named).decode


def package_name(key: str) -> str:
    """The name of the package whose file name (with or without extension) this is (CEP 26)."""
    return key.rsplit("-", 2)[0]


def _name(key: str, record: msgspec.Raw) -> str:
    """The record's own name where the file name tells none: conda and micromamba go by the former alone."""
    if key.count("-") > 1:
        return package_name(key)
    try:
        return _decode_named(record).name or package_name(key)
    except msgspec.MsgspecError:
        return package_name(key)


def runs(block: Block) -> list[Run]:
    """The block's members, neighbours of one name together, in the text's order."""
    borders = _borders(block.members)
    found = _by_length(block, borders)
    return list(_by_walking(block)) if found is None else found


def _borders(members: Table) -> list[tuple[str, int]]:
    """Each run's name and the number of its first member."""
    found: list[tuple[str, int]] = []
    last = None
    for number, key in enumerate(members):
        name = key.rsplit("-", 2)[0]  # `package_name`, without the price of a call for each of a million records
        if name != last:
            last = name
            own = _name(key, members[key])
            if not found or own != found[-1][0]:
                found.append((own, number))
    return found


def _by_length(block: Block, borders: list[tuple[str, int]]) -> list[Run] | None:
    """The runs by sums of lengths; None where a border is not where it should be."""
    text, keys, values = block.text, list(block.members), list(block.members.values())
    joined = "".join(keys)
    if not joined.isascii() or '"' in joined or "\\" in joined:
        return None  # such keys are longer in the text than they are
    start = text.find(b'"')
    gap = _gap(text, keys, values, start)
    if gap is None:
        return None
    found: list[Run] = []
    stops = [number for _, number in borders[1:]]
    for (name, first), stop in zip(borders, stops, strict=False):
        length = sum(map(len, keys[first:stop])) + sum(map(len, values[first:stop])) + gap * (stop - first)
        border = start + length
        if not text.startswith(b'"%b"' % keys[stop].encode(), border):
            return None
        comma = text.rfind(b",", start, border)
        found.append((name, start, comma))
        start = border
    found.append((borders[-1][0], start, len(text) - 1))
    return found


def _gap(text: bytes, keys: list[str], values: list[msgspec.Raw], start: int) -> int | None:
    """Bytes of a member that belong neither to its key nor to its value: quotes, colon, comma, spaces."""
    if len(keys) == 1:
        return 0
    second = text.find(b'"%b"' % keys[1].encode(), start + 2 + len(keys[0]) + len(values[0]))
    return None if second < 0 else second - start - len(keys[0]) - len(values[0])


def _by_walking(block: Block) -> Iterator[Run]:
    """The runs by reading every token."""
    last, start, stop = "", -1, -1
    guess, name = None, ""
    for key, begin, end in _members(block.text):
        if package_name(key) != guess:
            guess, name = package_name(key), _name(key, block.members[key])
        if start >= 0 and name != last:
            yield last, start, stop
            start = -1
        if start < 0:
            last, start = name, begin
        stop = end
    yield last, start, stop


def _members(text: bytes) -> Iterator[tuple[str, int, int]]:
    """Key, begin and end of every member of the object ``text``, which is known to be valid."""
    depth, begin, key = 0, -1, ""
    for token in _TOKEN.finditer(text):
        byte = text[token.start()]
        if byte == ord('"'):
            if depth == 1 and begin < 0:
                key, begin = _decode_key(token.group()), token.start()
        elif byte == ord(","):
            if depth == 1:
                yield key, begin, token.start()
                begin = -1
        else:
            depth += 1 if byte in b"{[" else -1
            if depth == 0:
                yield key, begin, token.start()
