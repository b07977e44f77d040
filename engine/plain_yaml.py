"""YAML as people's files need it: texts, lists and mappings, each with its line. Rule: text in, tree out.

Scalars stay as they were written (``1.10`` is no number here, ``no`` no truth value): whoever knows what a key
means converts it. Built on the parser's events instead of its constructors, because a file may come from anywhere:
the C parser's own tree builder overruns the stack on deeply nested input, and aliases can unfold to gigabytes.
Import this module only where there is a file to read: it imports PyYAML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec
import yaml

MAX_DEPTH: Final = 32
MAX_NODES: Final = 200_000
"""Of the whole tree, aliases unfolded."""

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})

Value: TypeAlias = "str | tuple[Node, ...] | dict[str, Node] | None"


class Node(msgspec.Struct, frozen=True):
    """A part of the document."""

    line: int
    """From 1."""
    value: Value
    """A text, a list, a mapping, or None for null."""
    size: int = 1
    """How many nodes it is, itself included."""

    def plain(self) -> object:
        """The same without lines: texts, lists, dicts and None."""
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        return self.value

    @property
    def noun(self) -> str:
        """What it is, for messages."""
        if self.value is None:
            return "nothing"
        if isinstance(self.value, str):
            return repr(self.value if len(self.value) <= 80 else self.value[:80] + "…")
        return "a list" if isinstance(self.value, tuple) else "a mapping"


class YamlError(Exception):
    """The document is not what we read. ``line`` and ``column`` count from 1; 0 means unknown."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        self.reason, self.line, self.column = reason, line, column
        super().__init__(reason)


def parse_yaml(data: str | bytes, max_nodes: int = MAX_NODES) -> Node | None:
    """The one document in ``data``; None if there is none. Raises `YamlError`, also beyond ``max_nodes`` values."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        source = loader(data)
        try:
            return _Builder(_events(source), max_nodes).document()
        finally:
            source.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise YamlError(error.problem or "unreadable", *where) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise YamlError(str(error).splitlines()[0]) from error


def _events(loader: Any) -> Iterator[yaml.Event]:
    while loader.check_event():
        yield loader.get_event()


class _Builder:
    """Events → tree. It recurses once a level, and there are few levels."""

    def __init__(self, events: Iterator[yaml.Event], max_nodes: int = MAX_NODES) -> None:
        self.events, self.max_nodes = events, max_nodes
        self.anchors: dict[str, Node] = {}
        self.nodes = 0

    def document(self) -> Node | None:
        """The only document of the stream."""
        root = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise YamlError("found a second document, expected one", _line(event))
                root = self.node(next(self.events), 0)
        return None if root is None or root.value is None else root

    def node(self, event: Any, depth: int) -> Node:
        """The node that ``event`` begins."""
        line = _line(event)
        if depth > MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} levels deep", line)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise YamlError(f"found the alias *{event.anchor} of nothing", line)
            node = self.anchors[event.anchor]
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(line, depth)
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(line, depth)
        else:
            node = Node(line, None if event.implicit[0] and event.value in _NULLS else event.value)
        self._count(node, event, line)
        return node

    def _count(self, node: Node, event: Any, line: int) -> None:
        """Refuse what unfolds to too much; remember what has an anchor."""
        self.nodes += node.size if isinstance(event, yaml.AliasEvent) else 1
        if self.nodes > self.max_nodes:
            raise YamlError(f"more than {self.max_nodes} values", line)
        if event.anchor and not isinstance(event, yaml.AliasEvent):
            self.anchors[event.anchor] = node

    def _sequence(self, line: int, depth: int) -> Node:
        items: list[Node] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event, depth + 1))
        return Node(line, tuple(items), 1 + sum(item.size for item in items))

    def _mapping(self, line: int, depth: int) -> Node:
        items: dict[str, Node] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.node(event, depth + 1)
            if key.value is not None and not isinstance(key.value, str):
                raise YamlError(f"a key is {key.noun}, expected a text", key.line)
            name = key.value or ""
            if name in items:
                raise YamlError(f"the key {name!r} is given twice", key.line)
            items[name] = self.node(next(self.events), depth + 1)
        return Node(line, items, 1 + sum(1 + item.size for item in items.values()))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
