"""``rename``: an environment gets another name or place (conda's command)."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from datetime import datetime

from engine.commands.app import App
from engine.commands.change import Session, confirm
from engine.commands.clone import copy_request, is_active, kept_files, place_named
from engine.commands.options import (
    add_flag,
    add_general_options,
    add_linking_options,
    add_network_options,
    add_prefix_options,
)
from engine.config.prefixes import check_place
from engine.environment.environments import existing_prefix
from engine.environment.healing import healed
from engine.errors import PrefixError
from engine.link.prefix.history import dist_string, format_block, history_to_continue
from engine.link.prefix.meta import META, is_environment
from engine.link.prefix.records import read_records


def arguments(parser: ArgumentParser) -> None:
    """conda's options."""
    parser.add_argument("destination", metavar="DESTINATION", help="the new name, or the new path")
    add_flag(parser, "--force", dest="force", help="replace an environment that is there")
    add_general_options(parser)
    add_prefix_options(parser)
    add_network_options(parser)
    add_linking_options(parser)


def run(args: Namespace, app: App) -> int:
    """Build it at the new place, with its files knowing that, and remove it from the old one: both, or nothing."""
    source = existing_prefix(app.config, app.out.warning)
    prefix = healed(place_named(args.destination, app), app.out.warning)
    _check(source, prefix, app, force=bool(vars(args).get("force")))
    session = Session(app)
    files = {**_frozen(source), **kept_files(source), f"{META}/history": _history(source, app)}
    request = copy_request(source, prefix, app, replace=is_environment(prefix), files=files, moves=True)
    session.run(request)
    session.last_line()
    return 0


def _check(source: str, prefix: str, app: App, *, force: bool) -> None:
    config = app.config
    if source == config.root_prefix:
        raise PrefixError("The base environment can't be renamed: other environments need it where it is.")
    if is_active(source, config):
        raise PrefixError(f"Could not rename {source}: it is active.", hint="Deactivate it first.")
    if os.path.realpath(source) == os.path.realpath(prefix):
        raise PrefixError(f"Could not rename {source}: it is called so already.")
    if is_environment(prefix) and (prefix == config.root_prefix or not force):
        raise PrefixError(
            f"Could not rename {source}: the environment {prefix} already exists.", hint="--force replaces it."
        )
    if is_environment(prefix) and app.asks and not confirm(f"Replace the environment {prefix}", default=False):
        raise PrefixError(f"Could not rename {source}: the environment {prefix} shall stay.")
    notice = check_place(prefix)
    if notice:
        app.out.warning(notice)


def _frozen(source: str) -> dict[str, bytes]:
    """The mark of a frozen environment stays with it, for those who override it."""
    path = os.path.join(source, META, "frozen")
    if not os.path.isfile(path):
        return {}
    with open(path, "rb") as file:
        return {f"{META}/frozen": file.read()}


def _history(source: str, app: App) -> bytes:
    """It goes on: no package comes or goes."""
    listed = [dist_string(record, {}) for record in read_records(source)]
    return history_to_continue(source) + format_block(now=datetime.now(), command=app.command, listed=listed).encode()
