"""bash, zsh, dash and other shells of the Bourne family.

Rule of this file: code that every POSIX shell understands (`local` is none of it), that survives ``set -eu`` and
people's aliases (a leading backslash), and that holds values between single quotes only.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.shell.completion import bash, zsh
from engine.shell.dialect import Dialect, Program, by_line
from engine.shell.operations import Operation


def quote(text: str) -> str:
    """``text`` as one word that the shell takes literally, whatever is in it (NUL can't be)."""
    return "'" + text.replace("'", "'\\''") + "'"


def render(operations: Sequence[Operation]) -> str:
    """Code to be evaluated in the shell itself."""
    return by_line(
        operations,
        export=lambda name, value: f"export {name}={quote(value)}",
        assign=lambda name, value: f"{name}={quote(value)}",
        unset=lambda name: f"unset {name}",
        source=lambda path: f"\\. {quote(path)}",
    )


def hook(program: Program) -> str:
    """The shell function that passes everything on to ``program``, and evaluates what activation answers.

    Every command ends with a semicolon: people forget the quotes in ``eval $(…)``, and then all is one line.
    """
    exe, name = quote(program.path), program.name
    condabin = quote(f"{program.root_prefix}/condabin")
    code = f"""\
\\export MAMBA_EXE={exe};
\\export MAMBA_ROOT_PREFIX={quote(program.root_prefix)};
__{name}_apply() {{
    __{name}_code="$(PS1="${{PS1:-}}" {exe} shell "$@" --shell {program.shell})" || \\return;
    \\eval "${{__{name}_code}}";
    \\unset __{name}_code;
    \\hash -r 2>/dev/null || :;
}};
{name}() {{
    case "${{1:-}}" in
        activate|deactivate|reactivate)
            case " $* " in
                *' -h '*|*' --help '*) {exe} "$@" ;;
                *) __{name}_apply "$@" ;;
            esac ;;
        install|update|upgrade|remove|uninstall)
            {exe} "$@" || \\return;
            case "${{CONDA_SHLVL:-0}}" in
                0) ;;
                *) __{name}_apply reactivate ;;
            esac ;;
        *) {exe} "$@" ;;
    esac;
}};
if [ -z "${{CONDA_SHLVL+x}}" ]; then
    \\export CONDA_SHLVL=0;
    case ":${{PATH:-}}:" in
        *:{condabin}:*) ;;
        *) \\export PATH={condabin}"${{PATH:+:$PATH}}" ;;
    esac;
fi;
[ -n "${{PS1+x}}" ] || PS1=;
"""
    code += _completion(program)
    if program.activates_base:
        code += f'[ -n "${{CONDA_PREFIX:-}}" ] || {name} activate base;\n'
    return code


_COMPLETION = {"bash": (bash, "BASH_VERSION"), "zsh": (zsh, "ZSH_VERSION")}


def _completion(program: Program) -> str:
    """Completion for people. It is handed over as a text, since other shells than its own could not even read it."""
    code = ""
    for shell, (emit, version) in _COMPLETION.items():
        if program.shell in (shell, "posix"):
            code += f"""\
case "$-${{{version}:+ {version}}}" in
    *i*{version}) \\eval {quote(emit(program.name))} ;;
esac;
"""
    return code


def block(program: Program) -> str:
    """Asks for the hook when the shell starts; says nothing if the program has gone."""
    return f"""\
export MAMBA_EXE={quote(program.path)}
export MAMBA_ROOT_PREFIX={quote(program.root_prefix)}
if [ -x "$MAMBA_EXE" ] && __mamba_hook="$("$MAMBA_EXE" shell hook --shell {program.shell})"; then
    eval "$__mamba_hook"
    unset __mamba_hook
fi
"""


DIALECT = Dialect(".sh", render, hook, block, prompt_variable="PS1", from_unix=True)
