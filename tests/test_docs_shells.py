"""The one-liners of docs/shells.md do what the page says, in the real shells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shell.sessions import COMMANDS, ROOT, make_environment, make_executable, run_script

PAGE = (ROOT / "docs" / "shells.md").read_text(encoding="utf-8")
LINES = dict(re.findall(r"^\| (\w[\w.]*) \| `(.+?)`", PAGE, re.MULTILINE))


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash", "fish", "tcsh", "xonsh"])
def test_the_hook_of_the_page(shell: str, tmp_path: Path) -> None:
    root = make_environment(tmp_path / "root")
    make_environment(root / "envs" / "a")
    exe = make_executable(tmp_path)
    environ = {"PATH": f"{exe.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "MAMBA_ROOT_PREFIX": str(root)}
    code = f"cd {tmp_path}\n{LINES[shell].replace(chr(92) + '|', '|')}\nwhipsnake activate a\n"
    code += "print($CONDA_PREFIX)\n" if shell == "xonsh" else "echo $CONDA_PREFIX\n"
    ran = run_script(shell, code, tmp_path, environ)
    assert ran.stdout.decode().splitlines()[-1] == f"{root}/envs/a"


def test_the_page_has_every_shell() -> None:
    assert {*COMMANDS, "PowerShell", "cmd.exe", "nushell"} - {"nu"} <= set(LINES)
