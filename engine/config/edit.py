"""Edits of an rc file's text: the lines of one key change, every other line and all comments stay as they are.

Rule of this file: text in, text out. The places are PyYAML's marks; what comes out is read again and compared with
what was meant, so that a file in a style that isn't understood is refused (`CannotEdit`), never mangled.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import yaml

from engine.config.yaml_text import block_lines, flow_text
from engine.plain_yaml import YamlError, parse_yaml

Plain: TypeAlias = "str | bool | int | float | list[Any] | dict[str, Any] | None"
"""What YAML can hold of a setting."""


class CannotEdit(Exception):
    """The file is written in a way in which this change can't be made line by line."""


class Document:
    """The text of one rc file, and changes to it."""

    def __init__(self, text: str) -> None:
        """Raises `engine.plain_yaml.YamlError` if it is no YAML, `CannotEdit` if it holds no keys."""
        self.bom = "\ufeff" if text.startswith("\ufeff") else ""
        self.text = text.removeprefix("\ufeff")
        self.newline = "\r\n" if "\r\n" in text else "\n"
        root = parse_yaml(self.text.encode())
        self.data: Any = {} if root is None else root.plain()
        if not isinstance(self.data, dict):
            raise CannotEdit("it holds no keys")

    def get(self, path: Sequence[str]) -> Plain:
        """The value at ``path`` (a key, or a key and a name in it) as texts, lists and mappings; None if not there."""
        found: Any = self.data
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found  # type: ignore[no-any-return]

    def set(self, path: Sequence[str], value: Plain) -> None:
        """Give ``path`` a value, in its place if it is there, else at the end."""
        expected = _with(self.data, path, _as_read(value))
        self._change(expected, lambda: _set(self.text, path, value))

    def remove(self, path: Sequence[str]) -> None:
        """Take ``path`` away; it must be there. A mapping that would be left empty goes too."""
        if len(path) > 1 and self.get(path[:-1]) == {path[-1]: self.get(path)}:
            path = path[:-1]
        expected = _with(self.data, path, None, gone=True)
        self._change(expected, lambda: _cut(self.text, _entry(self.text, path)))

    def add(self, name: str, items: Sequence[str], *, first: bool) -> None:
        """Put ``items`` at the begin or end of a list, which is made if need be; they are not in it twice."""
        for item in items:
            self.take(name, item)
        before = self._list(name)
        if not before:
            self.set([name], list(items))
            return
        expected = _with(self.data, [name], [*items, *before] if first else [*before, *items])
        self._change(expected, lambda: _add(self.text, name, items, first))

    def take(self, name: str, item: str) -> bool:
        """Take ``item`` out of a list wherever it stands, and the key with the last item; whether it was there."""
        before = self._list(name)
        left = [one for one in before if one != item]
        if not left and before:
            self.remove([name])
        elif left != before:
            self._change(_with(self.data, [name], left), lambda: _without(self.text, name, item))
        return left != before

    def _list(self, name: str) -> list[Any]:
        value = self.data.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise CannotEdit(f"{name} is no list in it")
        return value

    def _change(self, expected: Any, edit: Callable[[], str]) -> None:
        """Make the edit if it does what is meant. A file without comments may be written anew instead."""
        try:
            text = edit().replace("\r\n", "\n").replace("\n", self.newline)
            root = parse_yaml(text.encode())
        except (CannotEdit, YamlError):
            text, root = "", None
        if (root.plain() if root else {}) != expected:
            if _has_comment(self.text):
                raise CannotEdit("it is not written key by key, line by line")
            text = "".join(line + self.newline for line in block_lines(expected))
        self.text, self.data = text, expected

    def __str__(self) -> str:
        return self.bom + self.text


def _has_comment(text: str) -> bool:
    """Whether there is a ``#`` outside of all values."""
    if "#" not in text:
        return False
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for start, end in sorted(set(_spans(root)) if root else (), reverse=True):  # an alias is its anchor
        text = text[:start] + text[end:]
    return "#" in text


def _spans(node: yaml.Node) -> Iterator[tuple[int, int]]:
    """Where the scalars are."""
    if isinstance(node, yaml.ScalarNode):
        yield node.start_mark.index, node.end_mark.index
    for inner in node.value if isinstance(node, yaml.CollectionNode) else ():
        for part in inner if isinstance(inner, tuple) else (inner,):
            yield from _spans(part)


def _as_read(value: Plain) -> Plain:
    """What reading the value again gives: scalars are texts there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [_as_read(item) for item in value]
    if isinstance(value, dict):
        return {name: _as_read(item) for name, item in value.items()}
    return value if value is None else str(value)


def _with(data: dict[str, Any], path: Sequence[str], value: Plain, *, gone: bool = False) -> dict[str, Any]:
    changed = copy.deepcopy(data)
    inner = changed
    for name in path[:-1]:
        if not isinstance(inner.get(name), dict):
            inner[name] = {}
        inner = inner[name]
    if gone:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


# --- places in the text


def _mapping(text: str, path: Sequence[str]) -> yaml.MappingNode | None:
    """The block mapping at ``path``; None if nothing is there."""
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if key.value == name), None)
    if node is None or node.tag.endswith(":null"):
        return None
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise CannotEdit("a mapping is in braces")
    return node


def _pair(text: str, path: Sequence[str]) -> tuple[yaml.Node, yaml.Node] | None:
    """The nodes of the last key of ``path`` and of its value."""
    mapping = _mapping(text, path[:-1])
    pairs = mapping.value if mapping else []
    return next(((key, value) for key, value in pairs if key.value == path[-1]), None)


def _entry(text: str, path: Sequence[str]) -> tuple[int, int]:
    """Where the lines of a key begin and end."""
    pair = _pair(text, path)
    if pair is None:
        raise CannotEdit("the key is not there")
    return _lines(text, pair[0].start_mark.index, _end(pair[1]))


def _lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole lines around a span; nothing but white space may stand before it in its first line."""
    begin = text.rfind("\n", 0, start) + 1
    if text[begin:start].strip(" -"):
        raise CannotEdit("two values share a line")
    stop = text.find("\n", max(start, end - 1 if text[end - 1 : end] == "\n" else end))
    return begin, len(text) if stop < 0 else stop + 1


def _end(node: yaml.Node) -> int:
    """Where the last character of a value is; a block's own mark is where the next token begins."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _cut(text: str, span: tuple[int, int]) -> str:
    return text[: span[0]] + text[span[1] :]


def _insert(text: str, place: int, lines: Sequence[str]) -> str:
    gap = "\n" if place and text[place - 1] != "\n" else ""
    return text[:place] + gap + "".join(line + "\n" for line in lines) + text[place:]


# --- the edits


def _set(text: str, path: Sequence[str], value: Plain) -> str:
    pair = _pair(text, path)
    if pair is None:
        return _set_new(text, path, value)
    key, node = pair
    one_line = isinstance(node, yaml.ScalarNode) and node.start_mark.line == node.end_mark.line == key.start_mark.line
    if one_line and not isinstance(value, (list, dict)) and node.end_mark.index > node.start_mark.index:
        return text[: node.start_mark.index] + flow_text(value) + text[node.end_mark.index :]
    begin, stop = _entry(text, path)
    indent = " " * key.start_mark.column
    return _insert(_cut(text, (begin, stop)), begin, [indent + line for line in block_lines({path[-1]: value})])


def _set_new(text: str, path: Sequence[str], value: Plain) -> str:
    """A key that is not there yet goes behind the last one of its mapping."""
    above = _mapping(text, path[:-1])
    if above is None and len(path) > 1:
        return _set(text, path[:-1], {path[-1]: value})
    lines = block_lines({path[-1]: value})
    if above is None or not above.value:
        return _insert(text, len(text), lines)
    key, last = above.value[-1]
    place = _lines(text, key.start_mark.index, _end(last))[1] if len(path) > 1 else len(text)
    return _insert(text, place, [" " * key.start_mark.column + line for line in lines])


def _sequence(text: str, name: str) -> yaml.SequenceNode:
    pair = _pair(text, [name])
    if pair is None or not isinstance(pair[1], yaml.SequenceNode):
        raise CannotEdit("it is no list")
    return pair[1]


def _add(text: str, name: str, items: Sequence[str], first: bool) -> str:
    node = _sequence(text, name)
    texts = [flow_text(item) for item in items]
    if node.flow_style:
        old = [text[item.start_mark.index : item.end_mark.index] for item in node.value]
        return _with_flow(text, node, [*texts, *old] if first else [*old, *texts])
    edge = node.value[0] if first else node.value[-1]
    begin, stop = _lines(text, edge.start_mark.index, _end(edge))
    lines = [" " * node.start_mark.column + f"- {item}" for item in texts]
    return _insert(text, begin if first else stop, lines)


def _without(text: str, name: str, item: str) -> str:
    node = _sequence(text, name)
    if node.flow_style:
        left = [text[one.start_mark.index : one.end_mark.index] for one in node.value if one.value != item]
        return _with_flow(text, node, left)
    for one in reversed(node.value):
        if one.value == item:
            text = _cut(text, _lines(text, one.start_mark.index, _end(one)))
    return text


def _with_flow(text: str, node: yaml.SequenceNode, items: Sequence[str]) -> str:
    return text[: node.start_mark.index] + f"[{', '.join(items)}]" + text[node.end_mark.index :]
