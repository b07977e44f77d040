"""``env config vars unset``: take variables of an environment away."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.env_vars import OPTIONS, change_arguments, change_variables

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """What to take away."""
    parser.add_argument("vars", nargs="+", metavar="KEY", help="names of variables")
    change_arguments(parser)


def run(args: Namespace, app: App) -> int:
    """One that isn't set is no error, as in micromamba."""
    names = [name.upper() if app.config.envvars_force_uppercase else name for name in args.vars]
    change_variables(app, {}, names, told=[f"Unset environment variable: {name}" for name in names])
    return 0
