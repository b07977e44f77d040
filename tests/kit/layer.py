"""What an image brings, as overlayfs shows it in Docker: its directories can't be renamed (EXDEV), all else can."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from engine.link.transaction import exchange


class Layer:
    """Directories that refuse to be renamed, from the moment on when they were told of."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._held: list[int] = []
        """Open, so that no new directory gets the number of one that is gone."""
        self._numbers: set[int] = set()
        rename, call = os.rename, exchange._call

        def refusing(old: str, new: str, **options: Any) -> None:
            self._refuse(old)
            rename(old, new, **options)

        def refusing_call(name: str, *arguments: int | bytes) -> bool:
            for path in arguments:
                if isinstance(path, bytes):
                    self._refuse(os.fsdecode(path))
            return call(name, *arguments)

        patch.setattr(os, "rename", refusing)
        patch.setattr(exchange, "_call", refusing_call)

    def bring(self, place: Path) -> None:
        """All directories below ``place``, and none that were told of before."""
        self.forget()
        for directory, _, _ in os.walk(place):
            self._held.append(os.open(directory, os.O_RDONLY))
        self._numbers = {os.fstat(opened).st_ino for opened in self._held}

    def forget(self) -> None:
        """Let go of them."""
        while self._held:
            os.close(self._held.pop())
        self._numbers = set()

    def _refuse(self, path: str) -> None:
        if os.path.lexists(path) and os.lstat(path).st_ino in self._numbers:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
