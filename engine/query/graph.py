"""What a package needs, or who needs it, all the way: a graph whose first node is the package.

Rule of this file: the walk. Nodes come in the order of a depth-first walk, each once; an edge may lead to a node that
was met before, so cycles are fine. There is no recursion: chains in a channel can be long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

import msgspec

from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord
from engine.query.catalog import Catalog
from engine.query.needs import Dependents, dependencies
from engine.query.newest import Edge, NewestDependents

NOT_FOUND = ">>> NOT FOUND <<<"
"""micromamba's mark of a dependency that nothing meets."""


class Node(msgspec.Struct, frozen=True):
    """A package, or a dependency that nothing meets."""

    text: str
    """The dependency as it was written (the package's name for the first node)."""
    record: RepoDataRecord | None

    @property
    def key(self) -> tuple[str, str]:
        """What makes two nodes the same."""
        return (self.record.name, self.record.version) if self.record else ("", self.text)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.record.name if self.record else f"{self.text} {NOT_FOUND}"


class Graph(msgspec.Struct, frozen=True):
    """``edges[n]`` are the numbers of the nodes that node ``n`` leads to."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, ...], ...]


Child: TypeAlias = "tuple[object, Callable[[], Node | None]]"
"""What tells a node from others, and how to make it if it is new; None if that can't be."""


def depends_graph(catalog: Catalog, record: RepoDataRecord, depth: int | None = None) -> Graph:
    """What ``record`` depends on, ``depth`` steps far (None: all the way)."""
    root = Node(record.name, record)

    def children(node: Node) -> Iterator[Child]:
        for child in _dependency_nodes(catalog, node):
            yield child.key, partial(_itself, child)

    return _grow(root, root.key, children, depth)


def whoneeds_graph(catalog: Catalog, record: RepoDataRecord, spec: MatchSpec, depth: int | None = None) -> Graph:
    """Who depends on ``record``, the newest that ``spec`` matches: by themselves on any that it matches, or through
    others.

    Each name stands there once, as the newest of its records that has the dependency.
    """
    dependents = NewestDependents(catalog)
    root = Node(record.name, record)

    def node_of(edge: Edge, target: str) -> Node | None:
        need = dependents.need(edge, target)
        return None if need is None else Node(need.text, need.record)

    def children(node: Node) -> Iterator[Child]:
        if node is root and spec.exact_name is None:
            for found in _newest_each(catalog, spec):
                yield found.name, partial(_itself, found)
            return
        edges = dependents.of_spec(spec) if node is root else dependents.of_name(node.name)
        for edge in edges:
            yield edge.name, partial(node_of, edge, node.name)

    return _grow(root, root.name, children, depth)


def _itself(node: Node) -> Node:
    return node


def _dependency_nodes(catalog: Catalog, node: Node) -> Iterator[Node]:
    if node.record is None:
        return
    for dependency in dependencies(catalog, node.record):
        if dependency.record is not None:
            yield Node(dependency.texts[0], dependency.record)
        else:
            yield from (Node(text, None) for text in dependency.texts)


def _newest_each(catalog: Catalog, spec: MatchSpec) -> list[Node]:
    """Who depends on what a pattern means, each name once."""
    found: dict[str, Node] = {}
    for need in Dependents(catalog).of_spec(spec):
        found.setdefault(need.record.name, Node(need.text, need.record))
    return list(found.values())


def _grow(root: Node, key: object, children: Callable[[Node], Iterable[Child]], depth: int | None) -> Graph:
    nodes, edges = [root], [dict[int, None]()]
    numbers = {key: 0}
    stack = [(0, iter(children(root)))]
    while stack:
        number, rest = stack[-1]
        child = next(rest, None)
        if child is None:
            stack.pop()
            continue
        key, make = child
        known = numbers.get(key)
        if known is None:
            node = make()
            if node is None:
                continue
            known = numbers[key] = len(nodes)
            nodes.append(node)
            edges.append({})
            if depth is None or len(stack) < depth:
                stack.append((known, iter(children(node))))
        edges[number][known] = None
    return Graph(tuple(nodes), tuple(map(tuple, edges)))
