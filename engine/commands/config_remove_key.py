"""``config remove-key``: take a key out of an rc file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.config_edit import NOT_PRESENT, OPTIONS, add_file_options, chosen_path, key_path
from engine.config.rc_file import editing, read_document

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """The key."""
    parser.add_argument("key", metavar="KEY", help="the key (proxy_servers.http: a name in a mapping)")
    add_file_options(parser)


def run(args: Namespace, app: App) -> int:
    """Change the file."""
    path = chosen_path(args, app)
    read_document(path, must_exist=True)
    found = remove_key(path, args.key)
    app.out.result(success=True, rc_path=path, removed=found)
    if not found:
        app.out.data(NOT_PRESENT)
    return 0


def remove_key(path: str, name: str) -> bool:
    """Whether the key was there; it is gone then."""
    with editing(path) as document:
        where = key_path(name)
        above = document.get(where[:-1])
        found = isinstance(above, dict) and where[-1] in above
        if found:
            document.remove(where)
    return found
