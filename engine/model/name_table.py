"""Name → where its pages are in the index's own file: a table of bytes that is searched as it is.

Reading it makes no object per name: names stand sorted in one text, their borders and ranges in arrays of numbers, and
a search looks at some fifteen of thirty thousand.

    u64 × 2 × ranges    its table << 48 | where it begins in the file; its length << 32 | its CRC-32
    u32 × (names + 1)   where each name begins in the text of names
    u32 × (names + 1)   the number of each name's first range
    bytes               the names, sorted as bytes, nothing between them

Numbers are in the byte order of the machine: the table is a cache and never leaves it.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Set
from typing import Any, Final, NamedTuple

from engine.model.json_split import Block
from engine.model.page_cut import runs

_PLACE_BITS: Final = 48
"""Of a number, for the place in the file: 256 TiB; above them stands the table."""
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1


class Range(NamedTuple):
    """Members of one name that stand together in the file."""

    table: int
    """Number of their table in `engine.model.pages.TABLES`."""
    offset: int
    length: int
    crc: int
    """CRC-32 of the bytes."""


class _Sorted:
    """The sorted names as bytes, cut out of their text when looked at."""

    def __init__(self, text: bytes, borders: memoryview) -> None:
        self._text, self._borders = text, borders

    def __len__(self) -> int:
        return len(self._borders) - 1

    def __getitem__(self, number: int) -> bytes:
        return self._text[self._borders[number] : self._borders[number + 1]]


class NameTable(Set[str]):
    """The names of an index, and the ranges of each. A set of names to whoever asks for no more.

    Raises `ValueError` where ``data`` can't be such a table (its checksum is the caller's to verify).
    """

    def __init__(self, data: bytes, names: int, ranges: int) -> None:
        view = memoryview(data)
        first, second = 16 * ranges, 16 * ranges + 4 * (names + 1)
        third = second + 4 * (names + 1)
        if len(data) < third:
            raise ValueError("the table of names is too short")
        self._ranges = view[:first].cast("Q")
        self._firsts = view[second:third].cast("I")
        borders = view[first:second].cast("I")
        if borders[names] != len(data) - third or self._firsts[names] != ranges:
            raise ValueError("the table of names does not fit itself")
        self._names = _Sorted(data[third:], borders)

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> Set[Any]:
        """What ``&``, ``|`` and the like give."""
        return set(it)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return (self._names[number].decode() for number in range(len(self._names)))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def ranges(self, name: str) -> list[Range]:
        """Where the pages of ``name`` are; empty if there are none."""
        number = self._find(name)
        if number is None:
            return []
        found = []
        for at in range(self._firsts[number], self._firsts[number + 1]):
            place, rest = self._ranges[2 * at], self._ranges[2 * at + 1]
            found.append(Range(place >> _PLACE_BITS, place & _PLACE_MASK, rest >> 32, rest & 0xFFFFFFFF))
        return found

    def _find(self, name: str) -> int | None:
        wanted = name.encode("utf-8", "surrogatepass")
        number = bisect_left(self._names, wanted)
        return number if number < len(self._names) and self._names[number] == wanted else None


class TableBuilder:
    """Makes the table while an index passes by: for each name two numbers for each of its ranges, and no text."""

    def __init__(self) -> None:
        self._ranges: dict[str, array[int]] = {}

    def add(self, number: int, block: Block) -> None:
        """Note where the block's names are. ``number``: that of its table."""
        view = memoryview(block.text)
        for name, start, stop in runs(block):
            place = number << _PLACE_BITS | (block.offset + start)
            rest = (stop - start) << 32 | zlib.crc32(view[start:stop])
            found = self._ranges.get(name)
            if found is None:
                found = self._ranges[name] = array("Q")
            found.append(place)
            found.append(rest)

    def finish(self) -> tuple[bytes, int, int]:
        """The table, how many names it has and how many ranges."""
        ranges, borders, firsts, texts = array("Q"), array("I", (0,)), array("I", (0,)), []
        end = 0
        for text, places in sorted((name.encode("utf-8"), places) for name, places in self._ranges.items()):
            ranges.extend(places)
            firsts.append(len(ranges) // 2)
            end += len(text)
            borders.append(end)
            texts.append(text)
        count = len(ranges) // 2
        return b"".join((ranges.tobytes(), borders.tobytes(), firsts.tobytes(), *texts)), len(texts), count
