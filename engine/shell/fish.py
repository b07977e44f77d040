"""fish.

Rule of this file: values stand between single quotes, where only backslash and the quote itself mean something.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.shell.completion import fish as completion
from engine.shell.dialect import Dialect, Program, by_line
from engine.shell.operations import Operation


def quote(text: str) -> str:
    """``text`` as one word that fish takes literally."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def render(operations: Sequence[Operation]) -> str:
    """Code to be sourced. fish itself splits PATH at its colons."""
    return by_line(
        operations,
        export=lambda name, value: f"set -gx {name} {quote(value)}",
        assign=lambda name, value: f"set -g {name} {quote(value)}",
        unset=lambda name: f"set -e {name}; or true",
        source=lambda path: f"source {quote(path)}",
    )


def hook(program: Program) -> str:
    """The function, and a prompt that shows the environment in front of the user's own (MAMBA_NO_PROMPT: not)."""
    exe, name = quote(program.path), program.name
    condabin = quote(f"{program.root_prefix}/condabin")
    code = f"""\
set -gx MAMBA_EXE {exe}
set -gx MAMBA_ROOT_PREFIX {quote(program.root_prefix)}
function __{name}_apply
    set -l code ({exe} shell $argv --shell fish); or return
    string join \\n -- $code | source
end
function {name}
    switch "$argv[1]"
        case activate deactivate reactivate
            if contains -- -h $argv; or contains -- --help $argv
                {exe} $argv
            else
                __{name}_apply $argv
            end
        case install update upgrade remove uninstall
            {exe} $argv; or return
            if set -q CONDA_SHLVL; and test "$CONDA_SHLVL" != 0
                __{name}_apply reactivate
            end
        case '*'
            {exe} $argv
    end
end
if not set -q CONDA_SHLVL
    set -gx CONDA_SHLVL 0
    contains -- {condabin} $PATH; or set -gx PATH {condabin} $PATH
end
if not set -q MAMBA_NO_PROMPT; and not functions -q __{name}_prompt
    if functions -q fish_prompt
        functions -c fish_prompt __{name}_prompt
    else
        function __{name}_prompt
        end
    end
    function __{name}_status
        return $argv[1]
    end
    function fish_prompt
        set -l last $status
        if set -q CONDA_PROMPT_MODIFIER
            printf '%s' $CONDA_PROMPT_MODIFIER
        end
        __{name}_status $last
        __{name}_prompt
    end
end
"""
    code += f"if status is-interactive\n{completion(name)}end\n"
    if program.activates_base:
        code += f"set -q CONDA_PREFIX; or {name} activate base\n"
    return code


def block(program: Program) -> str:
    """Asks for the hook when fish starts; says nothing if the program has gone."""
    return f"""\
set -gx MAMBA_EXE {quote(program.path)}
set -gx MAMBA_ROOT_PREFIX {quote(program.root_prefix)}
if test -x $MAMBA_EXE
    $MAMBA_EXE shell hook --shell fish | source
end
"""


DIALECT = Dialect(".fish", render, hook, block, from_unix=True)
