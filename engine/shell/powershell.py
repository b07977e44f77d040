"""PowerShell, on every system.

Rule of this file: values stand between single quotes; PowerShell takes the typographic ones for quotes as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from engine.shell.dialect import Dialect, Program, by_line
from engine.shell.operations import Operation

_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")


def quote(text: str) -> str:
    """``text`` as one literal."""
    return "'" + _QUOTES.sub(lambda found: found[0] * 2, text) + "'"


def render(operations: Sequence[Operation]) -> str:
    """Code for ``Invoke-Expression``."""
    return by_line(
        operations,
        export=lambda name, value: f"$Env:{name} = {quote(value)}",
        assign=lambda name, value: f"$global:{name} = {quote(value)}",
        unset=lambda name: f"Remove-Item -LiteralPath Env:{name} -ErrorAction SilentlyContinue",
        source=lambda path: f". {quote(path)}",
    )


def hook(program: Program) -> str:
    """The function, and a prompt that shows the environment in front of the user's own.

    The first three lines are as conda's hook has them, in which parameters stand above the third.
    """
    exe, name = quote(program.path), program.name
    condabin = quote(program.root_prefix + os.sep + "condabin")
    code = f"""\
$Env:MAMBA_EXE={exe}
$Env:MAMBA_ROOT_PREFIX={quote(program.root_prefix)}
## AFTER PARAM ####
function global:__{name}_apply {{
    $code = (& {exe} shell @args --shell powershell | Out-String)
    if ($LASTEXITCODE -eq 0 -and $code.Trim()) {{ Invoke-Expression -Command $code }}
}}
function global:{name} {{
    $first = if ($args.Count) {{ $args[0] }} else {{ '' }}
    $helps = $args -contains '-h' -or $args -contains '--help'
    if (('activate', 'deactivate', 'reactivate') -contains $first -and -not $helps) {{
        __{name}_apply @args
    }} else {{
        & {exe} @args
        if ($LASTEXITCODE -eq 0 -and ('install', 'update', 'upgrade', 'remove', 'uninstall') -contains $first) {{
            if ($Env:CONDA_SHLVL -and $Env:CONDA_SHLVL -ne '0') {{ __{name}_apply reactivate }}
        }}
    }}
}}
if (-not $Env:CONDA_SHLVL) {{
    $Env:CONDA_SHLVL = '0'
    $Env:PATH = {condabin} + [IO.Path]::PathSeparator + $Env:PATH
}}
if (-not (Test-Path Function:\\__{name}_prompt)) {{
    Copy-Item Function:\\prompt Function:\\global:__{name}_prompt
    function global:prompt {{ "$Env:CONDA_PROMPT_MODIFIER$(__{name}_prompt)" }}
}}
"""
    if program.activates_base:
        code += f"if (-not $Env:CONDA_PREFIX) {{ {name} activate base }}\n"
    return code


def block(program: Program) -> str:
    """Asks for the hook when PowerShell starts."""
    return f"""\
$Env:MAMBA_EXE = {quote(program.path)}
$Env:MAMBA_ROOT_PREFIX = {quote(program.root_prefix)}
if (Test-Path -LiteralPath $Env:MAMBA_EXE) {{
    (& $Env:MAMBA_EXE shell hook --shell powershell) | Out-String | Invoke-Expression
}}
"""


DIALECT = Dialect(".ps1", render, hook, block, path_separator=os.pathsep)
