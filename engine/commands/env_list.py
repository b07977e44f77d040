"""``env list``: the environments of this user."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options, add_prefix_options
from engine.environments import environment_name, known_environments
from engine.ui.text import table, width

if TYPE_CHECKING:
    from engine.commands.app import App

OPTIONS = {"use_target_prefix_fallback": True}


def arguments(parser: ArgumentParser) -> None:
    """No options of its own."""
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Print name and path of each; the active one has a star."""
    show_environments(app)
    return 0


def show_environments(app: App) -> None:
    """The table that ``env list`` and ``info --envs`` share; ``{"envs": [paths]}`` with ``--json``."""
    config = app.config
    prefixes = known_environments(config)
    app.out.result(envs=prefixes)
    rows = [
        (environment_name(prefix, config), "*" if prefix == config.target_prefix else "", prefix) for prefix in prefixes
    ]
    header, *lines = table([("Name", "Active", "Path"), *rows])
    rule = "─" * max(map(width, [header, *lines]))
    app.out.data("\n".join([header, rule, *lines]))
