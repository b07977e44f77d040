"""Completion as a person meets it: Tab in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.sessions import make_environment, make_executable, need, run_script
from tests.shell.terminal import Terminal

PROMPTS = {"bash": "", "zsh": "", "zsh with its completion system": "autoload -U compinit && compinit -u", "fish": ""}
HOOKS = {"bash": 'eval "$({})"', "zsh": 'eval "$({})"', "fish": "{} | source"}


@pytest.mark.parametrize("kind", PROMPTS)
def test_tab(kind: str, tmp_path: Path) -> None:
    shell = kind.partition(" ")[0]
    root, home = tmp_path / "root", tmp_path / "home"
    make_environment(root / "envs" / "analysis")
    make_environment(root)
    home.mkdir()
    (home / "environment.yml").touch()
    exe = make_executable(tmp_path)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    with Terminal(need(shell), environ, home) as terminal:
        if PROMPTS[kind]:
            terminal.enter(PROMPTS[kind])
        terminal.enter(HOOKS[shell].format(f"{exe} shell hook -s {shell} -r {root}"))
        terminal.enter("echo rea''dy")
        terminal.wait("\nready")
        terminal.type("whipsnake env rem")
        terminal.press("Tab")
        terminal.wait("whipsnake env remove")
        terminal.type("-n ana")
        terminal.press("Tab")
        terminal.wait("whipsnake env remove -n analysis")
        terminal.type("--dry")
        terminal.press("Tab")
        terminal.wait("whipsnake env remove -n analysis --dry-run")
        terminal.press("C-u")
        terminal.type("whipsnake shell --shell=xo")
        terminal.press("Tab")
        terminal.wait("whipsnake shell --shell=xonsh")
        terminal.press("C-u")
        terminal.type("whipsnake create -f envi")
        terminal.press("Tab")
        terminal.wait("whipsnake create -f environment.yml")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_scripts_do_not_get_it(shell: str, tmp_path: Path) -> None:
    exe = make_executable(tmp_path)
    code = (
        f'eval "$({exe} shell hook -s {shell} -r {tmp_path})"\ntype __whipsnake_complete >/dev/null 2>&1 || echo none\n'
    )
    ran = run_script(shell, code, tmp_path, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    assert (ran.stdout, ran.stderr) == (b"none\n", b"")
