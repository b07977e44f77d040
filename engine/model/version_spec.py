"""Version constraints: text → `VersionSpec` (CEP 29, "Version matching").

Rule of this file: how clauses are joined by ``,`` (and), ``|`` (or, which binds looser) and parentheses. What a
clause means is in `version_clause`. A constraint becomes sorted bounds of version keys wherever it can, so that
matching is one or two comparisons of tuples however long the text was; only globs and regular expressions need to
look at the version's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from engine.errors import InvalidVersionSpec
from engine.model.intervals import Bounds, contains_function, intersection, union
from engine.model.version import Version
from engine.model.version_clause import Clause, Kind, parse_clause
from engine.model.version_key import HIGHEST, LOWEST

MAX_LENGTH: Final = 4096
"""In characters."""
MAX_DEPTH: Final = 40
"""Of parentheses in parentheses."""

# A regular expression is one token, whatever it holds; conda cuts it the same way.
_FLAT = re.compile(r"[^\s(),|^$]+(?:,[^\s(),|^$]+)*")
"""One clause, or some that must all be met: nearly all constraints."""
_TOKEN = re.compile(r"\s*(?:(\^[^$]*\$)|([(),|])|([^(),|^]+|\^))")


class VersionSpec:
    """A version constraint. Immutable; made by `parse`, which gives one object for one text.

    ``str()`` is canonical, and equal constraints are those of equal canonical text.
    """

    __slots__ = ("bounds", "exact", "kind", "matches", "text")

    text: Final[str]
    kind: Final[Kind]
    """"any" (``*``), "exact" (``1.8``), "fuzzy" (``1.8.*``) or "other"."""
    bounds: Final[Bounds | None]
    """What matches, as sorted half-open intervals ``(low, high, low, high, …)`` of `Version.key`; None if the text
    of a version must be looked at. With sorted versions, two bisections find all that match."""
    exact: Final[Version | None]
    """The version, if only it (and its equals) match."""
    matches: Final[Callable[[Version], bool]]
    """Whether a version meets the constraint. A function kept ready, since a solve calls it millions of times."""

    def __init__(self, text: str, kind: Kind, bounds: Bounds | None, matches: Callable[[Version], bool]) -> None:
        """Trusts its arguments."""
        self.text, self.kind, self.bounds, self.matches = text, kind, bounds, matches
        self.exact = Version.parse(text) if kind == "exact" else None

    @classmethod
    def parse(cls, text: str) -> VersionSpec:
        """Raises `InvalidVersionSpec`."""
        found = _PARSED.get(text)
        if found is None:
            node = _flat(text) if len(text) <= MAX_LENGTH and _FLAT.fullmatch(text) else _Parser(text).parse()
            known = _PARSED.get(node.text)
            found = _PARSED[text] = known or cls(node.text, node.kind, node.bounds, _matches_function(node))
            _PARSED.setdefault(node.text, found)
        return found

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, VersionSpec) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"VersionSpec({self.text!r})"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return VersionSpec.parse, (self.text,)


_PARSED: dict[str, VersionSpec] = {}
"""One entry for each distinct text: some 30 000 in the greatest channel."""


def _matches_function(node: Clause) -> Callable[[Version], bool]:
    bounds, test = node.bounds, node.test
    if bounds is None:
        text_test = test or (lambda text: False)
        return lambda version: text_test(version.text)
    if len(bounds) == 2 and node.kind != "any":  # spelled out to save a call: nearly all constraints
        low, high = bounds
        if low == LOWEST:
            return lambda version: version.key < high
        if high == HIGHEST:
            return lambda version: version.key >= low
        return lambda version: low <= version.key < high
    contains = contains_function(bounds)
    return lambda version: contains(version.key)


def _flat(source: str) -> Clause:
    """What `_Parser` makes of a constraint without parentheses, "or", blanks and regular expressions, but sooner."""
    clauses, start = [], 0
    for text in source.split(","):
        end = start + len(text)
        clauses.append(parse_clause(source, start, end))
        start = end + 1
    return clauses[0] if len(clauses) == 1 else _join(",", clauses)


class _Parser:
    """Recursive descent, bounded in depth and length."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_LENGTH:
            raise InvalidVersionSpec(source, f"it has {len(source)} characters, at most {MAX_LENGTH} are allowed")
        self.source = source
        self.tokens = _tokens(source)
        self.at = 0

    def parse(self) -> Clause:
        if not self.tokens:
            raise InvalidVersionSpec(self.source, "it is empty")
        node = self._any(0)
        if self.at < len(self.tokens):
            raise self._unexpected()
        return node

    def _peek(self) -> str:
        if self.at == len(self.tokens):
            return ""
        start, end = self.tokens[self.at]
        return self.source[start:end]

    def _any(self, depth: int) -> Clause:
        return self._joined("|", lambda: self._all(depth))

    def _all(self, depth: int) -> Clause:
        return self._joined(",", lambda: self._one(depth))

    def _joined(self, separator: str, parse_part: Callable[[], Clause]) -> Clause:
        parts = [parse_part()]
        while self._peek() == separator:
            self.at += 1
            parts.append(parse_part())
        return parts[0] if len(parts) == 1 else _join(separator, parts)

    def _one(self, depth: int) -> Clause:
        token = self._peek()
        if token in ("", "|", ",", ")"):
            raise self._unexpected()
        start, end = self.tokens[self.at]
        self.at += 1
        if token != "(":
            return parse_clause(self.source, start, end)
        if depth == MAX_DEPTH:
            raise InvalidVersionSpec(
                self.source, f"parentheses are nested more than {MAX_DEPTH} deep", span=(start, end)
            )
        node = self._any(depth + 1)
        if self._peek() != ")":
            raise InvalidVersionSpec(self.source, "this '(' is never closed", span=(start, end))
        self.at += 1
        return node

    def _unexpected(self) -> InvalidVersionSpec:
        size = len(self.source)
        span = self.tokens[self.at] if self.at < len(self.tokens) else (size, size + 1)
        if self._peek() == ")":
            return InvalidVersionSpec(self.source, "this ')' closes nothing", span=span)
        expected = "',' or '|'" if self.at and self._peek() not in ("|", ",", "") else "a version"
        found = repr(self._peek()) if self._peek() else "the end"
        return InvalidVersionSpec(self.source, f"expected {expected}, found {found}", span=span)


def _tokens(source: str) -> list[tuple[int, int]]:
    """Where the tokens of a constraint are; blanks around them are left out."""
    tokens = []
    for found in _TOKEN.finditer(source):
        start, end = found.span(found.lastindex or 0)
        end = start + len(source[start:end].rstrip())
        if end > start:
            tokens.append((start, end))
    return tokens


def _join(separator: str, parts: list[Clause]) -> Clause:
    """Parts of an "and" or an "or" as one."""
    text = separator.join(_nested_text(separator, part) for part in parts)
    bounds = [part.bounds for part in parts if part.bounds is not None]
    if len(bounds) == len(parts):
        joined = union(bounds) if separator == "|" else intersection(bounds)
        return Clause(text, "other", joined, is_or=separator == "|")
    tests = tuple(map(_text_function, parts))
    if separator == "|":
        return Clause(text, "other", None, lambda text: any(test(text) for test in tests), is_or=True)
    return Clause(text, "other", None, lambda text: all(test(text) for test in tests))


def _nested_text(separator: str, part: Clause) -> str:
    """Only an "or" within an "and" needs parentheses."""
    return f"({part.text})" if separator == "," and part.is_or else part.text


def _text_function(part: Clause) -> Callable[[str], bool]:
    """The test of a version's text that a part means; ``part`` has bounds or a test."""
    if part.test is not None:
        return part.test
    contains = contains_function(part.bounds or ())
    return lambda text: contains(Version.parse(text).key)
