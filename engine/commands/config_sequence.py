"""What ``config append`` and ``config prepend`` share: values for keys that hold lists."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.config_edit import add_file_options, chosen_path, list_key, pairs
from engine.config.rc_file import editing
from engine.config.values import split_list

if TYPE_CHECKING:
    from engine.commands.app import App


def add_sequence_arguments(parser: ArgumentParser) -> None:
    """KEY VALUE pairs."""
    text = "a key that holds a list, and what to put into it (several values: a,b), any number of times"
    parser.add_argument("specs", nargs="+", metavar="KEY VALUE", help=text)
    add_file_options(parser)


def add_to_lists(args: Namespace, app: App, *, first: bool) -> int:
    """Check all pairs, then write them; a value that is in the list already moves."""
    asked = pairs(args.specs, "prepend" if first else "append")
    for name, _ in asked:
        list_key(name)
    path = chosen_path(args, app)
    with editing(path) as document:
        for name, value in asked:
            document.add(name, split_list(value), first=first)
    app.out.result(success=True, rc_path=path)
    return 0
