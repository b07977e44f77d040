"""``config remove``: take a value out of a list in an rc file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.config_edit import NOT_PRESENT, OPTIONS, add_file_options, chosen_path
from engine.config.rc_file import editing, read_document
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """A key and one value of it."""
    parser.add_argument("words", nargs="+", metavar="KEY VALUE", help="the key of a list, and the value that goes")
    add_file_options(parser)


def run(args: Namespace, app: App) -> int:
    """Change the file; the last value takes the key with it."""
    if len(args.words) < 2:
        raise UsageError("whipsnake config remove: expected a key and a value.", hint="See also `config remove-key`.")
    path = chosen_path(args, app)
    read_document(path, must_exist=True)
    if len(args.words) > 2:
        app.out.data("Only one value can be removed at a time")
        return 0
    with editing(path) as document:
        found = document.take(*args.words)
    app.out.result(success=True, rc_path=path, removed=found)
    if not found:
        app.out.data(NOT_PRESENT)
    return 0
