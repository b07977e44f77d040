"""``env config vars set``: give variables of an environment a value."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.env_vars import OPTIONS, change_arguments, change_variables, variable_name
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """What to set."""
    parser.add_argument("vars", nargs="+", metavar="KEY=VALUE", help="variables with their values")
    change_arguments(parser)


def run(args: Namespace, app: App) -> int:
    """All of them, or none if one is wrong."""
    wanted = dict(_pair(text, app) for text in args.vars)
    change_variables(app, wanted, told=[f"Set environment variable: {name}={value}" for name, value in wanted.items()])
    return 0


def _pair(text: str, app: App) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"Invalid format for environment variable. Expected KEY=VALUE, got: {text}")
    return variable_name(name.strip(), app), value
