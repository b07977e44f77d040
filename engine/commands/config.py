"""``config`` without a command behind it: conda's spelling (``config --add channels conda-forge``), or an overview."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.commands import COMMANDS
from engine.commands.config_edit import OPTIONS, add_file_options
from engine.commands.options import add_flag, add_value
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.commands.app import App

__all__ = ["OPTIONS", "arguments", "run"]


def arguments(parser: ArgumentParser) -> None:
    """conda's options; micromamba's are those of the commands."""
    group = parser.add_argument_group("conda's spelling of `config list`, `get`, `set` …")
    add_value(group, "--show", dest="show", nargs="*", metavar="KEY", help="`config list --all`")
    add_flag(group, "--show-sources", dest="show_sources", help="`config list --sources`")
    add_flag(group, "--validate", dest="validate", help="read all files, and say what is wrong in them")
    add_value(group, "--describe", dest="describe", nargs="*", metavar="KEY", help="`config describe`")
    add_value(group, "--get", dest="get", nargs="*", metavar="KEY", help="`config get`")
    for name, command in (("append", "append"), ("prepend", "prepend"), ("add", "prepend"), ("remove", "remove")):
        text, key = f"`config {command}`", ("KEY", "VALUE")
        add_value(group, f"--{name}", dest=command, action="append", nargs=2, metavar=key, help=text)
    add_value(group, "--set", dest="set", action="append", nargs=2, metavar=("KEY", "VALUE"), help="`config set`")
    add_value(group, "--remove-key", dest="remove_key", action="append", metavar="KEY", help="`config remove-key`")
    add_flag(group, "--stdin", dest="stdin", help="`config set` for each key of the YAML on standard input")
    add_file_options(parser)


def run(args: Namespace, app: App) -> int:
    """Do as the command of the same name, or tell of all of them."""
    asked = vars(args)
    done = False
    for name, act in _ACTS.items():
        if name in asked:
            act(args, app, asked[name])
            done = True
    if not done and not app.config.quiet:
        app.out.line(_overview())
    return 0


def _overview() -> str:
    names = [name for name in COMMANDS if name.startswith("config ")]
    width = max(map(len, names))
    lines = [f"  {name:<{width}}  {COMMANDS[name].help}" for name in names]
    title = "Configuration of micromamba and conda, as whipsnake reads it"
    return "\n".join([title, "", *lines, "", "`whipsnake config COMMAND --help` explains one."])


def _show(args: Namespace, app: App, value: Any) -> None:
    from engine.commands import config_list

    names = value if isinstance(value, list) else []
    asked = {"keys": names, "show_all": "show" in args, "show_sources": "show_sources" in args}
    config_list.run(Namespace(**asked), app)


def _validate(args: Namespace, app: App, value: Any) -> None:
    from engine.commands.config_list import warn_of_unknown_keys

    warn_of_unknown_keys(app)


def _describe(args: Namespace, app: App, value: Any) -> None:
    from engine.commands import config_describe

    config_describe.run(Namespace(keys=value), app)


def _get(args: Namespace, app: App, value: Any) -> None:
    from engine.commands import config_get

    for key in value or [None]:
        config_get.run(Namespace(**{**vars(args), "key": key}), app)


def _sequence(first: bool) -> Callable[[Namespace, App, Any], None]:
    def act(args: Namespace, app: App, value: Sequence[Sequence[str]]) -> None:
        from engine.commands.config_sequence import add_to_lists

        words = [word for pair in value for word in pair]
        add_to_lists(Namespace(**{**vars(args), "specs": words}), app, first=first)

    return act


def _set(args: Namespace, app: App, value: Sequence[Sequence[str]]) -> None:
    from engine.commands.config_edit import chosen_path, is_settable, key_path, unknown_hint
    from engine.commands.config_set import set_key

    for name, _ in value:
        if not is_settable(key_path(name)):
            raise UsageError(f"There is no key {name!r} that rc files may set.", hint=unknown_hint(name))
    for name, text in value:
        set_key(chosen_path(args, app), name, text, app=app)


def _stdin(args: Namespace, app: App, value: Any) -> None:
    """All keys are looked at before the first is set."""
    from engine.commands.config_edit import chosen_path, structured
    from engine.config.rc_file import editing

    values = structured(sys.stdin.read())
    with editing(chosen_path(args, app)) as document:
        for name, found in values.items():
            document.set([name], found)


def _remove(args: Namespace, app: App, value: Sequence[Sequence[str]]) -> None:
    from engine.commands.config_edit import chosen_path
    from engine.config.rc_file import editing

    with editing(chosen_path(args, app)) as document:
        for name, text in value:
            if not document.take(name, text):
                raise UsageError(f"{text!r} is not in the list {name!r} of the file.")


def _remove_key(args: Namespace, app: App, value: Sequence[str]) -> None:
    from engine.commands.config_edit import chosen_path
    from engine.commands.config_remove_key import remove_key

    for name in value:
        if not remove_key(chosen_path(args, app), name):
            raise UsageError(f"The key {name!r} is not in the file.")


_ACTS: dict[str, Callable[[Namespace, App, Any], None]] = {
    "show": _show,
    "show_sources": _show,
    "validate": _validate,
    "describe": _describe,
    "get": _get,
    "append": _sequence(first=False),
    "prepend": _sequence(first=True),
    "set": _set,
    "stdin": _stdin,
    "remove": _remove,
    "remove_key": _remove_key,
}
