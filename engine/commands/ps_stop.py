"""``ps stop``: end processes that `run` started."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands import ps
from engine.commands.options import add_general_options

if TYPE_CHECKING:
    from engine.commands.app import App


def arguments(parser: ArgumentParser) -> None:
    """Which process."""
    parser.add_argument("process", metavar="PID_OR_LABEL", help="its number, or the label that it was given")
    add_general_options(parser)


def run(args: Namespace, app: App) -> int:
    """Ask it to end."""
    return ps.stop(args.process, app)
