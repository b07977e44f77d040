"""Regular expressions that can't run away: any pattern takes time proportional to pattern x text.

Rule of this file: patterns come from servers and from users, so nothing here backtracks. A pattern becomes a small
program (characters, forks, anchors) whose possible positions are followed all at once; the steps already seen are
remembered. CEP 29 discourages what such programs can't do (look-around, back-references), so it is refused with its
place, as is everything of Python's syntax that nobody writes in a package specification.

Supported: literals, ``.``, ``[a-z]``, ``[^…]``, ``\\d \\w \\s`` and their opposites, escaped punctuation, groups
``(…)`` and ``(?:…)``, ``|``, ``* + ? {m} {m,} {m,n}`` (also lazy), ``^`` and ``$``. Case is ignored.
"""

from __future__ import annotations

import string
from typing import Final

MAX_PATTERN: Final = 1024
"""In characters."""
MAX_PROGRAM: Final = 4096
"""In instructions; bounds what ``{m,n}`` may blow up to."""
MAX_DEPTH: Final = 40
"""Of groups in groups."""
_MAX_STEPS: Final = 2048
"""How many steps are remembered before the memory is wiped."""


class RegexError(ValueError):
    """The pattern is not supported; ``at`` is where."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.at = at


class _Chars:
    """One character out of a set (or not out of it), in lower case."""

    __slots__ = ("members", "negated")

    def __init__(self, members: frozenset[str], negated: bool = False) -> None:
        self.members, self.negated = members, negated


class _Fork:
    """Go on at both of two places."""

    __slots__ = ("first", "second")

    def __init__(self, first: int, second: int) -> None:
        self.first, self.second = first, second


_START: Final = "^"
_END: Final = "$"
_MATCH: Final = "match"
_Instruction = _Chars | _Fork | str
_Code = list[_Instruction]
"""Jumps are relative to the instruction, so that code can be repeated and joined."""

_WORD = frozenset(string.ascii_lowercase + string.digits + "_")
_CLASSES = {"d": frozenset(string.digits), "w": _WORD, "s": frozenset(" \t\n\r\f\v")}
_ANY = _Chars(frozenset("\n"), negated=True)


class Regex:
    """A compiled pattern. Raises `RegexError` if the pattern is not supported."""

    __slots__ = ("_begin", "_code", "_restart", "_steps")

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MAX_PATTERN:
            raise RegexError(f"it has {len(pattern)} characters, at most {MAX_PATTERN} are allowed", MAX_PATTERN)
        self._code: _Code = [*_Parser(pattern).parse(), _MATCH]
        self._begin = self._closure([0], at_start=True)
        self._restart = self._closure([0])
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in ``text`` (as `re.search` with IGNORECASE)."""
        end = len(self._code) - 1
        state = self._begin
        for character in text.lower():
            if end in state:
                return True
            state = self._steps.get((state, character)) or self._step(state, character)
        return end in state or end in self._closure(state, at_start=not text, at_end=True)

    def _step(self, state: frozenset[int], character: str) -> frozenset[int]:
        """The state after one more character."""
        code = self._code
        reached = [
            at + 1
            for at in state
            if isinstance(one := code[at], _Chars) and (character in one.members) is not one.negated
        ]
        if len(self._steps) >= _MAX_STEPS:
            self._steps.clear()
        after = self._steps[state, character] = self._closure(reached) | self._restart
        return after

    def _closure(
        self, places: list[int] | frozenset[int], *, at_start: bool = False, at_end: bool = False
    ) -> frozenset[int]:
        """The places reachable without a character; anchors stay as places so that the end may pass them."""
        pending = list(places)
        seen: set[int] = set()
        while pending:
            at = pending.pop()
            if at in seen:
                continue
            seen.add(at)
            instruction = self._code[at]
            if isinstance(instruction, _Fork):
                pending += (at + instruction.first, at + instruction.second)
            elif (instruction == _START and at_start) or (instruction == _END and at_end):
                pending.append(at + 1)
        return frozenset(seen)


class _Parser:
    """Recursive descent over a pattern, bounded in depth and in the size of what it makes."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0

    def parse(self) -> _Code:
        code = self._alternatives()
        if self.at < len(self.pattern):
            raise RegexError("this ')' closes nothing", self.at)
        return code

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise RegexError("the pattern ends too early", len(self.pattern))
        self.at += 1
        return character

    def _alternatives(self) -> _Code:
        branches = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._sequence())
        code = branches.pop()
        while branches:
            before = branches.pop()
            # fork to either branch; the first one jumps over the second (a fork with equal arms is a jump)
            code = [_Fork(1, len(before) + 2), *before, _Fork(len(code) + 1, len(code) + 1), *code]
        return self._bounded(code)

    def _sequence(self) -> _Code:
        code: _Code = []
        while self._peek() not in ("", "|", ")"):
            start = self.at
            code += self._repeated(self._atom(), start)
            self._bounded(code)
        return code

    def _bounded(self, code: _Code) -> _Code:
        if len(code) > MAX_PROGRAM:
            raise RegexError("it repeats too much", self.at - 1)
        return code

    def _repeated(self, code: _Code, start: int) -> _Code:
        """``code`` with the quantifier that follows it, if one does."""
        quantifier = self._peek()
        if quantifier not in ("*", "+", "?", "{") or not quantifier:
            return code
        if code in ([_START], [_END]):
            raise RegexError(f"there is nothing to repeat before {quantifier!r}", start)
        self.at += 1
        low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(quantifier) or self._counts()
        if self._peek() == "?":
            self.at += 1  # lazy and greedy find the same
        if self._peek() in ("*", "+", "{") and self._peek():
            raise RegexError("a quantifier can't follow a quantifier", self.at)
        size = len(code)
        self._bounded([*code] if size * max(low, high or 0, 1) <= MAX_PROGRAM else [_MATCH] * (MAX_PROGRAM + 1))
        if high is None:
            return [*(code * low), _Fork(1, size + 2), *code, _Fork(-size - 1, -size - 1)]
        return [*(code * low), *([_Fork(1, size + 1), *code] * (high - low))]

    def _counts(self) -> tuple[int, int | None]:
        """The inside of ``{m}``, ``{m,}`` or ``{m,n}``."""
        start = self.at
        end = self.pattern.find("}", start)
        first, comma, second = self.pattern[start : max(end, start)].partition(",")
        if end < 0 or not first.isdecimal() or (second and not second.isdecimal()) or len(first + second) > 8:
            raise RegexError("expected {m}, {m,} or {m,n}", start - 1)
        self.at = end + 1
        low, high = int(first), int(second) if second else None if comma else int(first)
        if high is not None and high < low:
            raise RegexError("the second number is smaller than the first", start)
        return low, high

    def _atom(self) -> _Code:
        start = self.at
        character = self._take()
        if character == "(":
            return self._group(start)
        if character == "[":
            return [self._set(start)]
        if character == "\\":
            return [_Chars(*self._escape())]
        if character == ".":
            return [_ANY]
        if character in (_START, _END):
            return [character]
        if character in "*+?{":
            raise RegexError(f"there is nothing to repeat before {character!r}", start)
        return [_Chars(frozenset(character.lower()))]

    def _group(self, start: int) -> _Code:
        if self.pattern.startswith("?:", self.at):
            self.at += 2
        elif self._peek() == "?":
            raise RegexError("look-around, flags and named groups are not supported", start)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RegexError(f"groups are nested more than {MAX_DEPTH} deep", start)
        code = self._alternatives()
        self.depth -= 1
        if self._peek() != ")":
            raise RegexError("this '(' is never closed", start)
        self.at += 1
        return code

    def _escape(self) -> tuple[frozenset[str], bool]:
        """What follows a backslash: members, and whether they are excluded."""
        start = self.at - 1
        character = self._take()
        if character.lower() in _CLASSES:
            return _CLASSES[character.lower()], character.isupper()
        if character.isalnum():
            raise RegexError(f"\\{character} is not supported", start)
        return frozenset(character), False

    def _set(self, start: int) -> _Chars:
        """The inside of ``[…]``."""
        negated = self._peek() == "^"
        self.at += negated
        members: set[str] = set()
        first = True
        while first or self._peek() != "]":
            if not self._peek():
                raise RegexError("this '[' is never closed", start)
            members |= self._set_item()
            first = False
        self.at += 1
        return _Chars(frozenset(members), negated)

    def _set_item(self) -> frozenset[str]:
        start = self.at
        character = self._take()
        if character == "\\":
            found, excluded = self._escape()
            if excluded:
                raise RegexError("an excluding class can't stand in a set", start)
            if len(found) > 1:
                return found
            (character,) = found
        if self._peek() != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return frozenset(character.lower())
        self.at += 1
        last = self._take()
        if last == "\\":
            (last,) = self._escape()[0] if self._peek() not in "dwsDWS" else ("",)
        if not last or ord(last) < ord(character) or ord(last) > 127:
            raise RegexError("a range must rise, within ASCII", start)
        return frozenset(chr(code).lower() for code in range(ord(character), ord(last) + 1))
