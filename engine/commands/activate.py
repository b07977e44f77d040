"""``activate`` and ``deactivate`` of the program itself, which can't work: they say what to do instead (exit 1)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options, add_prefix_options
from engine.errors import WhipsnakeError
from engine.shell.program import executable, function_name, guess_shell

if TYPE_CHECKING:
    from engine.commands.app import App

_HOOKS = {
    "csh": "{exe} shell hook --shell csh > hook.csh; source hook.csh",
    "tcsh": "{exe} shell hook --shell tcsh > hook.csh; source hook.csh",
    "nu": "{exe} shell hook --shell nu | save --force hook.nu; then: source hook.nu",
    "fish": "{exe} shell hook --shell fish | source",
    "powershell": "{exe} shell hook --shell powershell | Out-String | Invoke-Expression",
    "xonsh": "execx($({exe} shell hook --shell xonsh))",
}


class ShellNotInitialised(WhipsnakeError):
    """No program can change the shell that started it; only a function of that shell can."""


def arguments(parser: ArgumentParser) -> None:
    """The options of the shell function."""
    parser.add_argument("place", nargs="?", metavar="ENVIRONMENT", help="name or path of the environment")
    parser.add_argument("--stack", action="store_true", help="activate on top of the active environment")
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Explain."""
    path = executable(sys.argv[0], app.environ)
    name, shell = function_name(path), guess_shell(app.environ) or "bash"
    by_eval = 'eval "$({exe} shell hook --shell {shell})"'
    now = _HOOKS.get(shell, by_eval).format(exe=name, shell=shell)
    raise ShellNotInitialised(
        f"{name} runs as a process of its own, so it can't change the shell that started it: "
        "this shell has to be initialised first.",
        hint=f"For this {shell}:            {now}\n"
        f"        for all that you will start: {name} init --shell {shell}\n"
        f"        and without any of it:       {name} run -n NAME COMMAND…",
    )
