"""What the tests of the configuration stand on: a home, a root prefix, and a short way to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engine.config import Config, load_config

Load = Callable[..., Config]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = (tmp_path / "home").resolve()
    path.mkdir()
    return path


@pytest.fixture
def load(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """``load(options, **environ)``; the system's own rc files are out of sight."""
    monkeypatch.setattr("engine.config.files._UNIX_SYSTEM", (str(tmp_path / "etc"), str(tmp_path / "var")))

    def load(options: Mapping[str, object] | None = None, **environ: str) -> Config:
        facts = {"MAMBA_ROOT_PREFIX": str(home / "root"), **environ}
        return load_config(
            options or {}, facts, home=str(home), cwd=str(tmp_path.resolve()), install_prefix=str(tmp_path / "none")
        )

    return load
