"""RESULTS.md is written by several benchmarks, each its own part of it, between two comments that name it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def put(path: Path, part: str, lines: Sequence[str]) -> None:
    """Replace a part of a file, or add it at the end; the other parts stay as they are."""
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    text = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
    body = "\n".join([begin, "", *lines, "", end])
    if begin in text and end in text:
        before, _, rest = text.partition(begin)
        text = before + body + rest.partition(end)[2]
    else:
        text = f"{text.rstrip()}\n\n{body}\n"
    path.write_text(text, encoding="utf-8")
