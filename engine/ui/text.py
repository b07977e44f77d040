"""Numbers, tables and colours as text. Pure functions; every unit is decimal, as micromamba prints them."""

from __future__ import annotations

from collections.abc import Sequence

_STYLES = {"green": "32", "red": "31", "yellow": "33", "bold": "1", "dim": "2", "cyan": "36"}


def human_bytes(count: float) -> str:
    """A size for people: ``182 MB``, ``1.4 kB``; no digits that nobody reads."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def human_seconds(seconds: float) -> str:
    """A duration for people: ``32 ms``, ``1.8 s``, ``2 min 5 s``."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def plural(count: int, noun: str) -> str:
    """``1 package``, ``12 700 files``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}".replace(",", " ")


def style(text: str, kind: str, *, on: bool) -> str:
    """``text`` in a colour or weight, where colours are on."""
    return f"\x1b[{_STYLES[kind]}m{text}\x1b[0m" if on and text else text


_CONTROL = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
"""All control characters but tab and line feed → how they are shown."""


def plain(text: str) -> str:
    """``text`` without the power over a terminal: an index or a server may put escape sequences into any name."""
    return text if text.isprintable() else text.translate(_CONTROL)


def one_line(text: str) -> str:
    """The same for what must stay on one line."""
    return plain(text).replace("\n", "\\n")


def width(text: str) -> int:
    """How many columns of a terminal ``text`` takes: two for wide East Asian characters, none for combining ones."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def _padded(cell: str, wanted: int, *, to_right: bool) -> str:
    space = " " * (wanted - width(cell))
    return space + cell if to_right else cell + space


def table(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset(), padding: int = 2) -> list[str]:
    """Lines of aligned columns; columns in ``right`` are flush right, each column is led by ``padding`` spaces."""
    if not rows:
        return []
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    space = " " * padding
    return [
        "".join(
            space + _padded(cell, wanted, to_right=column in right)
            for column, (cell, wanted) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
