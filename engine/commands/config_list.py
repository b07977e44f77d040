"""``config list``: the values that count, and where they come from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.config_edit import OPTIONS, unknown_hint
from engine.commands.options import add_flag, add_general_options, add_prefix_options
from engine.config.dump import Shown, dump_json, dump_text
from engine.config.keys import BY_NAME

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options."""
    group = parser.add_argument_group("config list options")
    add_flag(group, "-s", "--sources", dest="show_sources", help="who set each value, the strongest first")
    add_flag(group, "-a", "--all", dest="show_all", help="also the keys that have their default")
    add_flag(group, "-d", "--descriptions", dest="show_descriptions", help="what each key means")
    add_description_arguments(parser)
    add_general_options(parser)
    add_prefix_options(parser)


def add_description_arguments(parser: ArgumentParser) -> None:
    """What ``list`` and ``describe`` share."""
    parser.add_argument("keys", nargs="*", metavar="KEYS", help="only these keys")
    group = parser.add_argument_group("description options")
    text = "what each key means, at length"
    add_flag(group, "-l", "--long-descriptions", dest="show_descriptions", help=text)
    add_flag(group, "-g", "--groups", dest="show_groups", help="under the headings of groups")


def run(args: Namespace, app: App) -> int:
    """Print YAML, or JSON."""
    asked = vars(args)
    show(
        app,
        Shown(
            names=asked_keys(args.keys, app),
            all=bool(asked.get("show_all")),
            sources=bool(asked.get("show_sources")),
            descriptions=bool(asked.get("show_descriptions")),
            groups=bool(asked.get("show_groups")),
        ),
    )
    return 0


def asked_keys(names: Sequence[str], app: App) -> Sequence[str]:
    """The names. One that is of no key is told, and is no failure (micromamba): scripts ask for what may not be."""
    for name in names:
        if name not in BY_NAME:
            app.out.warning(f"There is no configuration key {name!r}. {unknown_hint(name)}")
    return names


def show(app: App, shown: Shown) -> None:
    """Print it, and name keys of rc files that nobody knows."""
    config = app.config
    warn_of_unknown_keys(app)
    app.out.result(**dump_json(config, shown))
    text = dump_text(config, shown)
    if text:
        app.out.data(text)


def warn_of_unknown_keys(app: App) -> None:
    """Say which keys of the rc files mean nothing to us: they are most likely misspelt."""
    for place, name in app.config.unknown_keys:
        app.out.warning(f"{place}: the key {name!r} is not known. {unknown_hint(name)}")
