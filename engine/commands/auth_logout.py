"""``auth logout``: forget what ``auth login`` (ours or mamba's) has kept."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.commands.app import App


def arguments(parser: ArgumentParser) -> None:
    """One place, or all."""
    parser.add_argument("host", nargs="?", default="", metavar="HOST", help="the server, as it was given to login")
    parser.add_argument("--all", action="store_true", help="forget all of them")
    add_general_options(parser)


def run(args: Namespace, app: App) -> int:
    """Not to have been logged in is no failure, as with micromamba."""
    from engine.fetch.http.auth import place_of
    from engine.fetch.http.login import remove_all_logins, remove_login
    from engine.settings import login_file

    path, place = login_file(app.config), place_of(args.host)
    if args.all:
        remove_all_logins(path)
        app.out.result(success=True)
        app.out.line("Logged out from all hosts")
        return 0
    if not place:
        raise UsageError("No host given.", hint="Name the server, or use --all.")
    known = remove_login(path, place)
    app.out.result(success=True, host=place, was_logged_in=known)
    app.out.line(f"Logged out from {place}" if known else f"You are not logged in to {place}")
    return 0
