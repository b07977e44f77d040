"""A transaction as a table, before the question whether to go on. Pure: values in, lines out.

The order and the words are micromamba's (its `MTransaction::print`), so that eyes and screen scrapers find
everything where it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.ui.text import human_bytes, plural, style, table, width

_HEADER = ("Package", "Version", "Build", "Channel", "Size")
_RIGHT = frozenset({1, 4})
_COLOURS = {"+": "green", "-": "red", "o": "yellow"}


class PlanRow(msgspec.Struct, frozen=True):
    """One package: ``mark`` is + for in, - for out, o for once more. ``size`` is a text ("30 MB", "Cached")."""

    mark: str
    name: str
    version: str
    build: str
    channel: str
    size: str


class PlanSection(msgspec.Struct, frozen=True):
    """All packages to which the same happens; a change of a package counts once in ``packages``, but has two rows."""

    title: str
    rows: tuple[PlanRow, ...]
    packages: int


class PlanView(msgspec.Struct, frozen=True):
    """Everything that the table shows."""

    prefix: str
    updating: tuple[str, ...]
    removing: tuple[str, ...]
    sections: tuple[PlanSection, ...]
    download_bytes: int


def plan_lines(view: PlanView, *, colours: bool = False) -> list[str]:
    """The lines of the table; where nothing is to be done, a sentence that says so."""
    lines = ["Transaction", "", f"  Prefix: {view.prefix}", ""]
    if not view.sections:
        return [*lines, f"  {_nothing(view)}", ""]
    for title, specs in (("Updating specs", view.updating), ("Removing specs", view.removing)):
        if specs:
            lines += [f"  {title}:", "", *(f"   - {spec}" for spec in specs), ""]
    lines += _body(view.sections, colours)
    return [*lines, *_summary(view), ""]


def _nothing(view: PlanView) -> str:
    return "All requested packages already installed" if view.updating else "Nothing to do"


def _body(sections: Sequence[PlanSection], colours: bool) -> list[str]:
    cells = [_HEADER, *(_cells(row) for section in sections for row in section.rows)]
    header, *rows = table(cells, _RIGHT)
    rule = "─" * (max(width(line) for line in (header, *rows)) + 2)
    lines, position = [header, rule], 0
    for section in sections:
        lines += [f"  {section.title}:", rule, ""]
        for row in section.rows:
            lines.append(style(rows[position], _COLOURS[row.mark], on=colours))
            position += 1
        lines.append("")
    return [*lines, "  Summary:", ""]


def _cells(row: PlanRow) -> tuple[str, ...]:
    return (f"{row.mark} {row.name}", row.version, row.build, row.channel, row.size)


def _summary(view: PlanView) -> list[str]:
    counts = [f"  {section.title}: {plural(section.packages, 'package')}" for section in view.sections]
    return [*counts, "", f"  Total download: {human_bytes(view.download_bytes)}"]
