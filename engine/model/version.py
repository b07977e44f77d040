"""Version literals: text → `Version` (CEP 33).

Rule of this file: the grammar of a version and nothing of constraints (see `version_spec`) or of how versions are
ordered (see `version_key`). Parsing is done once for each text; from then on a version is its key.
"""

from __future__ import annotations

import re
from functools import total_ordering
from typing import Final

from engine.errors import InvalidVersion
from engine.model.version_key import (
    DEV,
    POST,
    Component,
    Interval,
    Key,
    prefix_bounds,
    prerelease_key,
    release_key,
    version_key,
)

MAX_LENGTH: Final = 64
"""In characters (CEP 26)."""
MAX_NUMBER: Final = 2**64 - 1
"""CEP 33 says 2**31 - 1, but channels hold greater ones (time stamps such as 8.9.20250723145140), and conda, mamba
and rattler read them; we refuse what mamba and rattler can't hold."""

_SIMPLE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})*)(?:([a-z]+)([0-9]{0,18}))?", re.ASCII)
"""A release, or one word and maybe a number after it: nearly all versions."""
_STRANGE = re.compile(r"[^0-9A-Za-z._+!-]+")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")


@total_ordering
class Version:
    """A version, ordered by CEP 33. Immutable; made by `parse`.

    Equal means equal in order: ``1.1`` equals ``1.1.0``. ``str()`` gives the text as it was written.
    """

    __slots__ = ("key", "text")

    text: Final[str]
    key: Final[Key]
    """Compares and hashes as the version does; for hot loops."""

    def __init__(self, text: str, key: Key) -> None:
        """Trusts that ``key`` belongs to ``text``."""
        self.text = text
        self.key = key

    @classmethod
    def parse(cls, text: str) -> Version:
        """The version that ``text`` says; the same object for the same text. Blanks around it are passed over.

        Raises `InvalidVersion`.
        """
        found = _PARSED.get(text)
        if found is None:
            found = _PARSED[text] = cls(text.strip(), key_of(text))
        return found

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: Version) -> bool:
        return self.key < other.key

    def __le__(self, other: Version) -> bool:
        return self.key <= other.key

    def __gt__(self, other: Version) -> bool:
        return self.key > other.key

    def __ge__(self, other: Version) -> bool:
        return self.key >= other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Version.parse, (self.text,)


_PARSED: dict[str, Version] = {}
_KEYS: dict[str, Key] = {}
"""One entry for each distinct text: some 100 000 in the greatest channel."""


def key_of(text: str) -> Key:
    """The key of the version that ``text`` says, for those who need nothing but the order. Raises `InvalidVersion`."""
    found = _KEYS.get(text)
    if found is None:
        found = _KEYS[text] = _parse_key(text)
    return found


def version_prefix_bounds(text: str) -> Interval:
    """The interval of keys of all versions that begin with the version ``text``. Raises `InvalidVersion`."""
    return prefix_bounds(*_parse_parts(text))


def compatible_bounds(text: str) -> Interval:
    """The interval of ``~=``: not below the version ``text``, and equal to it up to its last segment but one.

    ``~=1`` has no such segment, so only the epoch must be equal (as mamba and rattler read it). A local part counts
    for the lower bound alone. Raises `InvalidVersion`.
    """
    epoch, main, local = _parse_parts(text)
    low = version_key(epoch, main, local)
    return low, prefix_bounds(epoch, main[:-1], ())[1]


def _parse_key(text: str) -> Key:
    """The key of a version's text."""
    stripped = text.strip()
    simple = _SIMPLE.fullmatch(stripped)
    if simple is not None and len(stripped) <= MAX_LENGTH:
        release, word, number = simple.groups()
        if word is None:
            return release_key(0, list(map(int, release.split("."))))
        if word not in _SPECIAL:
            return prerelease_key(0, list(map(int, release.split("."))), word, int(number) if number else 0)
    return version_key(*_parse_parts(text))


_Segments = list[list[Component]]


def _parse_parts(source: str) -> tuple[int, _Segments, _Segments]:
    """Epoch, main and local segments of a version's text."""
    text = source.strip()
    start = len(source) - len(source.lstrip())
    _check_characters(source, text, start)
    epoch_text, mark, rest = text.rpartition("!")
    epoch = _parse_epoch(source, epoch_text, start) if mark else 0
    main_start = start + len(epoch_text) + len(mark)
    main_text, plus, local_text = rest.partition("+")
    main = _parse_segments(source, main_text, main_start)
    local_start = main_start + len(main_text) + 1
    if "+" in local_text:
        at = local_start + local_text.index("+")
        raise InvalidVersion(source, "there may be only one local part, after a single '+'", span=(at, at + 1))
    return epoch, main, _parse_segments(source, local_text, local_start) if plus else []


def _check_characters(source: str, text: str, start: int) -> None:
    if not text:
        raise InvalidVersion(source, "it is empty")
    if len(text) > MAX_LENGTH:
        raise InvalidVersion(source, f"it has {len(text)} characters, at most {MAX_LENGTH} are allowed")
    if strange := _STRANGE.search(text):
        span = (start + strange.start(), start + strange.end())
        reason = "only letters, digits and '.', '_', '-', '+', '!' are allowed in a version"
        raise InvalidVersion(source, reason, span=span)
    if "-" in text and "_" in text:  # conda, mamba and rattler refuse this too
        at = start + max(text.find("-"), text.find("_"))
        raise InvalidVersion(source, "'-' and '_' can't both separate its parts", span=(at, at + 1))


def _parse_epoch(source: str, text: str, start: int) -> int:
    if not text.isdigit():
        span = (start, start + max(1, len(text)))
        raise InvalidVersion(source, "the epoch before '!' must be one number", span=span)
    return _number(source, text, start)


def _parse_segments(source: str, text: str, start: int) -> _Segments:
    """The segments of a main or local part; ``start`` is where it begins in ``source``."""
    text = text.lower().replace("-", "_")
    tail = "_" if text.endswith("_") else ""  # belongs to the last segment: 1.0.1_ < 1.0.1a
    segments: _Segments = []
    for piece in text.removesuffix("_").replace("_", ".").split("."):
        if not piece:
            raise InvalidVersion(source, "a part of it is empty", span=(start, start + 1))
        segments.append(_parse_segment(source, piece, start))
        start += len(piece) + 1
    if tail:
        _append_underscore(segments[-1])
    return segments


def _parse_segment(source: str, text: str, start: int) -> list[Component]:
    components: list[Component] = [] if text[0] <= "9" else [0]
    for run in _RUNS.findall(text):
        if run[0] <= "9":
            components.append(_number(source, run, start))
        else:
            components.append(_SPECIAL.get(run, run))
        start += len(run)
    return components


_SPECIAL: dict[str, Component] = {"dev": DEV, "post": POST}
_SPECIAL_TEXT: dict[Component, str] = {value: text for text, value in _SPECIAL.items()}


def _append_underscore(segment: list[Component]) -> None:
    """Trailing underscores are part of the preceding string (CEP 33)."""
    last = segment[-1]
    last = _SPECIAL_TEXT.get(last, last)
    if isinstance(last, str):
        segment[-1] = last + "_"
    else:
        segment.append("_")


def _number(source: str, text: str, start: int) -> int:
    number = int(text)
    if number > MAX_NUMBER:
        raise InvalidVersion(source, f"a number is greater than {MAX_NUMBER}", span=(start, start + len(text)))
    return number
