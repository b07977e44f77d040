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
    """A batch file that stands for the program: ``<root prefix>\\condabin\\<name>.bat``."""
    words, file = f"__{program.name}", f"__{program.name}_file"
    ask = f"""'CALL "%MAMBA_EXE%" shell %{words}% --shell cmd.exe'"""
    return f"""\
@SET {assignment("MAMBA_EXE", program.path)}
@SET {assignment("MAMBA_ROOT_PREFIX", program.root_prefix)}
@SET {words}=%*
@IF "%~1"=="activate" GOTO apply
@IF "%~1"=="deactivate" GOTO apply
@IF "%~1"=="reactivate" GOTO apply
@CALL "%MAMBA_EXE%" %*
@IF ERRORLEVEL 1 EXIT /B %ERRORLEVEL%
@IF "%CONDA_SHLVL%"=="" EXIT /B 0
@IF "%CONDA_SHLVL%"=="0" EXIT /B 0
@SET {words}=reactivate
@FOR %%C IN (install update upgrade remove uninstall) DO @IF "%~1"=="%%C" GOTO apply
@SET {words}=
@EXIT /B 0
:apply
@SET "{file}="
@FOR /F "delims=" %%F IN ({ask}) DO @SET "{file}=%%F"
@SET {words}=
@IF NOT DEFINED {file} EXIT /B 1
@CALL "%{file}%"
@DEL "%{file}%"
@SET "{file}="
"""


def start_up(program: Program) -> str:
    """What every cmd.exe runs first: the name and the directory of the batch files."""
    return f"""\
@IF DEFINED CONDA_SHLVL GOTO :EOF
@SET {assignment("MAMBA_EXE", program.path)}
@SET {assignment("MAMBA_ROOT_PREFIX", program.root_prefix)}
@SET "PATH=%~dp0;%PATH%"
@DOSKEY {program.name}="%~dp0{program.name}.bat" $*
@SET CONDA_SHLVL=0
"""


def activate_script(program: Program) -> str:
    """``activate.bat``, which shortcuts and people call by its path."""
    return f"""\
@CALL "%~dp0..\\condabin\\mamba_hook.bat"
@CALL "%~dp0..\\condabin\\{program.name}.bat" activate %*
"""


def in_utf8(code: str) -> str:
    """``code`` so that cmd.exe reads it right from a file in UTF-8, whatever the console's code page."""
    if code.isascii():
        return code
    return (
        '@FOR /F "tokens=2 delims=:." %%C IN (\'CHCP\') DO @SET "__codepage=%%C"\n@CHCP 65001 > NUL\n'
        f'{code}@CHCP %__codepage% > NUL\n@SET "__codepage="\n'
    )


def block(program: Program) -> str:
    """cmd.exe has no start-up file, but a value in the registry: see `engine.shell.autorun`."""
    raise UsageError(
        "cmd.exe has no start-up file.", hint=f"`{program.name} shell init -s cmd.exe` writes to the registry."
    )


DIALECT = Dialect(".bat", render, hook, block, path_separator=";", prompt_variable="PROMPT", prompt="$P$G")
