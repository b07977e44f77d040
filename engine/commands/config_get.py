"""``config get``: what one rc file says of a key."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from engine.commands.config_edit import NOT_PRESENT, OPTIONS, add_file_options, chosen_path, find_key, key_path
from engine.config.rc_file import read_document
from engine.config.values import Place, convert
from engine.config.yaml_text import block_lines

if TYPE_CHECKING:
    from engine.commands.app import App
    from engine.config.edit import Document

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """One key, or none for all."""
    parser.add_argument("key", nargs="?", metavar="KEY", help="the key (without one: every key of the file)")
    add_file_options(parser)


def run(args: Namespace, app: App) -> int:
    """Print the key as YAML."""
    path = chosen_path(args, app)
    document = read_document(path, must_exist=True)
    found = _found(document, args.key)
    app.out.result(success=True, rc_path=path, get={name: _typed(name, value, path) for name, value in found.items()})
    if not found and args.key:
        app.out.data(NOT_PRESENT)
    for line in block_lines(found):
        app.out.data(line)
    return 0


def _found(document: Document, name: str | None) -> dict[str, Any]:
    if name is None:
        return dict(document.data)
    path = key_path(name)
    above = document.get(path[:-1])
    return {name: document.get(path)} if isinstance(above, dict) and path[-1] in above else {}


def _typed(name: str, value: Any, path: str) -> Any:
    """The value in its own kind, for JSON; YAML as we read it knows only texts."""
    key = find_key(name)
    return value if key is None or value is None else convert(key, value, Place(path, 1))
