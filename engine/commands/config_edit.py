"""What the commands that read or change one rc file share: which file, which key, which value."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.commands.options import add_flag, add_general_options, add_prefix_options, add_value
from engine.config.accepted import ACCEPTED
from engine.config.keys import BY_NAME, KEYS, Key
from engine.config.rc_file import rc_path
from engine.config.values import COMMAND_LINE, Place, convert, split_list
from engine.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from engine.commands.app import App
    from engine.config import Config

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}
NOT_PRESENT = "Key is not present in file"
"""What micromamba prints, on standard output and without a failure, where there is nothing to get or remove."""


def add_file_options(parser: ArgumentParser) -> None:
    """Which rc file is meant; without a word it is ``~/.condarc``."""
    group = parser.add_argument_group("which file").add_mutually_exclusive_group()
    add_flag(group, "--system", dest="rc_system", help="the system's rc file")
    add_flag(group, "--env", dest="rc_env", help="the rc file of the environment")
    add_value(group, "--file", dest="rc_file", metavar="FILE", help="this file")
    add_general_options(parser)
    add_prefix_options(parser)


def chosen_path(args: Namespace, app: App) -> str:
    """The path of the file that the options mean."""
    asked = vars(args)
    where = "system" if asked.get("rc_system") else "env" if asked.get("rc_env") else "user"
    return rc_path(_config(app), where, asked.get("rc_file", ""))  # type: ignore[arg-type]


def _config(app: App) -> Config:
    """The configuration, without rc files if these are wrong: it must be possible to mend them by command."""
    try:
        return app.config
    except ConfigError:
        options = {name: value for name, value in app.options.items() if name != "rc_files"}
        return type(app)({**options, "no_rc": True}, app.environ, app.out).config


def find_key(name: str) -> Key | None:
    """The key of this name, or of this other name, if rc files may set it."""
    found = BY_NAME.get(name) or next((key for key in KEYS if name in key.aliases), None)
    return found if found and found.rc else None


def key_path(text: str) -> list[str]:
    """``proxy_servers.http`` → a name in a mapping, as in conda; else just the key."""
    name, dot, inner = text.partition(".")
    key = find_key(name)
    return (
        [name, inner] if dot and inner and (name == "plugins" or (key and key.kind in {"map", "multimap"})) else [text]
    )


def is_settable(path: Sequence[str]) -> bool:
    """Whether it is a key, be it one that means nothing here."""
    return find_key(path[0]) is not None or path[0] in ACCEPTED


def unknown_hint(name: str) -> str:
    """What may be meant by a key that there isn't."""
    from difflib import get_close_matches

    near = get_close_matches(name, [*(key.name for key in KEYS if key.rc), *ACCEPTED], n=1)
    return f"Did you mean {near[0]!r}?" if near else "`whipsnake config describe` lists the keys."


def parsed(path: Sequence[str], text: str) -> Any:
    """What is written for ``text``: a list for a key that holds one (commas part it), a scalar's text, a mapping.

    Raises `ConfigError` for what the key can't be.
    """
    key = find_key(path[0])
    if key is None:
        return text
    place = Place(COMMAND_LINE)
    if len(path) > 1:
        return list(split_list(text)) if key.kind == "multimap" else text
    if key.kind in {"map", "multimap", "records"}:
        return _structure(key, text, place)
    value = convert(key, text, place)
    return list(value) if isinstance(value, tuple) else value


def _structure(key: Key, text: str, place: Place) -> Any:
    value = _plain_yaml(text, f"{place}: the value of '{key.name}'")
    convert(key, value, Place(COMMAND_LINE, 1))
    return value


def _plain_yaml(text: str, what: str) -> Any:
    from engine.plain_yaml import YamlError, parse_yaml

    try:
        root = parse_yaml(text)
    except YamlError as error:
        raise ConfigError(f"{what} is not valid YAML: {error.reason}") from error
    return root.plain() if root else {}


def structured(text: str) -> dict[str, Any]:
    """Keys and values of a YAML text, as an rc file has them. Raises `ConfigError` and `UsageError`."""
    values = _plain_yaml(text, "The standard input")
    if not isinstance(values, dict):
        raise ConfigError("The standard input holds no keys: expected lines such as `channels: [conda-forge]`")
    for name, value in values.items():
        if not is_settable([name]):
            raise UsageError(f"There is no key {name!r} that rc files may set.", hint=unknown_hint(name))
        if (key := find_key(name)) is not None:
            convert(key, value, Place("the standard input", 1))
    return values


def list_key(name: str) -> Key:
    """The key, which must hold a list; `UsageError` if there is none, or it does not."""
    key = find_key(name)
    if key is None:
        raise UsageError(f"Invalid key {name!r}: there is none that rc files may set.", hint=unknown_hint(name))
    if key.kind not in {"texts", "paths"}:
        raise UsageError(f"Invalid sequence key {name!r}: it holds no list.", hint=f"Use `config set {name} VALUE`.")
    return key


def pairs(words: Sequence[str], command: str) -> list[tuple[str, str]]:
    """KEY VALUE KEY VALUE … as pairs."""
    if not words or len(words) % 2:
        raise UsageError(f"whipsnake config {command}: expected keys and values in turn, found {len(words)} words.")
    return list(zip(words[::2], words[1::2], strict=True))
