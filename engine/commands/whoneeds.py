"""``repoquery whoneeds``: which packages depend on a package."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.repoquery import OPTIONS, Query, node_records, query_arguments
from engine.commands.rows import names_of_channels
from engine.model.records import RepoDataRecord
from engine.query.catalog import newness
from engine.query.graph import Graph, whoneeds_graph
from engine.query.needs import Dependents, Need
from engine.ui.query import package_table

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options."""
    query_arguments(parser)


def run(args: Namespace, app: App) -> int:
    """A table of all that depend on it by themselves; a tree, or with --recursive a longer table, of all that do."""
    query = Query("whoneeds", args, app, local=True)
    spec = query.one_spec()
    if query.asked.get("tree") or query.asked.get("recursive"):
        record = max(query.catalog.matching(spec), key=newness, default=None)
        if record is not None:  # else some may depend on what nobody has: there is nothing to begin a graph at
            _answer_graph(query, whoneeds_graph(query.catalog, record, spec), record, app)
            return 0
    needs = Dependents(query.catalog).of_spec(spec)
    if needs:
        _answer_table(query, needs, app)
    else:
        query.answer_nothing()
    return 0


def _answer_graph(query: Query, graph: Graph, record: RepoDataRecord, app: App) -> None:
    if not graph.edges[0]:
        query.answer_nothing()
    elif app.out.json:
        query.answer_json(node_records(graph), record)
    elif query.asked.get("tree"):
        query.answer_tree(graph)
    else:
        _answer_table(query, _as_needs(graph), app)


def _as_needs(graph: Graph) -> list[Need]:
    return [Need(node.record, node.text) for node in graph.nodes[1:] if node.record]


def _answer_table(query: Query, needs: list[Need], app: App) -> None:
    if app.out.json:
        query.answer_json([need.record for need in needs])
        return
    names = names_of_channels(app, [need.record for need in needs])
    ordered = sorted(needs, key=lambda need: need.record.name)
    rows = [query.row(need.record, names, depends=need.text) for need in ordered]
    app.out.data("\n".join(package_table(rows)))
