"""A first session in a terminal, as somebody new has it: nothing may appear on the screen that is not meant to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import build_channel
from tests.kit.server import ChannelServer
from tests.shell.sessions import make_executable, need
from tests.shell.terminal import Terminal

START_UP = {
    "bash": (".bashrc", "PS1='$ '\n"),
    "zsh": (".zshrc", "PROMPT='$ '\n"),
    "fish": (".config/fish/config.fish", "function fish_prompt; echo -n '$ '; end\nset fish_greeting\n"),
    "tcsh": (".tcshrc", "set prompt='$ '\n"),
    "xonsh": (".xonshrc", "$PROMPT = '{env_name}$ '\n$XONTRIBS_AUTOLOAD_DISABLED = True\n"),
    "nu": (
        ".config/nushell/config.nu",
        '$env.config.show_banner = false\n$env.PROMPT_COMMAND = {|| "$ "}\n$env.PROMPT_INDICATOR = ""\n'
        '$env.PROMPT_COMMAND_RIGHT = ""\n',
    ),
}
STATUS = {
    "fish": "echo code $status",
    "tcsh": "echo code $status",
    "nu": 'print $"code ($env.LAST_EXIT_CODE)"',
    "xonsh": "echo code @(__xonsh__.history[-1].rtn)",
}


class Session:
    """A shell in a terminal, with a home of its own. Its prompts end with a dollar, and nothing else does."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        terminal.wait_until(lambda screen: screen.endswith("$"), "the prompt")

    def do(self, line: str) -> str:
        """What is on the screen between a line and the next prompt. Nothing is typed ahead: some shells forget it."""
        before = len(self.terminal.screen().splitlines())
        self.terminal.enter(line)
        screen = self.terminal.wait_until(lambda now: now.endswith("$") and len(now.splitlines()) > before, "a prompt")
        return "\n".join(screen.splitlines()[before:])


@pytest.mark.parametrize("shell", START_UP)
def test_a_first_session(shell: str, tmp_path: Path) -> None:
    program, home = need(shell)[0], tmp_path / "home"
    start = home / START_UP[shell][0]
    start.parent.mkdir(parents=True)
    start.write_text(START_UP[shell][1])
    before = start.read_bytes()
    programs = tmp_path / "programs"
    programs.mkdir()
    make_executable(programs)
    build_channel(tmp_path / "channel")
    path = f"{programs}:{Path(program).parent}:/usr/bin:/bin"
    environ = {"PATH": path, "HOME": str(home), "SHELL": program, "TERM": "xterm-256color"}
    environ |= {"LC_ALL": "C.UTF-8", "CONDA_SUBDIR": "linux-64"}
    with ChannelServer(tmp_path / "channel") as server, Terminal([program], environ, home) as terminal:
        (home / ".condarc").write_text(f"channels: [{server.url}]\n")
        session = Session(terminal)
        assert "this shell has to be initialised first" in session.do("whipsnake activate")
        assert f"wrote for {shell}" in session.do("whipsnake shell init")
        session.do(f"exec {shell}")
        assert "whipsnake activate work" in session.do("whipsnake create -n work tool -y")
        assert "(work) $" in session.do("whipsnake activate work")
        prefix = home / ".local/share/mamba/envs/work"
        assert f"tool in {prefix}" in session.do("tool")
        assert "base-lib" in session.do("whipsnake list")
        assert "+ data" in session.do("whipsnake install -y data")
        session.do("whipsnake run -n work sh -c 'exit 7'")
        assert "code 7" in session.do(STATUS.get(shell, "echo code $?"))
        assert "- tool=1.0" in session.do("whipsnake env export")
        assert "- data" in session.do("whipsnake remove -y data")
        assert "(work)" not in session.do("whipsnake deactivate").splitlines()[-1]
        assert "no such" in session.do("whipsnake activate nowhere")
        assert "Environment removed" in session.do("whipsnake env remove -y -n work")
        assert "removed the block" in session.do("whipsnake shell deinit")
        screen = terminal.screen()
    assert start.read_bytes() == before
    for trouble in ("not found", "Traceback", "warning", "syntax", "unbound"):
        assert trouble not in screen
