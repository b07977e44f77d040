"""``auth login``: remember a password or token for a server, where mamba keeps them too."""

from __future__ import annotations

import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options, add_value
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.commands.app import App
    from engine.fetch.http.auth import Credential

_KINDS = ("password", "token", "bearer")


def arguments(parser: ArgumentParser) -> None:
    """Who, where, and how the secret comes: standard input keeps it out of lists of processes and histories."""
    text = "the server, with a port and a channel if it is only for that (https:// may be left away)"
    parser.add_argument("host", nargs="?", default="", metavar="HOST", help=text)
    add_value(parser, "-u", "--username", dest="username", metavar="NAME", help="user name, for a password")
    shown = {
        "password": "the password; asked for on a terminal if only the name is given",
        "token": "a conda token, which becomes part of addresses (anaconda.org and its like)",
        "bearer": "a bearer token, which is sent in a header (prefix.dev, Artifactory and their like)",
    }
    for kind in _KINDS:
        add_value(parser, f"-{kind[0]}", f"--{kind}", dest=kind, metavar=kind.upper(), help=shown[kind])
    for kind in _KINDS:
        text = f"read the {kind if kind != 'bearer' else 'bearer token'} from standard input"
        parser.add_argument(f"--{kind}-stdin", action="append_const", const=kind, dest="stdin", default=SUPPRESS,
                            help=text)  # fmt: skip
    add_general_options(parser)


def run(args: Namespace, app: App) -> int:
    """Keep it; nothing of it is printed."""
    from engine.fetch.http.auth import place_of
    from engine.fetch.http.login import store_login
    from engine.settings import login_file

    place = place_of(args.host)
    if not place:
        raise UsageError("No host given.", hint="Name the server: `whipsnake auth login repo.example.org -u me`.")
    store_login(login_file(app.config), place, _credential(args))
    app.out.result(success=True, host=place)
    app.out.line("Successfully stored login information")
    return 0


def _credential(args: Namespace) -> Credential:
    from engine.fetch.http.auth import Basic, Bearer, PathToken

    kind, secret = _secret(args)
    name = str(getattr(args, "username", ""))
    if kind == "password":
        return Basic(name, secret)
    if name:
        raise UsageError(f"A user name goes with a password, not with a {kind}.", hint="Leave --username away.")
    return PathToken(secret) if kind == "token" else Bearer(secret)


def _secret(args: Namespace) -> tuple[str, str]:
    """What kind of secret was given, and the secret without the white space around it (as mamba keeps it)."""
    piped: list[str] = getattr(args, "stdin", [])
    given = [kind for kind in _KINDS if vars(args).get(kind) or kind in piped]
    if not given and vars(args).get("username") and sys.stdin.isatty():
        import getpass

        return "password", getpass.getpass().strip()
    if len(given) > 1 or len(piped) > 1:
        raise UsageError(f"Both {given[0]} and {given[-1]} were given, expected one.")
    kind = given[0] if given else ""
    text: str = sys.stdin.read() if piped else getattr(args, kind or "token", "")
    if not text.strip():
        raise UsageError("No password or token given.", hint="`whipsnake auth login --help` lists the ways.")
    return kind, text.strip()
