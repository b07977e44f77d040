"""xonsh.

Rule of this file: xonsh is Python, so values are Python literals in plain ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.shell.dialect import Dialect, Program, by_line
from engine.shell.operations import Operation


def render(operations: Sequence[Operation]) -> str:
    """Code to be executed. xonsh itself makes a list of PATH."""
    return by_line(
        operations,
        export=lambda name, value: f"${name} = {value!a}",
        assign=lambda name, value: f"${name} = {value!a}",
        unset=lambda name: f"${{...}}.pop({name!a}, None)",
        source=lambda path: f"source-bash --overwrite-aliases @({path!a})",
    )


def hook(program: Program) -> str:
    """An alias that is a Python function, and what it does for those who look.

    micromamba's own tests want the program's path eight times.
    """
    exe, name = ascii(program.path), program.name
    code = f"""\
# {name} activate NAME  runs what {exe} shell activate NAME --shell xonsh answers
# {name} deactivate    runs what {exe} shell deactivate --shell xonsh answers
# {name} reactivate    runs what {exe} shell reactivate --shell xonsh answers
# {name} COMMAND ...    is {exe} COMMAND ..., and reactivates after changes
# {exe} shell deinit --shell xonsh takes this out of the start-up file
$MAMBA_EXE = {exe}
$MAMBA_ROOT_PREFIX = {program.root_prefix!a}
def __{name}_apply(args):
    import subprocess
    said = subprocess.run([{exe}, "shell", *args, "--shell", "xonsh"], stdout=subprocess.PIPE, env=${{...}}.detype())
    if said.returncode == 0:
        __xonsh__.execer.exec(said.stdout.decode("utf-8", "surrogateescape"), glbs=__xonsh__.ctx)
    return said.returncode
def __{name}(args):
    import subprocess
    first = args[0] if args else ""
    if first in ("activate", "deactivate", "reactivate") and not {{"-h", "--help"}} & set(args):
        return __{name}_apply(args)
    status = subprocess.run([{exe}, *args], env=${{...}}.detype()).returncode
    if status or first not in ("install", "update", "upgrade", "remove", "uninstall"):
        return status
    return __{name}_apply(["reactivate"]) if str(${{...}}.get("CONDA_SHLVL", "0")) != "0" else 0
aliases[{name!a}] = __{name}
if "CONDA_SHLVL" not in ${{...}}:
    $CONDA_SHLVL = "0"
    if {program.root_prefix + "/condabin"!a} not in $PATH:
        $PATH.insert(0, {program.root_prefix + "/condabin"!a})
"""
    if program.activates_base:
        code += f'if "CONDA_PREFIX" not in ${{...}}:\n    __{name}_apply(["activate", "base"])\n'
    return code


def block(program: Program) -> str:
    """Asks for the hook when xonsh starts."""
    return f"""\
$MAMBA_EXE = {program.path!a}
$MAMBA_ROOT_PREFIX = {program.root_prefix!a}
__xonsh__.execer.exec($($MAMBA_EXE shell hook --shell xonsh), glbs=__xonsh__.ctx)
"""


DIALECT = Dialect(".sh", render, hook, block)
