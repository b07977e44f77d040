"""cmd.exe.

Rule of this file: a value with a quote in it is written outside quotes with a caret before all that means something,
since cmd.exe has no way to write a quote between quotes. A line break can't be written at all and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.errors import UsageError
from engine.shell.dialect import Dialect, Program, by_line
from engine.shell.operations import Operation

_SPECIAL = re.compile(r'[&|<>^()"!]')


def assignment(name: str, value: str) -> str:
    """``name=value`` as an argument of SET that can't end early."""
    if "\n" in value or "\r" in value:
        raise UsageError(f"Could not set {name} in cmd.exe: its value holds a line break, which cmd.exe can't express.")
    text = f"{name}={value}".replace("%", "%%")
    if '"' not in text:
        return f'"{text}"'
    return '^"' + _SPECIAL.sub(lambda found: "^" + found[0], text) + '^"'


def render(operations: Sequence[Operation]) -> str:
    """A batch file to be CALLed."""
    return by_line(
        operations,
        export=lambda name, value: f"@SET {assignment(name, value)}",
        assign=lambda name, value: f"@SET {assignment(name, value)}",
        unset=lambda name: f"@SET {name}=",
        source=lambda path: f'@CALL "{path.replace("%", "%%")}"',
    )


def hook(program: Program) -> str:
    """A batch file that stands for the program: to be saved as ``<name>.bat`` in a directory of PATH."""
    root = assignment("MAMBA_ROOT_PREFIX", program.root_prefix)
    return f"""\
@SET {assignment("MAMBA_EXE", program.path)}
@SET {root}
@IF "%1"=="activate" GOTO :apply
@IF "%1"=="deactivate" GOTO :apply
@IF "%1"=="reactivate" GOTO :apply
@CALL "%MAMBA_EXE%" %*
@IF ERRORLEVEL 1 EXIT /B %ERRORLEVEL%
@IF "%CONDA_SHLVL%"=="" EXIT /B 0
@IF "%CONDA_SHLVL%"=="0" EXIT /B 0
@FOR %%C IN (install update upgrade remove uninstall) DO @IF "%1"=="%%C" (
    @FOR /F "delims=" %%F IN ('CALL "%MAMBA_EXE%" shell reactivate --shell cmd.exe') DO @CALL "%%F" & @DEL "%%F"
)
@EXIT /B 0
:apply
@FOR /F "delims=" %%F IN ('CALL "%MAMBA_EXE%" shell %* --shell cmd.exe') DO @CALL "%%F" & @DEL "%%F"
"""


def block(program: Program) -> str:
    """cmd.exe has no start-up file."""
    raise UsageError(
        "cmd.exe has no start-up file.",
        hint=f"Save what `{program.name} shell hook -s cmd.exe` prints as {program.name}.bat in a directory of PATH.",
    )


DIALECT = Dialect(".bat", render, hook, block, path_separator=";")
