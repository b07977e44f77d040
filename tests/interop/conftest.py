"""Other tools beside ours: the same root prefix, the same channel, the same kept facts about the machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.model.platform import native_platform
from tests.commands.conftest import SUBDIR, Done, RunCommand, channel, create, root, run_command, server
from tests.kit.server import ChannelServer

__all__ = ["channel", "create", "root", "run_command", "server"]

FACTS = {"GLIBC": "2.31", "LINUX": "6.1", "ARCHSPEC": "x86_64", "CUDA": ""}


@pytest.fixture(autouse=True)
def same_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tool finds the same virtual packages; packages of the kit are made for one platform."""
    if native_platform(platform.system(), platform.machine()) != SUBDIR:
        pytest.skip(f"links packages of {SUBDIR}")
    for name, value in FACTS.items():
        monkeypatch.setenv(f"CONDA_OVERRIDE_{name}", value)


@pytest.fixture
def change(run_command: RunCommand, server: ChannelServer) -> RunCommand:
    """One of our commands that changes an environment, from the channel: ``change("install", "-n", "one", …)``."""
    return lambda *words: run_command(*words, "--yes", "--override-channels", "-c", server.url)


def peer(command: str, **variables: str) -> RunCommand:
    """Runs another tool as a user does, with HOME and root prefix of the test; skips where it is not installed."""
    program = shutil.which(command)
    if program is None:
        pytest.skip(f"{command} is not installed")

    def run(*words: object) -> Done:
        done = subprocess.run(
            [program, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, **variables},
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def names(prefix: Path) -> set[str]:
    """``name-version`` of every record of an environment, read without any tool."""
    return {path.stem.rsplit("-", 1)[0] for path in (prefix / "conda-meta").glob("*.json")}
