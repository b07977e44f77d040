"""From words to a running command, and from its errors to what people see.

Rule of this file: every `WhipsnakeError` ends here as one message and its exit code, a `KeyboardInterrupt` as 130,
a closed pipe in silence, and what the system refused us as that; anything else is a bug of ours and says so.
"""

from __future__ import annotations

import importlib
import os
import sys
from argparse import ArgumentParser, HelpFormatter, Namespace
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from engine.commands import ALIASES, COMMANDS
from engine.commands.app import App
from engine.commands.flag_values import plain_flags
from engine.commands.options import add_general_options, add_prefix_options
from engine.errors import ExitCode, Interrupted, ResourceError, UsageError, WhipsnakeError
from engine.ui.out import Out
from engine.ui.streams import prepare_streams, silence
from engine.version import __version__, version_as

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

_WITH_VALUE = {"-r", "--root-prefix", "-p", "--prefix", "-n", "--name", "--relocate-prefix", "--rc-file", "--log-level"}
"""Options that may stand before the command, or between its words, and take a value."""

_STOOD_IN_FOR = ("micromamba", "mamba", "conda")
"""Programs in whose place a link to us may stand."""


class Parser(ArgumentParser):
    """An `ArgumentParser` that raises instead of leaving the process."""

    def __init__(self, prog: str, description: str | None = None) -> None:
        """``prog`` is what it is called in messages."""
        super().__init__(prog, description=description, formatter_class=_formatter, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """A mistake in the arguments of this command."""
        raise UsageError(f"{self.prog}: {message}", hint=f"`{self.prog} --help` lists what it understands.")

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """The help, as an answer like any other: argparse itself passes over a stream that can't be written."""
        Out().line(self.format_help().rstrip("\n"))


def _formatter(prog: str) -> HelpFormatter:
    """How help is set. One is made for every parser, and would by itself import `shutil` for the terminal's width."""
    width = os.environ.get("COLUMNS", "")
    try:
        columns = int(width[:9]) if width.isdecimal() and int(width[:9]) else os.get_terminal_size(1).columns
    except OSError:  # no terminal
        columns = 80
    return HelpFormatter(prog, width=(columns or 80) - 2)


def dispatch(words: list[str]) -> int:
    """Run the command in ``words``; returns the exit code."""
    prepare_streams()
    out = Out(json=_wants_json(words))
    if os.path.basename(sys.argv[0]) in _STOOD_IN_FOR:
        out.program = os.path.basename(sys.argv[0])
    try:
        return _finish(out, _run(words, out))
    except BrokenPipeError:
        # Whoever read our output went away: say nothing more, not even while Python closes the stream.
        silence(sys.stdout.fileno())
        return ExitCode.FAILURE
    except WhipsnakeError as error:  # the answer itself could not be written
        out.json = False
        out.error(error)
        return error.exit_code


def _wants_json(words: list[str]) -> bool:
    """Whether errors are to be JSON, known before the words are parsed. What stands behind `run` is not for us."""
    leading, rest = split_leading(words)
    return "--json" in (leading if rest[:1] in (["run"], ["completer"]) else words)


def _finish(out: Out, code: int) -> int:
    out.close(success=code == ExitCode.OK)
    return code


def _run(words: list[str], out: Out) -> int:
    try:
        return _run_command(words, out)
    except WhipsnakeError as error:
        out.error(error)
        return error.code if isinstance(error, Interrupted) else error.exit_code
    except KeyboardInterrupt:
        out.error(Interrupted())
        return ExitCode.INTERRUPTED
    except (BrokenPipeError, SystemExit):
        raise
    except Exception as error:
        lack = ResourceError.of(error)
        if lack is not None:
            out.error(lack)
            return lack.exit_code
        out.bug(error, words)
        return ExitCode.BUG


def _run_command(words: list[str], out: Out) -> int:
    leading, rest = split_leading(words)
    name, rest = command_name(rest)
    if name == "help":  # as conda has it: `help create` is `create --help`
        return _run_command([*leading, *rest, "--help"], out)
    alone = not split_leading(rest)[1]
    if name is None or (alone and name not in COMMANDS) or "--version" in leading:
        return _answer_without_command(name, [*leading, *rest], out)
    if name not in COMMANDS:
        raise _unknown(name, rest)
    module = importlib.import_module(COMMANDS[name].module)
    parser = make_parser(name, module)
    args = _parse(module, parser, leading, rest if name == "run" else one_file_each(rest))
    app = App({**getattr(module, "OPTIONS", {}), **vars(args)}, dict(os.environ), out, words)
    if "print_config_only" in args:
        from engine.commands.print_config import print_config

        return print_config(name, args, app)
    code: int = module.run(args, app)
    return code


def split_leading(words: list[str]) -> tuple[list[str], list[str]]:
    """Options before the command, and the rest. They belong to every command: CLI11 lets them stand there too."""
    position = 0
    while position < len(words) and words[position].startswith("-"):
        position = _behind(words, position)
    return one_file_each(words[:position]), words[position:]


def _behind(words: list[str], position: int) -> int:
    """Where the option at ``position`` ends, with its values.

    ``--rc-file A B`` takes several words, in micromamba all up to the next option. Here more than one only where they
    are files: what else stands there may be the command, or a package.
    """
    end = position + (2 if words[position] in _WITH_VALUE else 1)
    while words[position] == "--rc-file" and end < len(words) and os.path.isfile(os.path.expanduser(words[end])):
        end += 1
    return end


def one_file_each(words: list[str]) -> list[str]:
    """The words with ``--rc-file=A --rc-file=B`` for ``--rc-file A B``."""
    found: list[str] = []
    position = 0
    while position < len(words):
        end = _behind(words, position) if words[position] == "--rc-file" else position + 1
        files = words[position + 1 : end]
        found += [f"--rc-file={file}" for file in files] or [words[position]]
        position = end
    return found


def command_name(words: list[str]) -> tuple[str | None, list[str]]:
    """The command's name (of several words for one in a group) and the words behind it.

    Where there is no such command, the longest name of a group that the words begin with.
    """
    if not words:
        return None, []
    name, taken = ALIASES.get(words[0], words[0]), [0]
    best, places = name, [0]
    for position, word in enumerate(words[1:], 1):
        if word.startswith("-") or words[position - 1] in _WITH_VALUE:
            continue
        name, taken = f"{name} {word}", [*taken, position]
        if name in COMMANDS or _group(name):
            best, places = name, taken
        else:
            break
    return best, [word for position, word in enumerate(words) if position not in places]


def make_parser(name: str, module: ModuleType) -> Parser:
    """The parser of one command; ``--help`` of each is complete by itself."""
    parser = Parser(f"whipsnake {name}", COMMANDS[name].help)
    module.arguments(parser)
    return parser


def _parse(module: ModuleType, parser: Parser, leading: list[str], rest: list[str]) -> Namespace:
    parse = getattr(module, "parse", None)
    if parse:  # words of another program may be among the rest
        leading, flags = plain_flags(parser, leading)
        args: Namespace = parse(parser, leading + rest)
    else:
        words, flags = plain_flags(parser, leading + rest)
        args = parser.parse_intermixed_args(words)
    vars(args).update(flags)
    return args


def _answer_without_command(name: str | None, leading: list[str], out: Out) -> int:
    """The version, or what commands there are: no fault, as micromamba has it."""
    if "--version" in leading:
        out.result(version=version_as(sys.argv[0]))
        out.line(version_as(sys.argv[0]))
        return ExitCode.OK
    if name is not None and not _group(name):
        raise _unknown(name, [])
    _general_parser().parse_args([word for word in leading if word not in ("-h", "--help")])
    out.result(success=True, commands=_group(name) if name else [name for name in COMMANDS if COMMANDS[name].help])
    out.line(_overview(name))
    return ExitCode.OK


def _general_parser() -> Parser:
    parser = Parser("whipsnake")
    add_general_options(parser)
    add_prefix_options(parser)
    return parser


def _group(name: str) -> list[str]:
    return [command for command in COMMANDS if command.startswith(name + " ")]


def _overview(group: str | None) -> str:
    names = [name for name in (_group(group) if group else COMMANDS) if COMMANDS[name].help]
    width = max(map(len, names))
    lines = [f"  {name:<{width}}  {COMMANDS[name].help}" for name in names]
    head = f"whipsnake {__version__}: makes, changes and removes conda environments"
    return "\n".join(
        [
            head,
            "",
            "usage: whipsnake COMMAND [OPTIONS]",
            "",
            *lines,
            "",
            "`whipsnake COMMAND --help` explains a command.",
        ]
    )


def _unknown(name: str, rest: list[str]) -> UsageError:
    from difflib import get_close_matches

    words = [name, *(word for word in rest[:1] if _group(name) and not word.startswith("-"))]
    text = " ".join(words)
    near = get_close_matches(text, [*COMMANDS, *ALIASES], n=1)
    hint = f"Did you mean `whipsnake {near[0]}`?" if near else "`whipsnake --help` lists the commands."
    if _group(name):
        hint = f"There are: {', '.join(_group(name))}."
    return UsageError(f"whipsnake has no command {text!r}.", hint=hint)
