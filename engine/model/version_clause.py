"""One clause of a version constraint: an operator and a version literal (CEP 29, "Version matching").

Rule of this file: text of one clause → its canonical text and what it matches. Where the CEP leaves room we do as
conda and mamba do: ``!=1.8`` excludes just 1.8 and ``!=1.8.*`` all of its family; ``.*`` after an ordering operator
means nothing; ``==1.8.*`` is ``1.8.*``; a plain ``*`` glued to a literal after ``<`` or ``>`` means the lowest
version of that family.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from engine.errors import InvalidVersionSpec, ParseError
from engine.model.intervals import EVERYTHING, Bounds, complement
from engine.model.text_match import is_regex, text_test
from engine.model.version import Version, compatible_bounds, version_prefix_bounds
from engine.model.version_key import HIGHEST, LOWEST, Key, after

Kind: TypeAlias = Literal["any", "exact", "fuzzy", "other"]

_CLAUSE = re.compile(r"(==|!=|<=|>=|~=|=|<|>|)\s*(.*)", re.DOTALL)
_STRANGE = re.compile(r"[^0-9a-z._+!*-]")


class Clause(msgspec.Struct, frozen=True):
    """What a clause matches: ``bounds`` of keys, or a ``test`` of the version's text where there are none."""

    text: str
    """Canonical: no spaces, lower case, ``1.8`` for equality, ``1.8.*`` for a family."""
    kind: Kind
    bounds: Bounds | None
    test: Callable[[str], bool] | None = None
    is_or: bool = False
    """Whether it is several clauses joined by ``|``."""


ANY = Clause("*", "any", EVERYTHING)


def parse_clause(source: str, start: int, end: int) -> Clause:
    """The clause ``source[start:end]``. Raises `InvalidVersionSpec` about ``source``."""
    text = source[start:end]
    try:
        if text[0] == "^" or text[-1] == "$":
            return _regex_clause(source, text, start)
        found = _CLAUSE.fullmatch(text)
        operator, literal = (found[1], found[2]) if found else ("", text)
        start += text.index(literal) if literal else 0
        return _operator_clause(source, operator, literal.lower(), (start, max(end, start + 1)))
    except InvalidVersionSpec:
        raise
    except ParseError as error:  # of the literal or of the pattern: say the same of the whole constraint
        low, high = error.span or (0, end - start)
        raise InvalidVersionSpec(source, error.reason, span=(start + low, start + high)) from error


def _regex_clause(source: str, text: str, start: int) -> Clause:
    if not is_regex(text):
        span = (start, start + len(text))
        raise InvalidVersionSpec(source, "a regular expression must begin with '^' and end with '$'", span=span)
    return Clause(text, "other", None, text_test(text))


def _operator_clause(source: str, operator: str, literal: str, span: tuple[int, int]) -> Clause:
    if not literal:
        raise InvalidVersionSpec(source, f"a version is missing after {operator!r}", span=span)
    if literal[0] in "=<>!~":
        raise InvalidVersionSpec(source, f"unknown operator {operator + literal[0]!r}", span=span)
    if literal.endswith("*."):  # "openblas 0.2.18.*." in real channels
        literal = literal[:-1]
    stem = literal.rstrip("*").removesuffix(".") if literal[-1] == "*" else literal
    if "*" in stem or (not stem and literal.strip("*")):
        return _glob_clause(source, operator, literal, span)
    if not stem:
        if operator in ("", "=", "==", ">="):
            return ANY
        raise InvalidVersionSpec(source, f"'*' can't follow {operator!r}", span=span)
    if operator in ("<", "<=", ">", ">="):
        glued = literal != stem and not literal.startswith(stem + ".")
        return _ordering_clause(operator, stem, glued=glued)
    return _equality_clause(source, operator, stem, is_family=stem != literal, span=span)


def _glob_clause(source: str, operator: str, literal: str, span: tuple[int, int]) -> Clause:
    """A literal with an asterisk before its end is matched as a text."""
    if strange := _STRANGE.search(literal):
        at = span[0] + strange.start()
        raise InvalidVersionSpec(source, f"{strange[0]!r} can't stand in a version", span=(at, at + 1))
    if operator in ("", "=", "=="):
        return Clause(literal, "other", None, text_test(literal))
    if operator == "!=":
        test = text_test(literal)
        return Clause(f"!={literal}", "other", None, lambda text: not test(text))
    raise InvalidVersionSpec(source, f"'*' can't stand in a version after {operator!r}", span=span)


def _ordering_clause(operator: str, stem: str, *, glued: bool) -> Clause:
    if glued:
        low: Key = version_prefix_bounds(stem)[0]
        bounds = (LOWEST, low) if operator[0] == "<" else (low, HIGHEST)
        return Clause(f"{operator}{stem}*", "other", bounds)
    key = Version.parse(stem).key
    bounds = {
        "<": (LOWEST, key),
        "<=": (LOWEST, after(key)),
        ">": (after(key), HIGHEST),
        ">=": (key, HIGHEST),
    }[operator]
    return Clause(operator + stem, "other", bounds)


def _equality_clause(source: str, operator: str, stem: str, *, is_family: bool, span: tuple[int, int]) -> Clause:
    if operator == "~=":
        if is_family:
            raise InvalidVersionSpec(source, "'*' can't follow '~='", span=span)
        return Clause(f"~={stem}", "other", compatible_bounds(stem))
    if is_family or operator == "=":
        bounds = version_prefix_bounds(stem)
        if operator == "!=":
            return Clause(f"!={stem}.*", "other", complement(bounds))
        return Clause(f"{stem}.*", "fuzzy", bounds)
    key = Version.parse(stem).key
    if operator == "!=":
        return Clause(f"!={stem}", "other", complement((key, after(key))))
    return Clause(stem, "exact", (key, after(key)))
