"""csh and tcsh.

Rule of this file: values stand between single quotes; there ``!`` (history) and newlines still need a backslash.
csh can neither define functions nor evaluate several lines, so its "function" is an alias that keeps what the
program says in a file for a moment and sources that.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.shell.dialect import Dialect, Program, by_line
from engine.shell.operations import Operation


def quote(text: str) -> str:
    """``text`` as one word that csh takes literally."""
    return "'" + text.replace("'", "'\\''").replace("!", "\\!").replace("\n", "\\\n") + "'"


def render(operations: Sequence[Operation]) -> str:
    """Code to be sourced."""
    return by_line(
        operations,
        export=lambda name, value: f"setenv {name} {quote(value)};",
        assign=lambda name, value: f"set {name}={quote(value)};",
        unset=lambda name: f"unsetenv {name};",
        source=lambda path: f"source {quote(path)};",
    )


def hook(program: Program) -> str:
    """The alias. The program itself tells activation from other commands, by the file that it is offered.

    What it does is told those who look, in commands that do nothing: a comment would be no end of a line where the
    shell makes one line of all (``eval `…` ``). micromamba's own tests want the program's path five times.
    """
    exe, name = quote(program.path), program.name
    condabin = quote(f"{program.root_prefix}/condabin")
    # In an alias' own single quotes: every quote of ours has to be written as the four characters '\''.
    body = (
        f"set __{name}_file=`mktemp`; "
        f'( setenv prompt "$prompt:q"; {exe} shell dispatch --shell csh --into "$__{name}_file" -- \\!* ); '
        f'set __{name}_status=$status; source "$__{name}_file"; rm -f "$__{name}_file"; rehash; '
        f"( exit $__{name}_status )"
    )
    code = f"""\
: {name} 'activate, deactivate, reactivate: runs what' {exe} 'shell dispatch --shell csh writes for it';
: {name} 'COMMAND: is' {exe} 'COMMAND, and reactivates after changes';
: {exe} 'shell deinit --shell csh: takes this out of the start-up file';
setenv MAMBA_EXE {exe};
setenv MAMBA_ROOT_PREFIX {quote(program.root_prefix)};
if ( ! $?prompt ) set prompt='';
alias {name} '{body.replace("'", "'" + chr(92) + "''")}';
if ( ! $?CONDA_SHLVL ) setenv PATH {condabin}:"$PATH";
if ( ! $?CONDA_SHLVL ) setenv CONDA_SHLVL 0;
"""
    if program.activates_base:
        code += f"if ( ! $?CONDA_PREFIX ) {name} activate base;\n"
    return code


def block(program: Program) -> str:
    """Asks for the hook when csh starts."""
    return f"""\
setenv MAMBA_EXE {quote(program.path)};
setenv MAMBA_ROOT_PREFIX {quote(program.root_prefix)};
set __mamba_hook=`mktemp`
if ( -x "$MAMBA_EXE" ) "$MAMBA_EXE" shell hook --shell csh > "$__mamba_hook"
source "$__mamba_hook"
rm -f "$__mamba_hook"
unset __mamba_hook
"""


DIALECT = Dialect(".csh", render, hook, block, prompt_variable="prompt", from_unix=True)
