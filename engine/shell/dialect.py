"""What a shell has to offer so that it can be told to activate an environment: the seam between us and shells.

Rule of this file: one shell family is one module with one `Dialect`, named in the table here and imported when it is
asked for. A dialect turns plain values into text and touches nothing else.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

import msgspec

from engine.errors import UsageError
from engine.shell.operations import Assign, Export, Operation, Source, Unset


class Program(msgspec.Struct, frozen=True):
    """Who is to be called by a shell, and how. All of it ends up, quoted, in shell code."""

    path: str
    """The executable, absolute."""
    name: str
    """What people type: the shell function is called so. A plain word, see `function_name`."""
    root_prefix: str
    shell: str
    activates_base: bool = False
    """`auto_activate_base` of the configuration."""


class Dialect(msgspec.Struct, frozen=True):
    """How to talk to one family of shells."""

    script_extension: str
    """Ending of the activate.d scripts that it can run."""
    render: Callable[[Sequence[Operation]], str]
    """Operations as code. No value may ever be taken for code."""
    hook: Callable[[Program], str]
    """The code that makes the shell function: what ``shell hook`` prints."""
    block: Callable[[Program], str]
    """What goes into the start-up file, between the marks; ends with a newline."""
    prompt_variable: str | None = None
    prompt: str = ""
    """What the shell shows where that variable is not set."""
    path_separator: str = ":"
    from_unix: bool = False
    """On Windows there is only that of Git, MSYS2 or Cygwin, which wants paths in the form of Unix."""


_MODULES = {
    "posix": ("posix", "bash", "zsh", "dash", "ash", "ksh", "sh"),
    "fish": ("fish",),
    "csh": ("csh", "tcsh"),
    "xonsh": ("xonsh",),
    "nu": ("nu", "nushell"),
    "powershell": ("powershell", "pwsh"),
    "cmd": ("cmd.exe", "cmd"),
    "plain": ("json",),
}

SHELLS: tuple[str, ...] = tuple(name for names in _MODULES.values() for name in names)
"""Every name that ``--shell`` understands."""


def dialect_of(shell: str) -> Dialect:
    """The dialect of a shell, by any of its names."""
    for module, names in _MODULES.items():
        if shell in names:
            found = importlib.import_module(f"{__package__}.{module}").DIALECT
            assert isinstance(found, Dialect)
            return found
    raise UsageError(f"Unknown shell {shell!r}.", hint=f"There are: {', '.join(SHELLS)}.")


def by_line(
    operations: Sequence[Operation],
    *,
    export: Callable[[str, str], str],
    assign: Callable[[str, str], str],
    unset: Callable[[str], str],
    source: Callable[[str], str],
) -> str:
    """One line of code for each operation, in order."""
    lines = []
    for operation in operations:
        if isinstance(operation, Export):
            lines.append(export(operation.name, operation.value))
        elif isinstance(operation, Assign):
            lines.append(assign(operation.name, operation.value))
        elif isinstance(operation, Unset):
            lines.append(unset(operation.name))
        elif isinstance(operation, Source):
            lines.append(source(operation.path))
    return "".join(f"{line}\n" for line in lines)
