"""``repoquery depends``: what a package depends on."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.repoquery import OPTIONS, Query, node_records, query_arguments
from engine.commands.rows import names_of_channels
from engine.query.catalog import newness
from engine.query.graph import Graph, depends_graph
from engine.ui.query import PackageRow, package_table

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options."""
    query_arguments(parser)


def run(args: Namespace, app: App) -> int:
    """The newest package that the spec matches, and the newest ones that meet its dependencies."""
    query = Query("depends", args, app, local=True)
    record = max(query.catalog.matching(query.one_spec()), key=newness, default=None)
    if record is None:
        query.answer_nothing()
        return 0
    all_the_way = query.asked.get("tree") or query.asked.get("recursive")
    graph = depends_graph(query.catalog, record, None if all_the_way else 1)
    if app.out.json:
        query.answer_json(node_records(graph), record if graph.edges[0] else None)
    elif query.asked.get("tree"):
        query.answer_tree(graph)
    else:
        app.out.data("\n".join(package_table(_rows(query, graph, app))))
    return 0


def _rows(query: Query, graph: Graph, app: App) -> list[PackageRow]:
    names = names_of_channels(app, [node.record for node in graph.nodes if node.record])
    rows = [query.row(node.record, names) if node.record else PackageRow(node.name) for node in graph.nodes]
    return sorted(rows, key=lambda row: row.name)
