"""How a text field of a record is matched: exactly, by ``*`` globs or by ``^…$`` (CEP 29, "String matching").

Rule of this file: case never counts, and no pattern, however made, takes long.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.errors import ParseError
from engine.model.regex import Regex, RegexError

_MEMORY = 4096
"""How many texts a pattern remembers; build strings come again and again."""


class InvalidPattern(ParseError):
    """Not a pattern that we match with."""

    noun = "pattern"


class TextMatcher:
    """A matching expression for a text field. Immutable; made by `parse`, which gives one object for one text."""

    __slots__ = ("exact", "matches", "text")

    text: str
    """As it was written."""
    exact: str | None
    """In lower case; None if it is a glob or a regular expression."""
    matches: Callable[[str], bool]

    def __init__(self, text: str, exact: str | None, matches: Callable[[str], bool]) -> None:
        """Trusts its arguments."""
        self.text, self.exact, self.matches = text, exact, matches

    @classmethod
    def parse(cls, text: str) -> TextMatcher:
        """Raises `InvalidPattern`, with a span within ``text``."""
        found = _PARSED.get(text)
        if found is None:
            found = _PARSED[text] = cls(text, None if is_pattern(text) else text.lower(), text_test(text))
        return found

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, TextMatcher) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        """In lower case, unless it is a regular expression (where ``\\S`` is not ``\\s``)."""
        return self.text if self.text[:1] == "^" else self.text.lower()

    def __repr__(self) -> str:
        return f"TextMatcher({self.text!r})"


_PARSED: dict[str, TextMatcher] = {}


def is_pattern(text: str) -> bool:
    """Whether ``text`` is a glob or a regular expression."""
    return "*" in text or is_regex(text)


def is_regex(text: str) -> bool:
    """Whether ``text`` begins with ``^`` and ends with ``$``."""
    return len(text) > 1 and text[0] == "^" and text[-1] == "$"


def text_test(text: str) -> Callable[[str], bool]:
    """The test that the expression ``text`` means. Raises `InvalidPattern`."""
    if is_regex(text):
        try:
            return _remembering(Regex(text).search)
        except RegexError as error:
            raise InvalidPattern(text, str(error), span=(error.at, error.at + 1)) from error
    wanted = text.lower()
    if "*" not in wanted:
        return lambda value: value.lower() == wanted
    if not wanted.strip("*"):
        return lambda value: True
    return _glob_test(wanted.split("*"))


def _glob_test(pieces: list[str]) -> Callable[[str], bool]:
    """``pieces`` stand between the asterisks, in lower case."""
    head, *middle, tail = pieces
    middle = [piece for piece in middle if piece]
    if not middle and not tail:
        return lambda value: value.lower().startswith(head)
    return _remembering(partial(_glob_matches, head, tuple(middle), tail))


def _glob_matches(head: str, middle: tuple[str, ...], tail: str, value: str) -> bool:
    """Taking each middle piece as early as possible is never wrong, so nothing is ever tried twice."""
    value = value.lower()
    end = len(value) - len(tail)
    at = len(head)
    if at > end or not value.startswith(head) or not value.endswith(tail):
        return False
    for piece in middle:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _remembering(test: Callable[[str], bool]) -> Callable[[str], bool]:
    memory: dict[str, bool] = {}

    def remembered(value: str) -> bool:
        known = memory.get(value)
        if known is None:
            if len(memory) >= _MEMORY:
                memory.clear()
            known = memory[value] = test(value)
        return known

    return remembered
