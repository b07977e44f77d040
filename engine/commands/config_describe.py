"""``config describe``: what the keys mean."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.config_edit import OPTIONS
from engine.commands.config_list import add_description_arguments, asked_keys, show
from engine.commands.options import add_general_options, add_prefix_options
from engine.config.dump import Shown

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options."""
    add_description_arguments(parser)
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Print the meaning of the keys named, or of all that rc files may set."""
    groups = bool(vars(args).get("show_groups"))
    show(app, Shown(names=asked_keys(args.keys, app), all=True, values=False, descriptions=True, groups=groups))
    return 0
