"""What a package needs, or who needs it, all the way: a graph whose first node is the package.

Rule of this file: the walk. Nodes come in the order of a depth-first walk, each once; an edge may lead to a node that
was met before, so cycles are fine. There is no recursion: chains in a channel can be long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from engine.model.records import RepoDataRecord
from engine.query.catalog import Catalog
from engine.query.needs import Dependents, Need, dependencies

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


def depends_graph(catalog: Catalog, record: RepoDataRecord, depth: int | None = None) -> Graph:
    """What ``record`` depends on, ``depth`` steps far (None: all the way)."""
    return _grow(Node(record.name, record), lambda node: _dependency_nodes(catalog, node), depth)


def whoneeds_graph(catalog: Catalog, record: RepoDataRecord, direct: Iterable[Need], depth: int | None = None) -> Graph:
    """Who depends on ``record``: ``direct`` do by themselves, others through them.

    Each name stands there once, as the newest of its records that has the dependency.
    """
    dependents = Dependents(catalog)
    root = Node(record.name, record)

    def children(node: Node) -> Iterator[Node]:
        if node.record is not None:
            yield from _newest_each(direct if node is root else dependents.of_name(node.record.name))

    return _grow(root, children, depth, by_name=True)


def _dependency_nodes(catalog: Catalog, node: Node) -> Iterator[Node]:
    if node.record is None:
        return
    for dependency in dependencies(catalog, node.record):
        if dependency.record is not None:
            yield Node(dependency.texts[0], dependency.record)
        else:
            yield from (Node(text, None) for text in dependency.texts)


def _newest_each(needs: Iterable[Need]) -> list[Node]:
    found: dict[str, Node] = {}
    for need in needs:
        found.setdefault(need.record.name, Node(need.text, need.record))
    return list(found.values())


def _grow(root: Node, children: Callable[[Node], Iterable[Node]], depth: int | None, *, by_name: bool = False) -> Graph:
    nodes, edges = [root], [dict[int, None]()]
    numbers: dict[object, int] = {root.name if by_name else root.key: 0}
    stack = [(0, iter(children(root)))]
    while stack:
        number, rest = stack[-1]
        child = next(rest, None)
        if child is None:
            stack.pop()
            continue
        key = child.name if by_name else child.key
        known = numbers.get(key)
        if known is None:
            known = numbers[key] = len(nodes)
            nodes.append(child)
            edges.append({})
            if depth is None or len(stack) < depth:
                stack.append((known, iter(children(child))))
        edges[number][known] = None
    return Graph(tuple(nodes), tuple(map(tuple, edges)))
