"""``run``: a program in an environment. Its output, exit code and signals are the program's own; nothing is added."""

from __future__ import annotations

import sys
from argparse import REMAINDER, SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options, add_prefix_options
from engine.environment.healing import healed
from engine.errors import ExitCode, UsageError
from engine.shell import processes
from engine.shell.run import RunRequest, detach, execute, prepare

if TYPE_CHECKING:
    from engine.commands.app import App

_NEEDED = frozenset(("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "WINDIR")) if sys.platform == "win32" else ()
"""What not even ``--clean-env`` can do without: no program of Windows starts then."""

_STREAMS = ("stdin", "stdout", "stderr")


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options, and the ones of conda that ask for what is the case here anyway."""
    parser.add_argument("command", nargs=REMAINDER, metavar="COMMAND", help="the program and its arguments")
    parser.add_argument("--cwd", metavar="DIR", help="run it in this directory")
    parser.add_argument(
        "-e", "--env", action="append", default=[], metavar="VAR[=VALUE]", help="set a variable, or pass it on"
    )
    text = "attach only these of stdin, stdout, stderr (with commas); the others are /dev/null ('': attach all)"
    parser.add_argument("-a", "--attach", action="append", metavar="STREAMS", help=text)
    parser.add_argument("--clean-env", action="store_true", help="start without the present variables")
    parser.add_argument("-d", "--detach", action="store_true", help="leave the terminal and run in the background")
    parser.add_argument("--label", metavar="NAME", help="what the process is called in listings")
    for flag in ("--live-stream", "--no-capture-output"):
        parser.add_argument(flag, action="store_true", help=SUPPRESS)
    add_general_options(parser)
    add_prefix_options(parser)


def parse(parser: ArgumentParser, words: Sequence[str]) -> Namespace:
    """From the first word that is no option on, everything belongs to the command.

    An ``exec`` before it says what is the case anyway (micromamba's wrapper is a shell, where it means something).
    """
    args = parser.parse_args(_with_label(parser, words))
    for word in ("--", "exec"):
        if args.command[:1] == [word]:
            del args.command[0]
    return args


def _with_label(parser: ArgumentParser, words: Sequence[str]) -> list[str]:
    """The words with ``--label=X`` for ``--label X``: a name may begin with ``-``, as micromamba's parser has it."""
    found = list(words)
    position = 0
    while position < len(found) and found[position].startswith("-") and found[position] != "--":
        if found[position] == "--label" and position + 1 < len(found):
            found[position : position + 2] = [f"--label={found[position + 1]}"]
            position += 1
            continue
        option = parser._option_string_actions.get(found[position])
        position += 1 if option is None or option.nargs == 0 else 2
    return found


def run(args: Namespace, app: App) -> int:
    """Become the program (or start it, with ``--detach``)."""
    request = _request(args, app)
    if args.detach and request.windows:
        raise UsageError("Could not detach the program: Windows has no such thing.", hint="Try `start` of cmd.exe.")
    if args.detach:
        prepare(request, app.out.warning)  # what is wrong is said now, while somebody listens
        child = detach()
        if child is not None:
            app.out.line(f"Started process {child} in the background: stop it with `kill {child}`.")
            return ExitCode.OK
    records = processes.records_dir(app.environ, app.config.home)
    if request.command:
        processes.note(records, name=request.label, command=request.command, prefix=request.prefix)
    try:
        return execute(request, app.out.warning)
    finally:
        processes.forget(records)  # if we are still here: the program could not be started, or has ended (Windows)


def _request(args: Namespace, app: App) -> RunRequest:
    config = app.config
    given = _given(args.env, app.environ, app.out.warning)
    base = {name: value for name, value in app.environ.items() if not args.clean_env or name.upper() in _NEEDED}
    return RunRequest(
        prefix=healed(config.target_prefix or config.active_prefix or config.root_prefix, app.out.warning),
        command=args.command,
        root_prefix=config.root_prefix,
        environ={**base, **given},
        cwd=args.cwd,
        closed=_closed(args.attach),
        # PATH is what activation builds upon; all else that was asked for wins over what the environment sets.
        override={name: value for name, value in given.items() if name != "PATH"},
        label=args.label,
        windows=sys.platform == "win32",
    )


def _given(items: Sequence[str], environ: Mapping[str, str], notice: Callable[[str], None]) -> dict[str, str]:
    """``VAR=VALUE`` sets, ``VAR`` passes on what is set now."""
    found: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not name:
            raise UsageError(f"Could not set the variable {item!r}: it has no name.")
        if equals:
            found[name] = value
        elif name in environ:
            found[name] = environ[name]
        else:
            notice(f"The variable {name} was to be passed on, but is not set.")
    return found


def _closed(attach: Sequence[str] | None) -> frozenset[str]:
    """The streams that are left out; nothing is, unless some were chosen."""
    chosen = {name.lower() for text in attach or () for name in text.replace(",", " ").split()}
    wrong = sorted(chosen.difference(_STREAMS))
    if wrong:
        raise UsageError(f"Could not attach to {wrong[0]!r}.", hint=f"There are: {', '.join(_STREAMS)}.")
    return frozenset(_STREAMS) - chosen if chosen else frozenset()
