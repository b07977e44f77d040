"""An answer, wherever it comes from: what callers of `Transport.open` see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Protocol

MAX_DIGITS = 18
"""Of a number that is one: no file is longer, and Python refuses to read numbers of thousands of digits."""


class Headers(Mapping[str, str]):
    """Header fields; names are found in any case, and of repeated ones the last counts."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = {name.lower(): value for name, value in fields}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def number(self, name: str) -> int | None:
        """The value of a field that must be a natural number, such as Content-Length; None if absent or malformed."""
        text = self.get(name, "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


class Response(Protocol):
    """A status, header fields and a body that is still on its way."""

    @property
    def status(self) -> int:
        """200, 206 (part of it), 304 (what you have is still right), 404 (there is nothing) or 416 (no such part)."""

    @property
    def headers(self) -> Headers:
        """Its header fields."""

    @property
    def url(self) -> str:
        """Where it came from in the end, after redirects. May hold secrets."""

    @property
    def base(self) -> str:
        """The mirror that it came from; empty where the channel has none."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises `NetworkError` where the connection breaks. Use it once."""
