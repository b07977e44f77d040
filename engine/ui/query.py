"""Answers about packages as lines: tables, trees and the page of one package. Pure: values in, lines out.

Columns, words and lines are micromamba's (its `query.cpp`), so that what reads those reads these. Only the blanks at
the ends of lines are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from engine.ui.text import one_line, style, table, width

_HEADER = ("Name", "Version", "Build", "", "", "Channel", "Subdir")
_HEADER_NEEDS = ("Name", "Version", "Build", "", "", "Depends", "Channel", "Subdir")
_RIGHT = frozenset({4})
_WIDTH = 40
"""The least width of a page's head."""
_MANY_VERSIONS = 5
"""More of them than that are shown as the two newest and the two oldest."""


DEEPEST = 100
"""Steps that a tree is indented by; real ones have fifteen. In a chain of all names that a channel has, each line would
be longer than the one before, and all of them gigabytes."""


class PackageRow(msgspec.Struct, frozen=True):
    """One line of a table. ``builds`` is how many there are of the version; ``depends`` what it says about another."""

    name: str
    version: str = ""
    build: str = ""
    channel: str = ""
    subdir: str = ""
    builds: int = 1
    depends: str | None = None


def package_table(rows: Sequence[PackageRow]) -> list[str]:
    """A table with a header; no lines at all for no rows."""
    if not rows:
        return []
    with_depends = rows[0].depends is not None
    return ruled_table([_HEADER_NEEDS if with_depends else _HEADER, *map(_cells, rows)], _RIGHT)


def _cells(row: PackageRow) -> tuple[str, ...]:
    depends = () if row.depends is None else (row.depends,)
    return (row.name, row.version, row.build, *_more_builds(row.builds), *depends, row.channel, row.subdir)


def _more_builds(builds: int) -> tuple[str, str]:
    return ("(+", f"{builds - 1} builds)") if builds > 1 else ("", "")


def ruled_table(cells: Sequence[Sequence[str]], right: frozenset[int]) -> list[str]:
    """Aligned columns with a line of the whole width below the first row."""
    header, *lines = table(cells, right, padding=1)
    shown = [map(width, map(one_line, column)) for column in zip(*cells, strict=True)]
    return [header, "─" * (sum(max(widths) + 1 for widths in shown) + 1), *lines]


def tree_lines(
    labels: Sequence[str], names: Sequence[str], edges: Sequence[Sequence[int]], *, colours: bool = False
) -> Iterator[str]:
    """A graph as a tree from node 0 on. What was shown before is named, but not unfolded again; what is deeper than
    `DEEPEST` stands no further to the right."""
    yield one_line(labels[0])
    seen = {0}
    stack = [("  ", iter(edges[0]), len(edges[0]))]
    while stack:
        lead, rest, left = stack.pop()
        child = next(rest, None)
        if child is None:
            continue
        stack.append((lead, rest, left - 1))
        branch = f"{lead}{'└─ ' if left == 1 else '├─ '}"
        if child in seen:
            yield f"{branch}{one_line(names[child])}{style(' already visited', 'dim', on=colours)}"
            continue
        seen.add(child)
        deeper = len(stack) < DEEPEST
        note = "" if len(stack) != DEEPEST or not edges[child] else style(" not indented further", "dim", on=colours)
        yield branch + one_line(labels[child]) + note
        further = lead + ("   " if left == 1 else "│  ") if deeper else lead
        stack.append((further, iter(edges[child]), len(edges[child])))


class Page(msgspec.Struct, frozen=True):
    """All that is shown of one name: the facts of its best build, and what else there is."""

    facts: Mapping[str, Any]
    """In the keys of ``--json``."""
    more_builds: int = 0
    """Of the same version."""
    others: tuple[tuple[str, str, int], ...] = ()
    """Version, build and number of builds of the rest, newest first."""
    by_build: bool = False
    """Whether ``others`` are single builds instead of versions."""


def page_lines(page: Page) -> list[str]:
    """The page of one package."""
    facts = page.facts
    more = f" (+ {page.more_builds} builds)" if page.more_builds else ""
    head = f"{facts['name']} {facts['version']} {facts['build']}{more}"
    lines = [f"{head:^{_WIDTH}}".rstrip(), "─" * max(_WIDTH, len(head)), "", *_metadata(facts)]
    for title, key in (("Run Constraints", "constrains"), ("Dependencies", "depends")):
        if facts[key]:
            lines += ["", f" {title}:", *(f"  - {text}" for text in facts[key])]
    return [*map(one_line, lines), *_others(page), ""]


_FIELDS: tuple[tuple[str, Callable[[Mapping[str, Any]], object]], ...] = (
    ("Name", lambda facts: facts["name"]),
    ("Version", lambda facts: facts["version"]),
    ("Build", lambda facts: facts["build"]),
    ("Size", lambda facts: f"{facts['size'] // 1000} kB"),
    ("License", lambda facts: facts["license"]),
    ("Subdir", lambda facts: facts["subdir"]),
    ("File Name", lambda facts: facts["fn"]),
    ("URL", lambda facts: facts["url"]),
    ("MD5", lambda facts: facts.get("md5") or "Not available"),
    ("SHA256", lambda facts: facts.get("sha256") or "Not available"),
)
_OPTIONAL = (("Track Features", "track_features"), ("Site-packages", "python_site_packages_path"))


def _metadata(facts: Mapping[str, Any]) -> Iterator[str]:
    for title, value in _FIELDS:
        yield f" {title:<15} {value(facts)}".rstrip()
    for title, key in _OPTIONAL:
        if facts.get(key):
            yield f" {title:<15} {facts[key]}"


def _others(page: Page) -> list[str]:
    if not page.others:
        return []
    rows = [(version, build, *_more_builds(builds)) for version, build, builds in page.others]
    if not page.by_build and len(rows) > _MANY_VERSIONS:
        rows = [*rows[:2], ("...", f"({len(rows) - 4} hidden versions)", "", "..."), *rows[-2:]]
    title = f" Other {'Builds' if page.by_build else 'Versions'} ({len(page.others)}):"
    cells = [("Version", "Build", "", ""), *rows]
    return ["", title, "", *(f" {line}" for line in ruled_table(cells, frozenset({3})))]
