"""nushell.

Rule of this file: nushell compiles its code before it runs, so nothing can be evaluated: the program says what to do
as JSON, and a command that stands in the start-up file does it. Scripts can't be run either (mamba has it so, too).
"""

from __future__ import annotations

from engine.shell import plain
from engine.shell.dialect import Dialect, Program


def quote(text: str) -> str:
    """``text`` as a double-quoted literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def hook(program: Program) -> str:
    """Nothing: the start-up file holds all of it."""
    return "\n"


def block(program: Program) -> str:
    """The commands, and a prompt that shows the environment."""
    exe, name = quote(program.path), program.name
    return f"""\
$env.MAMBA_EXE = {exe}
$env.MAMBA_ROOT_PREFIX = {quote(program.root_prefix)}
if $env.CONDA_SHLVL? == null {{
    $env.CONDA_SHLVL = "0"
    $env.PATH = ($env.PATH | prepend {quote(program.root_prefix + "/condabin")} | uniq)
}}
$env.__MAMBA_PROMPT = $env.PROMPT_COMMAND?
def --env "__{name} apply" [...words: string] {{
    let said = (^{exe} shell ...$words --shell nu | from json)
    for variable in $said.unset {{ hide-env --ignore-errors $variable }}
    load-env $said.export
    if ($env.PATH | describe) == "string" {{ $env.PATH = ($env.PATH | split row (char esep)) }}
    $env.PROMPT_COMMAND = {{||
        let own = $env.__MAMBA_PROMPT?
        let shown = (if ($own | describe) == "closure" {{ do $own }} else {{ $own | default "" }})
        $"($env.CONDA_PROMPT_MODIFIER? | default '')($shown)"
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
def --env "{name} activate" [environment: string = "base", --stack] {{
    __{name} apply activate $environment ...(if $stack {{ ["--stack"] }} else {{ [] }})
}}
def --env "{name} deactivate" [] {{ __{name} apply deactivate }}
def --env "{name} reactivate" [] {{ __{name} apply reactivate }}
"""


DIALECT = Dialect(".nu", plain.render, hook, block)
