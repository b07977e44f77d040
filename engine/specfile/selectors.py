"""Selectors of environment.yml: what counts on some platforms only (CEP 24, "Preprocessing selectors"). Pure.

Two kinds: ``sel(win): pywin32`` as micromamba has it, with one word; and ``- pywin32  # [win and not arm64]``
as conda-lock has it, with ``and``, ``or``, ``not`` and parentheses. A comment in brackets that is no such expression
is a comment.
"""

from __future__ import annotations

import re
from typing import Final

from engine.model.platform import KNOWN_SUBDIRS, NOARCH, is_linux, is_osx, is_windows

_COMMENT_RE: Final = re.compile(r"(?:^|\s)#\s*\[(?P<expression>[^\[\]]*)\]")
_TOKEN_RE: Final = re.compile(r"\s*([A-Za-z_]\w*|[()])", re.ASCII)
_OPERATORS: Final = frozenset({"and", "or", "not", "(", ")"})
_MACHINES: Final = sorted({name.rpartition("-")[2] for name in KNOWN_SUBDIRS if name != NOARCH} - {"32", "64"})


def variables(platform: str) -> dict[str, bool]:
    """The words that a selector may use, and which of them are true (conda-build 25.1's, and ``osx64``, ``x64``)."""
    system, _, arch = platform.partition("-")
    found = {machine: arch == machine for machine in _MACHINES}
    for name in ("linux", "osx", "win", "freebsd", "emscripten", "wasi", "zos"):
        found[name] = system == name
    for name in ("linux", "osx", "win"):
        found |= {f"{name}{bits}": platform == f"{name}-{bits}" for bits in ("32", "64")}
    found |= {
        "unix": is_linux(platform) or is_osx(platform) or system == "emscripten",
        "x86": arch in {"32", "64"},
        "x86_64": arch == "64",
        "x64": arch == "64",
        "arm": is_linux(platform) and arch.startswith("arm"),
    }
    return found


def select(expression: str, platform: str) -> bool:
    """Whether the one word in ``sel(…)`` is true; raises `ValueError` for anything else (CEP 24 allows four words)."""
    words = {
        "unix": is_linux(platform) or is_osx(platform),
        "linux": is_linux(platform),
        "osx": is_osx(platform),
        "win": is_windows(platform),
    }
    word = expression.strip()
    if word not in words:
        raise ValueError(f"sel({expression}) can't be told, expected one of {', '.join(words)}")
    return words[word]


def drop_lines(text: str, platform: str) -> str:
    """The text without the lines whose selector is false; they become empty, so that lines keep their numbers.

    Raises `SelectorError` for an expression of known words that is malformed.
    """
    if "[" not in text:
        return text
    values = variables(platform)
    lines = text.split("\n")
    return "\n".join("" if _is_dropped(line, number, values) else line for number, line in enumerate(lines, 1))


class SelectorError(ValueError):
    """A malformed expression in a comment."""

    def __init__(self, reason: str, line: int) -> None:
        self.line = line
        super().__init__(reason)


def _is_dropped(line: str, number: int, values: dict[str, bool]) -> bool:
    found = _COMMENT_RE.search(line) if "#" in line else None
    if not found:
        return False
    tokens = _tokens(found["expression"], values)
    if tokens is None:
        return False
    value = _Expression(tokens, values).value()
    if value is None:
        raise SelectorError(f"the selector [{found['expression']}] is malformed", number)
    return not value


def _tokens(expression: str, values: dict[str, bool]) -> list[str] | None:
    """The words and parentheses of an expression; None if it is a remark in brackets."""
    tokens: list[str] = []
    position, end = 0, len(expression.rstrip())
    while position < end:
        found = _TOKEN_RE.match(expression, position)
        if not found or (found[1] not in values and found[1] not in _OPERATORS):
            return None
        tokens.append(found[1])
        position = found.end()
    return tokens or None


class _Expression:
    """``or`` of ``and`` of ``not`` of words and parentheses; None means malformed, and stays so."""

    def __init__(self, tokens: list[str], values: dict[str, bool]) -> None:
        self.tokens, self.values = tokens[::-1], values

    def value(self) -> bool | None:
        """The value of all tokens."""
        found = self._any()
        return None if self.tokens else found

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[-1] == token:
            self.tokens.pop()
            return True
        return False

    def _any(self) -> bool | None:
        found = self._all()
        while self._take("or"):
            other = self._all()
            found = None if found is None or other is None else found or other
        return found

    def _all(self) -> bool | None:
        found = self._one()
        while self._take("and"):
            other = self._one()
            found = None if found is None or other is None else found and other
        return found

    def _one(self) -> bool | None:
        negations = 0
        while self._take("not"):
            negations += 1
        found: bool | None
        if self._take("("):
            found = self._any()
            found = found if self._take(")") else None
        else:
            found = self.values.get(self.tokens.pop()) if self.tokens else None
        return None if found is None else found ^ bool(negations % 2)
