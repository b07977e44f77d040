"""Cutting one large JSON object into the members of its tables while its bytes arrive, without decoding them.

Rule of this file: it finds where members end and knows nothing of packages. A *table* is a top-level member whose
value is an object with very many members of its own; these are handed out in blocks, as ``{key: raw bytes}`` and with
their place in the text. A *group* is a top-level member whose members are tables. Other top-level members are
collected whole if they are wanted, and passed over if not.

How a block is cut: guess the last end of a member (``},``), put braces around what lies before it and let a fast JSON
reader judge. If it reads, the guess was right: a prefix of a JSON text that is a complete run of members ends where a
member ends. If not (the guess fell into a nested object or a string), the block is walked token by token, exactly.
Every byte is looked at a bounded number of times, whatever the text: where a block has no end of a member, the next
attempt waits for twice as many bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

import msgspec

Table = dict[str, msgspec.Raw]
"""Members of a table: key → the bytes of its value."""

BLOCK: Final = 1 << 20
"""Bytes to collect before a block is cut: large enough that the borders cost nothing, small enough for a cache."""

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_SCALAR: Final = re.compile(rb"[-+.\w]+(?=[ \t\r\n,}])")
_STRING: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_KEY: Final = re.compile(rb"(" + _STRING + rb")[ \t\r\n]*:[ \t\r\n]*", re.DOTALL)
_TOKEN: Final = re.compile(_STRING + rb'|[][{}"]', re.DOTALL)
"""A whole string, or what nests; a lone quote is a string that is not all there yet."""
_TOKEN_OR_COMMA: Final = re.compile(_STRING + rb'|[][{},"]', re.DOTALL)
_TABLE_END: Final = re.compile(rb"\}[ \t\r\n]*\}")
_OPENING: Final = frozenset(b"{[")
_CLOSING: Final = frozenset(b"}]")
_members: Final = msgspec.json.Decoder(Table)
_string: Final = msgspec.json.Decoder(str)
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Block(msgspec.Struct, frozen=True, gc=False):
    """A run of members of one table."""

    table: str
    """The key of the table; of a table in a group ``group/key``."""
    members: Table
    text: bytes
    """The members as they came, in braces of our own."""
    offset: int
    """Where ``text`` would begin in the whole text if its opening brace were there: byte i of it is at offset + i."""


class NotJson(ValueError):
    """The text is no JSON object; ``offset`` says where that showed, in bytes from its start."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} (near byte {offset})")
        self.reason, self.offset = reason, offset


class _Starved(Exception):
    """The step needs bytes that have not come yet."""


class JsonSplitter:
    """Feed it an object's text in pieces of any size; ``on_block`` gets the members of tables in their order."""

    def __init__(
        self,
        tables: Collection[str],
        wanted: Collection[str],
        on_block: Callable[[Block], None],
        groups: Collection[str] = (),
    ) -> None:
        self._tables, self._wanted, self._on_block = frozenset(tables), frozenset(wanted), on_block
        self._groups = frozenset(groups)
        self._group = ""
        self.values: dict[str, bytes] = {}
        """The wanted members that are no tables: key → JSON text. Of repeated ones the last counts."""
        self.size = 0
        """Bytes seen."""
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._enough = BLOCK
        self._text, self._at, self._base = b"", 0, 0
        self._step: Callable[[], None] = self._start
        self._key = ""
        self._depth = 0
        self._value: list[bytes] | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next bytes. Raises `NotJson`."""
        self.size += len(piece)
        self._pieces.append(piece)
        self._waiting += len(piece)
        if self._waiting >= self._enough:
            self._work()

    def finish(self) -> None:
        """The text ends here. Raises `NotJson` if it can't; an empty text is an empty object (CEP 36)."""
        self._work()
        complete = self._step in (self._start, self._end) and not self._text.strip()
        if not complete:
            raise NotJson("it ends too early", self.size)

    def _work(self) -> None:
        """Take as many steps as the bytes allow, and keep the rest."""
        self._text, self._at = b"".join(self._pieces), 0
        self._base = self.size - len(self._text)
        try:
            while True:
                self._step()
        except _Starved:
            rest = self._text[self._at :]
        except _UNREADABLE as error:
            raise self._wrong(f"it is not valid JSON: {error}") from error
        self._pieces, self._waiting = ([rest] if rest else []), len(rest)
        self._enough = max(BLOCK, 2 * len(rest))
        self._text, self._at = rest, 0

    def _wrong(self, reason: str) -> NotJson:
        return NotJson(reason, self._base + self._at)

    def _peek(self) -> int:
        """The next byte that is no white space, which stays where it is."""
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        if self._at >= len(self._text):
            raise _Starved
        return self._text[self._at]

    # -- the steps: each consumes something and sets the next, or raises `_Starved` and consumes nothing it needs again

    def _start(self) -> None:
        if self._peek() == 0xEF and self._base == 0 and self._text.startswith(b"\xef\xbb\xbf"):
            self._at = 3  # a byte order mark: RFC 8259 lets a reader pass over it
        if self._peek() != ord("{"):
            raise self._wrong(f"expected a JSON object, found {self._text[self._at : self._at + 40]!r}")
        self._at += 1
        self._step = self._first_member

    def _first_member(self) -> None:
        if self._peek() == ord("}"):
            self._close()
        else:
            self._step = self._member

    def _close(self) -> None:
        self._at += 1
        self._step, self._group = (self._next_member if self._group else self._end), ""

    def _end(self) -> None:
        self._peek()
        raise self._wrong("there is more behind its end")

    def _next_member(self) -> None:
        following = self._peek()
        if following == ord("}"):
            return self._close()
        if following != ord(","):
            raise self._wrong("expected a comma or the end of the object")
        self._at += 1
        self._step = self._member
        return None

    def _member(self) -> None:
        if self._peek() != ord('"'):
            raise self._wrong("expected a key")
        found = _KEY.match(self._text, self._at)
        if not found or found.end() >= len(self._text):
            if found or len(self._text) - self._at < 1 << 16:
                raise _Starved
            raise self._wrong("expected a key")
        self._key = _string.decode(found.group(1))
        self._at = found.end()
        self._step = self._enter(self._text[self._at])

    def _enter(self, opening: int) -> Callable[[], None]:
        """The step that reads the value which begins here."""
        if opening == ord("{"):
            if self._group or self._key in self._tables:
                self._at += 1
                return self._first_row
            if self._key in self._groups:
                self._at += 1
                self._group = self._key
                return self._first_member
        if opening in b'{["':
            self._depth, self._value = 0, [] if self._is_wanted() else None
            return self._inside
        return self._scalar

    def _is_wanted(self) -> bool:
        return not self._group and self._key in self._wanted

    def _scalar(self) -> None:
        found = _SCALAR.match(self._text, self._at)
        if not found:
            if len(self._text) - self._at < 1 << 10:
                raise _Starved
            raise self._wrong("expected a value")
        if self._is_wanted():
            self.values[self._key] = found.group()
        self._at = found.end()
        self._step = self._next_member

    def _inside(self) -> None:
        """Walk through a value that is no table, keeping nothing but its depth (and its bytes if wanted)."""
        begin = self._at
        for token in _TOKEN.finditer(self._text, begin):
            byte = self._text[token.start()]
            if byte == ord('"') and token.end() == token.start() + 1:
                self._at = token.start()
                break
            self._depth += (byte in _OPENING) - (byte in _CLOSING)
            self._at = token.end()
            if self._depth == 0:
                self._keep(begin)
                if self._value is not None:
                    self.values[self._key] = b"".join(self._value)
                self._step = self._next_member
                return
        else:
            self._at = len(self._text)
        self._keep(begin)
        raise _Starved

    def _keep(self, begin: int) -> None:
        if self._value is not None:
            self._value.append(self._text[begin : self._at])

    # -- tables

    def _first_row(self) -> None:
        if self._peek() == ord("}"):
            self._at += 1
            self._step = self._next_member
        else:
            self._step = self._rows

    def _rows(self) -> None:
        """Cut the members that are there; at the table's end, leave it."""
        text, rows, after, closed = self._cut()
        if not rows:
            raise self._wrong("expected a member")
        table = f"{self._group}/{self._key}" if self._group else self._key
        self._on_block(Block(table, rows, text, self._base + self._at - 1))
        self._at = after
        self._step = self._next_member if closed else self._rows

    def _cut(self) -> tuple[bytes, Table, int, bool]:
        """A run of members as text and read, where to go on behind it, and whether the table ends there."""
        for cut, after, closed in self._guesses():
            text = self._braced(cut)
            try:
                return text, _members.decode(text), after, closed
            except _UNREADABLE:
                continue  # the guess fell into a value
        cut, after, closed = self._walk()
        text = self._braced(cut)
        return text, _members.decode(text), after, closed

    def _braced(self, cut: int) -> bytes:
        return b"".join((b"{", memoryview(self._text)[self._at : cut], b"}"))

    def _guesses(self) -> Iterator[tuple[int, int, bool]]:
        """Where a run of members may end: its end, where to go on behind it, and whether the table ends there."""
        if (comma := self._text.rfind(b"},", self._at)) >= 0:
            yield comma + 1, comma + 2, False
        if end := _TABLE_END.search(self._text, self._at):
            yield end.start() + 1, end.end(), True

    def _walk(self) -> tuple[int, int, bool]:
        """The last certain end of a member: where it is, where to go on, and whether the table ends there."""
        depth, last = 0, -1
        for token in _TOKEN_OR_COMMA.finditer(self._text, self._at):
            byte = self._text[token.start()]
            if byte == ord('"'):
                if token.end() == token.start() + 1:
                    break
            elif byte == ord(","):
                last = token.start() if depth == 0 else last
            else:
                depth += 1 if byte in _OPENING else -1
                if depth < 0:
                    return token.start(), token.end(), True
        if last < 0:
            raise _Starved
        return last, last + 1, False
