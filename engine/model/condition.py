"""The value of ``when``: package specifications joined by ``and``, ``or`` and parentheses (CEP 43).

Rule of this file: the shape of a condition and nothing of when it holds. How an inner specification is read is
handed in, so that this file knows none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from engine.errors import InvalidMatchSpec

if TYPE_CHECKING:
    from engine.model.match_spec import MatchSpec

MAX_DEPTH: Final = 20
"""Of parentheses in parentheses."""
_JOINTS: Final = "<>=!~,|"
"""What stands between a name and its version, or within a version; it begins or ends no specification."""
_NOT_OF_A_VERSION: Final = frozenset({"", "(", ")", "and", "or"})


class Joined(msgspec.Struct, frozen=True):
    """Conditions of which all (``and``) or any (``or``) must hold."""

    operator: Literal["and", "or"]
    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        nested = (
            f"({part})" if isinstance(part, Joined) and self.operator == "and" else str(part) for part in self.parts
        )
        return f" {self.operator} ".join(nested)


Condition: TypeAlias = "Joined | MatchSpec"


def parse_condition(text: str, parse_spec: Callable[[str], MatchSpec]) -> Condition:
    """``python>=3.10 and (__unix or __win)`` as a tree; ``and`` binds tighter. Raises `InvalidMatchSpec`."""
    return _Parser(text, parse_spec).parse()


class _Parser:
    def __init__(self, source: str, parse_spec: Callable[[str], MatchSpec]) -> None:
        self.source, self.parse_spec = source, parse_spec
        self.tokens = [*_tokens(source)]
        self.at = 0

    def parse(self) -> Condition:
        tree = self._joined(0, "or")
        if self.at < len(self.tokens):
            raise self._unexpected("'and' or 'or'")
        return tree

    def _peek(self) -> str:
        return self.source[slice(*self.tokens[self.at])] if self.at < len(self.tokens) else ""

    def _joined(self, depth: int, operator: Literal["and", "or"]) -> Condition:
        parts: list[Condition] = []
        while not parts or self._peek() == operator:
            self.at += bool(parts)
            part = self._joined(depth, "and") if operator == "or" else self._one(depth)
            same = isinstance(part, Joined) and part.operator == operator
            parts += part.parts if isinstance(part, Joined) and same else (part,)
        return parts[0] if len(parts) == 1 else Joined(operator, tuple(parts))

    def _one(self, depth: int) -> Condition:
        token = self._peek()
        if token in ("", ")", "and", "or"):
            raise self._unexpected("a package specification")
        start, end = self.tokens[self.at]
        self.at += 1
        if token != "(":
            end = self._end_of_version(end)
            return self._spec(self.source[start:end], start, end)
        if depth == MAX_DEPTH:
            reason = f"parentheses are nested more than {MAX_DEPTH} deep"
            raise InvalidMatchSpec(self.source, reason, span=(start, end))
        tree = self._joined(depth + 1, "or")
        if self._peek() != ")":
            raise InvalidMatchSpec(self.source, "this '(' is never closed", span=(start, end))
        self.at += 1
        return tree

    def _end_of_version(self, end: int) -> int:
        """Where the specification ends whose name ends at ``end``, if its version stands apart (``python >=3.10``).

        CEP 43 wants no blank there, but people and other tools write one, and it can't mean anything else.
        """
        while (after := self._peek()) not in _NOT_OF_A_VERSION and (
            after[0] in _JOINTS or self.source[end - 1] in _JOINTS
        ):
            end = self.tokens[self.at][1]
            self.at += 1
        return end

    def _spec(self, token: str, start: int, end: int) -> Condition:
        try:
            return self.parse_spec(token)
        except InvalidMatchSpec as error:
            raise InvalidMatchSpec(self.source, error.reason, span=(start, end)) from error

    def _unexpected(self, expected: str) -> InvalidMatchSpec:
        size = len(self.source)
        span = self.tokens[self.at] if self.at < len(self.tokens) else (size, size + 1)
        found = repr(self._peek()) if self._peek() else "the end"
        return InvalidMatchSpec(self.source, f"expected {expected}, found {found}", span=span)


def _tokens(source: str) -> Iterator[tuple[int, int]]:
    """Where words and parentheses are; blanks and parentheses in brackets or quotes separate nothing."""
    start: int | None = None
    depth, quote = 0, ""
    for at, character in enumerate(source + " "):
        if quote:
            quote = "" if character == quote else quote
        elif depth and character in "'\"":
            quote = character
        elif character in "[]":
            depth = max(0, depth + (1 if character == "[" else -1))
        elif not depth and (character.isspace() or character in "()"):
            if start is not None:
                yield start, at
            start = None
            if character in "()":
                yield at, at + 1
            continue
        start = at if start is None else start
    if start is not None and start < len(source):
        yield start, len(source)
