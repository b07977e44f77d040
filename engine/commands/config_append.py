"""``config append``: add values at the end of a list in an rc file."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from engine.commands.config_edit import OPTIONS
from engine.commands.config_sequence import add_sequence_arguments as arguments
from engine.commands.config_sequence import add_to_lists

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def run(args: Namespace, app: App) -> int:
    """Change the file."""
    return add_to_lists(args, app, first=False)
