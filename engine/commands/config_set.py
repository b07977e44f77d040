"""``config set``: give a key of an rc file a value."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.config_edit import (
    OPTIONS,
    add_file_options,
    chosen_path,
    is_settable,
    key_path,
    parsed,
    unknown_hint,
)
from engine.config.accepted import ACCEPTED
from engine.config.rc_file import editing

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]

_INVALID = "Key is invalid or more than one key was received"
"""micromamba's words, on standard output, without a failure."""


def arguments(parser: ArgumentParser) -> None:
    """A key and its value."""
    text = "the key (proxy_servers.http: a name in a mapping) and its value (lists: a,b)"
    parser.add_argument("words", nargs="+", metavar="KEY VALUE", help=text)
    add_file_options(parser)


def run(args: Namespace, app: App) -> int:
    """Change the file."""
    path = chosen_path(args, app)
    if not _is_one(args.words, app):
        app.out.data(_INVALID)
        app.out.result(success=False, message=_INVALID)
        return 0
    set_key(path, *args.words, app=app)
    return 0


def _is_one(words: Sequence[str], app: App) -> bool:
    """Whether it is one key that there is, with one value; else the reason is said."""
    name = words[0]
    if not is_settable(key_path(name)):
        app.out.warning(f"There is no key {name!r} that rc files may set. {unknown_hint(name)}")
        return False
    return len(words) == 2


def set_key(path: str, name: str, text: str, *, app: App) -> None:
    """Write one key; what has no effect is said."""
    where = key_path(name)
    value = parsed(where, text)
    with editing(path) as document:
        document.set(where, value)
    if where[0] in ACCEPTED:
        app.out.warning(f"The key {where[0]!r} has no effect here: {ACCEPTED[where[0]]}.")
    app.out.result(success=True, rc_path=path)
