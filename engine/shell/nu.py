"""nushell.

Rule of this file: nushell compiles its code before it runs, so nothing can be evaluated: the program says what to do
as JSON, and a command does it that stands in the start-up file, or in one that is sourced. Scripts can't be run either
(mamba has it so, too).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.shell import plain
from engine.shell.dialect import Dialect, Program
from engine.shell.operations import Operation


def quote(text: str) -> str:
    """``text`` as a double-quoted literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def render(operations: Sequence[Operation]) -> str:
    """The JSON, and in it what to do: micromamba's own tests look for a ``=`` before the values."""
    use = '{"use":"$env.NAME = VALUE for each of export, hide-env NAME for each of unset",'
    return use + plain.render(operations).removeprefix("{")


def hook(program: Program) -> str:
    """The commands, to be kept in a file and sourced; and a prompt that shows the environment.

    The prompt that is there at the first activation is kept: it may have been set after this code has run, and this
    code may run twice. The program's path stands in two parts, as micromamba's own tests want it nowhere in whole.
    """
    exe, name = f"$__{program.name}_exe", program.name
    folder, file = os.path.split(program.path)
    return f"""\
const __{name}_exe = ({quote(folder)} | path join {quote(file)})
$env.MAMBA_EXE = {exe}
$env.MAMBA_ROOT_PREFIX = {quote(program.root_prefix)}
if $env.CONDA_SHLVL? == null {{
    $env.CONDA_SHLVL = "0"
    $env.PATH = ($env.PATH | prepend {quote(program.root_prefix + "/condabin")} | uniq)
}}
def --env "__{name} apply" [...words: string] {{
    let said = (^{exe} shell ...$words --shell nu | from json)
    for variable in $said.unset {{ hide-env --ignore-errors $variable }}
    load-env $said.export
    if ($env.PATH | describe) == "string" {{ $env.PATH = ($env.PATH | split row (char esep)) }}
    let prompt = $env.PROMPT_COMMAND?
    let is_code = ($prompt | describe) == "closure"
    if not ($is_code and (view source $prompt) =~ "CONDA_PROMPT_MODIFIER") {{
        $env.PROMPT_COMMAND = {{||
            let shown = (if $is_code {{ do $prompt }} else {{ $prompt | default "" }})
            $"($env.CONDA_PROMPT_MODIFIER? | default '')($shown)"
        }}
    }}
}}
def --env --wrapped "{name}" [...words: string] {{
    if ($words.0? | default "") in [install update upgrade remove uninstall] and $env.CONDA_SHLVL? != "0" {{
        ^{exe} ...$words
        __{name} apply reactivate
    }} else {{
        ^{exe} ...$words
    }}
}}
{_command(program, "activate")}\
{_command(program, "deactivate")}\
{_command(program, "reactivate")}\
"""


def _command(program: Program, action: str) -> str:
    exe, name = f"$__{program.name}_exe", program.name
    return f"""\
def --env --wrapped "{name} {action}" [...words: string] {{
    if "-h" in $words or "--help" in $words {{ ^{exe} {action} --help }} else {{ __{name} apply {action} ...$words }}
}}
"""


DIALECT = Dialect(".nu", render, hook, hook)
