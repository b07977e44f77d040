"""``shell``: code for shells (hook, activate, deactivate, reactivate), their start-up files (init, deinit, reinit),
and a new shell inside an environment (no action at all).

Everything here is started at each prompt of somebody's day: it imports nothing that it does not need.
"""

from __future__ import annotations

import io
import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options, add_prefix_options
from engine.environment.healing import healed
from engine.errors import ExitCode, PrefixError, UsageError
from engine.shell.dialect import SHELLS, Dialect, Program, dialect_of
from engine.shell.environment import Activator, Rules
from engine.shell.facts import read_facts
from engine.shell.msys import for_msys, posix_path
from engine.shell.operations import Operation
from engine.shell.program import executable, function_name, guess_shell

if TYPE_CHECKING:
    from engine.commands.app import App

_CODE = ("activate", "deactivate", "reactivate")
_CHANGES = ("install", "update", "upgrade", "remove", "uninstall")
_FILES = ("init", "deinit", "reinit")
_LONG_PATHS = "enable_long_path_support"
_HELP = f"one of {', '.join(('hook', *_CODE, *_FILES, _LONG_PATHS))}; without one, a shell is started there"


def arguments(parser: ArgumentParser) -> None:
    """The options of ``shell`` and all its actions; they may stand before the action or behind it."""
    parser.add_argument("action", nargs="?", metavar="ACTION", help=_HELP)
    parser.add_argument(
        "place", nargs="?", metavar="ENVIRONMENT", help="name or path; for init and deinit, the root prefix"
    )
    parser.add_argument("--stack", action="store_true", help="activate on top of the active environment")
    parser.add_argument("--into", metavar="FILE", help=SUPPRESS)
    add_shell_options(parser)
    add_general_options(parser)
    add_prefix_options(parser)


def parse(parser: ArgumentParser, words: Sequence[str]) -> Namespace:
    """What stands behind ``--`` is a command line of its own (for ``dispatch``)."""
    border = words.index("--") if "--" in words else len(words)
    args = parser.parse_intermixed_args(words[:border])
    args.words = list(words[border + 1 :])
    return args


def add_shell_options(parser: ArgumentParser) -> None:
    """Which shell, and which program it shall call."""
    parser.add_argument("-s", "--shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    text = "the program that the shell is to call (default: this one)"
    parser.add_argument("--executable", default=SUPPRESS, metavar="PATH", help=text)


def run(args: Namespace, app: App) -> int:
    """Do the action."""
    if args.action in _FILES:
        from engine.commands.init import change_files

        return change_files(args, app, args.action)
    if args.action == "hook":
        return _hook(args, app)
    if args.action in _CODE:
        return _activation(args, app)
    if args.action == _LONG_PATHS:
        from engine.system.long_paths import enable_long_paths

        app.out.line(enable_long_paths())
        app.out.result(success=True)
        return ExitCode.OK
    if args.action == "dispatch":
        return _dispatch(args)
    return _subshell(args, app)


def _dispatch(args: Namespace) -> int:
    """Run ``args.words`` for a shell without functions: what it has to source afterwards is left in ``--into``."""
    from engine.commands.dispatch import dispatch

    words: list[str] = args.words
    if not words or words[0] not in (*_CODE, *_CHANGES) or {"-h", "--help"} & set(words):
        return dispatch(words)
    if words[0] in _CHANGES:
        code = dispatch(words)
        if code != ExitCode.OK:
            return code
        words = ["reactivate"]
    return dispatch(["shell", *words, "--shell", args.shell, "--into", args.into])


def chosen_shell(args: Namespace, app: App) -> str:
    """The shell that was asked for, or else the one that called us."""
    shell: str | None = args.shell or guess_shell(app.environ)
    if shell is None:
        raise UsageError("Could not tell which shell this is.", hint=f"Say --shell, with one of {', '.join(SHELLS)}.")
    return shell


def this_program(args: Namespace, app: App, shell: str) -> Program:
    """What shell code has to know of us."""
    path = os.path.abspath(args.executable) if "executable" in args else executable(sys.argv[0], app.environ)
    name, root = function_name(path), app.config.root_prefix
    if sys.platform == "win32" and dialect_of(shell).from_unix:
        path, root = posix_path(path), posix_path(root)
    return Program(path, name, root, shell, app.config.auto_activate_base)


def _hook(args: Namespace, app: App) -> int:
    shell = chosen_shell(args, app)
    if shell in ("cmd", "cmd.exe"):
        return _hook_of_cmd(this_program(args, app, shell), app)
    _print(app, shell, "shell_hook", dialect_of(shell).hook(this_program(args, app, shell)))
    return ExitCode.OK


def _hook_of_cmd(program: Program, app: App) -> int:
    """cmd.exe can't evaluate what is printed, so nothing is (as with micromamba): the hook is a file to be called."""
    from engine.shell.root_files import root_files, write_files

    write_files(program.root_prefix, root_files(program), app.out.warning)
    _print(app, program.shell, "shell_hook", "")
    if not app.out.json:
        app.out.warning(f'Now run: CALL "{program.root_prefix}\\condabin\\mamba_hook.bat"')
    return ExitCode.OK


def _activation(args: Namespace, app: App) -> int:
    shell = chosen_shell(args, app)
    dialect = dialect_of(shell)
    operations = _operations(args, app, dialect)
    if sys.platform == "win32" and dialect.from_unix:
        operations = for_msys(operations)
    code = dialect.render(operations)
    if args.into:
        with open(args.into, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(code)
        return ExitCode.OK
    _print(app, shell, f"shell_{args.action}", _in_a_file(code) if shell in ("cmd", "cmd.exe") else code)
    return ExitCode.OK


def _operations(args: Namespace, app: App, dialect: Dialect) -> list[Operation]:
    if args.action == "activate":
        _take_place(args, app, "base")
    config = app.config
    windows = sys.platform == "win32"
    rules = Rules(
        config.root_prefix,
        ";" if windows else dialect.path_separator,
        prompt_format=config.env_prompt if config.changeps1 else None,
        prompt_variable=dialect.prompt_variable,
        prompt=dialect.prompt,
    )
    activator = Activator(
        app.environ,
        rules,
        cache(lambda prefix: read_facts(prefix, dialect.script_extension, app.out.warning, windows=windows)),
    )
    if args.action != "activate":
        return activator.deactivate() if args.action == "deactivate" else activator.reactivate()
    prefix = config.target_prefix and healed(config.target_prefix, app.out.warning)
    return activator.activate(_existing(prefix), stack=args.stack)


def _take_place(args: Namespace, app: App, default: str) -> None:
    """Let the configuration resolve the environment, however it was named. A path is what has a slash in it."""
    if {"target_prefix", "env_name"} & app.options.keys():
        if args.place:
            raise UsageError(f"The environment is named twice: {args.place!r}, and with -n or -p.")
        return
    place = args.place or default
    is_path = "/" in place or (os.sep in place) or place in ("~", ".", "..")
    app.options["target_prefix" if is_path else "env_name"] = place


def _existing(prefix: str | None) -> str:
    if prefix is None or not os.path.isdir(prefix):
        hint = "`whipsnake env list` shows the environments that are known."
        raise PrefixError(f"Could not activate {prefix}: there is no such directory.", hint=hint)
    return prefix


def _print(app: App, shell: str, operation: str, code: str) -> None:
    """Print code exactly as it is: paths and variables may hold bytes that are no text in any encoding."""
    if app.out.json:
        app.out.result(
            success=True,
            operation=operation,
            context={"shell_type": shell},
            actions={"print": [code]},
            log_history=[],
        )
        return
    stream = app.out.stream
    if isinstance(stream, io.TextIOWrapper):
        newline = "" if sys.platform == "win32" else None
        stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline=newline)
    app.out.code(code)


def _in_a_file(code: str) -> str:
    """cmd.exe can't evaluate text: its code goes into a file, whose name is printed; the caller removes it."""
    import tempfile

    from engine.shell.cmd import in_utf8

    with tempfile.NamedTemporaryFile(
        "w", prefix="whipsnake_", suffix=".bat", delete=False, encoding="utf-8", newline="\r\n"
    ) as file:
        file.write(in_utf8(code))
    return file.name + "\n"


def _subshell(args: Namespace, app: App) -> int:
    from engine.shell.run import RunRequest, execute

    if args.place is not None:
        names = ", ".join(("hook", *_CODE, *_FILES, _LONG_PATHS))
        raise UsageError(f"`shell` knows no action {args.action!r}.", hint=f"There are: {names}.")
    args.place = args.action
    _take_place(args, app, "base")
    config = app.config
    fallback = {"win32": "cmd.exe", "darwin": "zsh"}.get(sys.platform, "bash")
    command = [app.environ.get("SHELL") or fallback]
    return execute(
        RunRequest(_existing(config.target_prefix), command, config.root_prefix, app.environ), app.out.warning
    )
