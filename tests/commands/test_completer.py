"""What `completer` answers to the words of a command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.commands import COMMANDS
from engine.shell.dialect import SHELLS
from tests.commands.conftest import Done, RunCommand
from tests.kit.server import ChannelServer
from tests.shell.sessions import make_environment


@pytest.fixture
def ask(run_command: RunCommand) -> RunCommand:
    """The answers to some words."""

    def asked(*words: str) -> list[str]:
        done: Done = run_command("completer", *words)
        assert (done.code, done.err) == (0, "")
        return done.out.splitlines()

    return asked


def test_commands(ask: RunCommand) -> None:
    assert ask("cre") == ["create"]
    assert ask("env", "config", "vars", "") == ["list", "set", "unset"]
    assert {"config", "create", "export", "list", "remove"} <= set(ask("env", ""))
    shown = ask("")
    assert {"help", "uninstall", "env", "run"} <= set(shown) and "completer" not in shown
    assert ask("no-such-command", "") == []
    assert ask("--describe", "ps", "st") == [f"stop\t{COMMANDS['ps stop'].help}"]


def test_options_and_their_values(ask: RunCommand) -> None:
    assert {"--channel", "--channel-alias", "--channel-priority"} == set(ask("create", "--channel"))
    assert ask("create", "--channel-priority", "s") == ["strict"]
    assert ask("shell", "--shell=xo") == ["--shell=xonsh"]
    assert set(ask("shell", "hook", "-s", "")) == set(SHELLS)
    assert ask("create", "--platform", "win-a") == ["win-arm64"]
    assert "--mamba-repodata-parsing" not in ask("create", "--mamba"), "what --help does not show"
    assert all("\t" in line for line in ask("--describe", "create", "--ch"))


def test_environments(ask: RunCommand, root: Path) -> None:
    for name in ("first", "second"):
        make_environment(root / "envs" / name)
    make_environment(root / "envs" / "second" / "envs" / "inner")
    (root / "envs" / "no-environment").mkdir()
    assert ask("activate", "") == ["base", "first", "second"]
    assert ask("activate", "first", "") == []
    assert ask("remove", "-n", "f") == ["first"]
    assert ask("remove", "--name=f") == ["--name=first"]
    assert {"activate", "hook", "first"} <= set(ask("shell", ""))
    assert ask("shell", "activate", "s") == ["second"]


def test_installed_packages_of_the_environment_that_is_meant(ask: RunCommand, root: Path) -> None:
    make_environment(root / "envs" / "a")
    for record in ("numpy-base-2.1.0-py312_0", "numpy-2.1.0-py312_0", "zlib-1.3-h_0"):
        (root / "envs" / "a" / "conda-meta" / f"{record}.json").write_text("{}")
    assert ask("remove", "-n", "a", "num") == ["numpy", "numpy-base"]
    assert ask("list", "-p", str(root / "envs" / "a"), "z") == ["zlib"]
    assert ask("remove", "-n", "nowhere", "num") == []


def test_packages_of_channels_once_they_were_loaded(
    ask: RunCommand, create: RunCommand, server: ChannelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_CHANNELS", server.url)
    assert ask("install", "to") == []
    assert create("-n", "a", "tool").code == 0
    assert ask("install", "to") == ask("search", "to") == ["tool"]
    assert ask("install", "tool=") == ask("install", "") == []
    assert ask("install", "-c", "elsewhere", "to") == []


def test_programs_of_the_environment(ask: RunCommand, root: Path) -> None:
    prefix = make_environment(root / "envs" / "a")
    (prefix / "bin" / "tool").touch()
    assert ask("run", "-n", "a", "t") == ["tool"]
    assert ask("run", "-n", "a", "tool", "t") == [], "its words are its own, or files"


def test_what_is_wrong_on_the_line_or_in_the_configuration_is_no_answer(ask: RunCommand, root: Path) -> None:
    root.mkdir()
    (root / ".condarc").write_text("channels: {")
    assert ask("activate", "") == []
    assert ask() == ask("") != []


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (("run", "-n", "b"), "asyncio anyio aiohttp rich zstandard yaml engine.solve engine.fetch"),
        (("install", "--nam"), "aiohttp rich zstandard"),
    ],
)
def test_it_imports_little(words: tuple[str, ...], heavy: str, root: Path) -> None:
    code = f"import sys\nfrom cli import main\nmain(['completer', *{words!r}])\n"
    code += f"print([name for name in {heavy.split()!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True)
    assert ran.stdout.splitlines() == [{"b": "base", "--nam": "--name"}[words[-1]], "[]"]
