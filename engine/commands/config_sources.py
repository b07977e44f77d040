"""``config sources``: the rc files that were read."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.config_edit import OPTIONS
from engine.commands.config_list import warn_of_unknown_keys
from engine.commands.options import add_general_options, add_prefix_options
from engine.config.dump import shrink_home

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """No options of its own."""
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Print them, the strongest first."""
    config = app.config
    files = [*reversed(config.rc_files)]
    app.out.result(rc_files=files, no_rc=config.no_rc)
    if config.no_rc:
        app.out.data("Configuration files disabled by --no-rc flag")
        return 0
    warn_of_unknown_keys(app)
    app.out.data(
        "\n".join(["Configuration files (by precedence order):", *(shrink_home(f, config.home) for f in files)])
    )
    return 0
