"""A terminal with a person in front of it: keys go in, the screen comes out. It is tmux's, so escape codes count."""

from __future__ import annotations

import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

PATIENCE = 30.0
"""Seconds that something on the screen may take."""


class Terminal:
    """One program in a terminal of its own; a context manager."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], directory: Path) -> None:
        if shutil.which("tmux") is None:
            pytest.skip("tmux is not installed")
        self._socket = f"whipsnake-{uuid.uuid4().hex[:12]}"
        variables = [f"{name}={value}" for name, value in environ.items()]
        size = ["-x", "120", "-y", "50"]
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", *size, "-c", str(directory), "env", "-i", *variables, *command
        )  # fmt: skip

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        return subprocess.run(["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=False).stdout

    def type(self, text: str) -> None:
        """Type characters."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, Tab, C-c."""
        self._tmux("send-keys", *keys)

    def enter(self, line: str) -> None:
        """Type a line and send it off."""
        self.type(line)
        self.press("Enter")

    def screen(self) -> str:
        """All lines so far, those that scrolled away too; without what is blank at the ends."""
        lines = self._tmux("capture-pane", "-p", "-J", "-S", "-").splitlines()
        return "\n".join(line.rstrip() for line in lines).rstrip()

    def wait(self, text: str) -> str:
        """The screen, once ``text`` is on it; fails with the screen if it never is."""
        return self.wait_until(lambda screen: text in screen, repr(text))

    def wait_until(self, holds: Callable[[str], bool], what: str) -> str:
        """The screen, once something ``holds`` for it; fails with the screen if it never does."""
        until = time.monotonic() + PATIENCE
        while not holds(screen := self.screen()):
            if time.monotonic() > until:
                pytest.fail(f"{what} did not appear:\n{screen}")
            time.sleep(0.05)
        return screen
