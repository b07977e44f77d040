"""``completer``: what may stand next on a command line; shells ask it when somebody presses Tab.

Rule of this file: it must be quick, silent and right. What can be typed comes from the commands' own parsers, so no
list of options is kept twice; names come from what is on the disk. Nothing here may fail loudly: no answer is one, and
the shell then offers files.

The words after ``completer`` are those of the command line up to the cursor; the last one is being typed (it may be
empty). The answers are printed one a line, with ``--describe`` (as first word) each with a tab and what it means.
"""

from __future__ import annotations

import importlib
import os
from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from engine.commands import ALIASES, COMMANDS
from engine.errors import ExitCode, WhipsnakeError

if TYPE_CHECKING:
    from engine.commands.app import App

Answers: TypeAlias = Iterable[tuple[str, str]]
"""Words that may stand there, each with what it means (or nothing)."""

_BY_COMMAND = {
    "create": "available",
    "env create": "available",
    "install": "available",
    "search": "available",
    "run": "program",
    "init": "shell",
    "ps stop": "process",
    "help": "command",
}
"""What the words of a command are that are no options. Others are told by what the command calls them."""

_BY_METAVAR = {"SPECS": "installed", "PACKAGE": "installed", "REGEX": "installed", "ENVIRONMENT": "environment"}
_BY_OPTION = {"env_name": "environment", "channels": "channel", "platform": "platform"}
_ACTIONS = {
    "activate": "make an environment the active one",
    "deactivate": "go back to the one before",
    "deinit": "take the block out of the start-up file",
    "enable_long_path_support": "let Windows have paths of more than 260 characters",
    "hook": "print the code that makes the shell function",
    "init": "put a block into the shell's start-up file",
    "reactivate": "bring the active environment up to date",
    "reinit": "renew the block wherever it is",
}


def arguments(parser: ArgumentParser) -> None:
    """It has none: all its words belong to another command line."""


def parse(parser: ArgumentParser, words: Sequence[str]) -> Namespace:
    """Take the words as they are."""
    return Namespace(words=list(words))


def run(args: Namespace, app: App) -> int:
    """Print the answers."""
    words: list[str] = args.words
    describe = words[:1] == ["--describe"]
    words = words[describe:]
    roots = _values_of(words, "-r", "--root-prefix")
    if roots:
        app.options["root_prefix"] = roots[-1]
    try:
        answers = sorted(set(_answers(words, app)))
    except WhipsnakeError:
        return ExitCode.OK
    typed = words[-1] if words else ""
    lines = [f"{word}\t{meaning}" if describe and meaning else word for word, meaning in answers]
    found = [line for line in lines if line.startswith(typed)]
    app.out.data("\n".join(found)) if found else None
    return ExitCode.OK


def _answers(words: Sequence[str], app: App) -> Answers:
    *before, typed = words or [""]
    name, rest = _command(before)
    if name not in COMMANDS:
        return _names(name, typed)
    parser = _parser(name)
    option = _option_with_value(parser, rest, typed)
    if option is not None:
        return _values(option, typed, rest, app)
    if typed.startswith("-"):
        return _options(parser)
    return [*_names(name, typed), *_positional(name, parser, typed, rest, app)]


def _command(words: Sequence[str]) -> tuple[str, list[str]]:
    """The command (or the group, or "") that has been typed, and the words behind it."""
    from engine.commands.dispatch import command_name, split_leading

    leading, rest = split_leading(list(words))
    name, rest = command_name(rest)
    return name or "", [*leading, *rest]


def _names(group: str, typed: str) -> Answers:
    """Commands, or those of a group. What stands for several words is offered word by word."""
    start = f"{group} " if group else ""
    for name, command in COMMANDS.items():
        if name.startswith(start) and command.help:
            word, _, more = name[len(start) :].partition(" ")
            yield word, "" if more else command.help
    if not group:
        yield from ((alias, f"the same as '{name}'") for alias, name in ALIASES.items())
        yield "help", "explain a command"


def _parser(name: str) -> ArgumentParser:
    from engine.commands.dispatch import make_parser

    return make_parser(name, importlib.import_module(COMMANDS[name].module))


# --- options


def _options(parser: ArgumentParser) -> Answers:
    for action in parser._actions:
        if action.help != SUPPRESS:
            yield from ((text, (action.help or "").replace("%%", "%")) for text in action.option_strings)


def _option_with_value(parser: ArgumentParser, rest: Sequence[str], typed: str) -> Action | None:
    """The option whose value is being typed: ``--name ba`` or ``--name=ba``."""
    known = {text: action for action in parser._actions for text in action.option_strings}
    if typed.startswith("--") and "=" in typed:
        return known.get(typed.partition("=")[0])
    action = known.get(rest[-1]) if rest else None
    return action if action is not None and _takes_value(action) else None


def _takes_value(action: Action) -> bool:
    return action.nargs != 0


def _plain_words(parser: ArgumentParser, rest: Sequence[str]) -> Iterator[str]:
    """The words that are neither options nor their values."""
    known = {text: action for action in parser._actions for text in action.option_strings}
    skip = False
    for word in rest:
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            action = known.get(word)
            skip = action is not None and _takes_value(action)
        else:
            yield word


def _values(option: Action, typed: str, rest: Sequence[str], app: App) -> Answers:
    flag, equals, _ = typed.partition("=") if typed.startswith("--") else ("", "", "")
    found: Answers = ((str(choice), "") for choice in option.choices or ())
    kind = _BY_OPTION.get(option.dest)
    if kind and not option.choices:
        found = _of_kind(kind, typed[len(flag + equals) :], rest, app)
    return ((f"{flag}{equals}{word}", meaning) for word, meaning in found)


# --- words


def _positional(name: str, parser: ArgumentParser, typed: str, rest: Sequence[str], app: App) -> Answers:
    position = sum(1 for _ in _plain_words(parser, rest))
    if name == "shell":
        environments = _of_kind("environment", typed, rest, app) if position < 2 else ()
        return [*(_ACTIONS.items() if not position else ()), *environments]
    kind = _BY_COMMAND.get(name)
    places = [action for action in parser._actions if not action.option_strings]
    if kind is None and places:
        place = places[min(position, len(places) - 1)]
        if place.choices:
            return [(str(choice), "") for choice in place.choices]
        kind = _BY_METAVAR.get(str(place.metavar))
    one_only = kind in ("environment", "program", "shell")
    return _of_kind(kind, typed, rest, app) if kind and not (one_only and position) else ()


def _of_kind(kind: str, typed: str, rest: Sequence[str], app: App) -> Answers:
    return _KINDS[kind](typed, rest, app)


def _environments(typed: str, rest: Sequence[str], app: App) -> Answers:
    from engine.environment.environments import environment_name, known_environments

    named = ((environment_name(prefix, app.config), prefix) for prefix in known_environments(app.config))
    return [(name, prefix) for name, prefix in named if name]


def _programs(typed: str, rest: Sequence[str], app: App) -> Answers:
    """What `run` finds first: the programs of the environment."""
    from engine.shell.facts import path_dirs

    for directory in path_dirs(_prefix(rest, app), windows=os.name == "nt"):
        try:
            yield from ((name, "") for name in os.listdir(directory))
        except OSError:
            continue


def _installed(typed: str, rest: Sequence[str], app: App) -> Answers:
    """From the names of the records alone: the last two parts are version and build."""
    from engine.link.prefix.meta import record_paths

    for path in record_paths(_prefix(rest, app)):
        name, *more = os.path.basename(path)[: -len(".json")].rsplit("-", 2)
        if more:
            yield name, more[0]


def _available(typed: str, rest: Sequence[str], app: App) -> Answers:
    if not typed or set(typed) & set("=<>! []/:"):
        return ()  # nobody wants to see thirty thousand names, and what follows a name is not known
    from engine.config.channels import configured_channels
    from engine.fetch.index.cached_names import cached_names

    channels = configured_channels(app.config, _values_of(rest, "-c", "--channel") or None)
    names = cached_names(app.config.pkgs_dirs, channels, app.config.platform, typed)
    return ((name, "") for name in names)


def _channels(typed: str, rest: Sequence[str], app: App) -> Answers:
    return ((str(name), "") for name in dict.fromkeys((*app.config.channels, "conda-forge", "bioconda", "nodefaults")))


def _platforms(typed: str, rest: Sequence[str], app: App) -> Answers:
    from engine.model.platform import KNOWN_SUBDIRS

    return ((name, "") for name in KNOWN_SUBDIRS)


def _shells(typed: str, rest: Sequence[str], app: App) -> Answers:
    from engine.shell.init import INITIALISABLE

    return ((name, "") for name in INITIALISABLE)


def _processes(typed: str, rest: Sequence[str], app: App) -> Answers:
    from engine.shell.processes import records_dir, running

    found = running(records_dir(app.environ, app.config.home))
    return ((process.name, " ".join(process.command)) for process in found)


def _commands(typed: str, rest: Sequence[str], app: App) -> Answers:
    return _names("", typed)


_KINDS = {
    "environment": _environments,
    "program": _programs,
    "installed": _installed,
    "available": _available,
    "channel": _channels,
    "platform": _platforms,
    "shell": _shells,
    "process": _processes,
    "command": _commands,
}


def _prefix(rest: Sequence[str], app: App) -> str:
    """The environment that the command line means."""
    for key, flags in (("env_name", ("-n", "--name")), ("target_prefix", ("-p", "--prefix"))):
        values = _values_of(rest, *flags)
        if values:
            app.options[key] = values[-1]
            break
    config = app.config
    return config.target_prefix or config.active_prefix or config.root_prefix


def _values_of(rest: Sequence[str], *flags: str) -> list[str]:
    found = [value for flag, value in pairwise(rest) if flag in flags]
    return found + [word.partition("=")[2] for word in rest if word.partition("=")[0] in flags and "=" in word]
