"""``search`` (the same as ``repoquery search``): which packages there are."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.commands.options import add_flag
from engine.commands.repoquery import OPTIONS, Query, fact, query_arguments
from engine.commands.rows import names_of_channels
from engine.model.records import RepoDataRecord
from engine.query.catalog import newness
from engine.query.search import Versions, grouped, search
from engine.ui.query import PackageRow, Page, package_table, page_lines

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options, and conda's."""
    query_arguments(parser)
    add_flag(parser, "--envs", dest="envs", help="look in all environments of this user")
    for flag in ("--outdated", "--spec"):  # conda has given them up, and takes them
        add_flag(parser, flag, dest="ignored", help=SUPPRESS)


def run(args: Namespace, app: App) -> int:
    """A page for each name; a table where names have wildcards in them."""
    if vars(args).get("envs"):
        from engine.commands.search_envs import search_environments

        return search_environments(args.specs, app)
    query = Query("search", args, app, local=False)
    found = search(query.catalog, query.specs)
    if not found:
        query.answer_nothing()
    elif app.out.json:
        query.answer_json(sorted(found, key=newness, reverse=True))
    elif query.asked.get("pretty") or not any("*" in word for word in query.words):
        show_all = app.config.verbose > 0
        pages = _pages(grouped(found).values(), names_of_channels(app, found), show_all)
        app.out.data("".join(f"{line}\n" for line in pages))
    else:
        names = names_of_channels(app, found)
        app.out.data("\n".join(package_table(list(_rows(query, found, names)))))
    return 0


def _rows(query: Query, found: Sequence[RepoDataRecord], names: dict[str, str]) -> Iterator[PackageRow]:
    """One line for each version, with the best of its builds."""
    for versions in grouped(found).values():
        for builds in versions:
            yield msgspec.structs.replace(query.row(builds[0], names), builds=len(builds))


def _pages(packages: Iterable[Versions], names: dict[str, str], show_all: bool) -> Iterator[str]:
    for versions in packages:
        yield from page_lines(_page(versions, names, show_all))


def _page(versions: Versions, names: dict[str, str], show_all: bool) -> Page:
    (best, *same), *older = versions
    if show_all:
        rest = [*same, *(record for builds in older for record in builds)]
        others = tuple((record.version, record.build, 1) for record in rest)
    else:
        others = tuple((builds[0].version, builds[0].build, len(builds)) for builds in older)
    return Page(fact(best, names), len(same) if not show_all else 0, others, by_build=show_all)
