"""``env list``: the environments of this user."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_flag, add_general_options, add_prefix_options
from engine.environment.environments import environment_name, known_environments
from engine.ui.text import human_bytes, table, width

if TYPE_CHECKING:
    from engine.commands.app import App

OPTIONS = {"use_target_prefix_fallback": True}


def arguments(parser: ArgumentParser) -> None:
    """conda's option."""
    add_flag(parser, "--size", dest="size", help="what each takes on the disk, by the records of its packages")
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Print name and path of each; the active one has a star."""
    show_environments(app, size=bool(vars(args).get("size")))
    return 0


def show_environments(app: App, *, size: bool = False) -> None:
    """The table that ``env list`` and ``info --envs`` share; ``{"envs": [paths]}`` with ``--json``, and
    ``envs_details`` (as conda's) where sizes are asked for."""
    config = app.config
    prefixes = known_environments(config)
    app.out.result(envs=prefixes)
    rows: list[tuple[str, ...]] = [
        (environment_name(prefix, config), "*" if prefix == config.target_prefix else "", prefix) for prefix in prefixes
    ]
    titles: tuple[str, ...] = ("Name", "Active", "Path")
    if size:
        from engine.environment.sizes import environment_size  # rarely asked for

        sizes = {prefix: environment_size(prefix) for prefix in prefixes}
        app.out.result(envs_details={prefix: {"size": found} for prefix, found in sizes.items()})
        titles = ("Name", "Active", "Size", "Path")
        rows = [(name, star, human_bytes(sizes[prefix]), prefix) for (name, star, prefix) in rows]
    header, *lines = table([titles, *rows])
    rule = "─" * max(map(width, [header, *lines]))
    app.out.data("\n".join([header, rule, *lines]))
