"""Which directory is the root prefix."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.config.files import early_places
from engine.config.roots import find_root_prefix, user_directory
from engine.errors import ConfigError

ROAMING = {"APPDATA": "/roaming"}


def find(base: Path, asked: str | None = None, install: str = "nowhere", **environ: str) -> tuple[str, str]:
    base = base.resolve()
    root, source = find_root_prefix(
        asked, environ, home=f"{base}/home", cwd=f"{base}/here", install_prefix=f"{base}/{install}"
    )
    return root.replace(str(base), ""), source


def test_the_order(tmp_path: Path) -> None:
    (tmp_path / "home/micromamba/pkgs").mkdir(parents=True)
    (tmp_path / "inst/conda-meta").mkdir(parents=True)
    every = {"MAMBA_ROOT_PREFIX": f"{tmp_path}/m", "MAMBA_DEFAULT_ROOT_PREFIX": f"{tmp_path}/d"}
    assert find(tmp_path, "r", "inst", **every) == ("/here/r", "the command line")
    assert find(tmp_path, None, "inst", **every) == ("/m", "$MAMBA_ROOT_PREFIX")
    assert find(tmp_path, None, "inst", MAMBA_DEFAULT_ROOT_PREFIX="~/d")[0] == "/home/d"
    assert find(tmp_path, None, "inst") == ("/inst", "default")
    assert find(tmp_path) == ("/home/micromamba", "default")


def test_installed_in_an_environment_of_a_root(tmp_path: Path) -> None:
    (tmp_path / "base/envs/tool/conda-meta").mkdir(parents=True)
    (tmp_path / "base/pkgs").mkdir()
    assert find(tmp_path, None, "base/envs/tool")[0] == "/base"


def test_a_virtual_environment_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "proj/envs/venv/bin").mkdir(parents=True)
    assert find(tmp_path, None, "proj/envs/venv")[0] == "/home/.local/share/mamba"


def test_the_last_resort(tmp_path: Path) -> None:
    (tmp_path / "home/micromamba").mkdir(parents=True)  # not a root: it has none of the marks
    assert find(tmp_path)[0] == "/home/.local/share/mamba"
    assert find(tmp_path, None, XDG_DATA_HOME=f"{tmp_path.resolve()}/data")[0] == "/data/mamba"


def test_windows_has_a_directory_for_what_goes_with_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    places = [user_directory("XDG_DATA_HOME", ".x", "/h", {}), user_directory("XDG_DATA_HOME", ".x", "/h", ROAMING)]
    assert places == ["/h/AppData/Roaming", "/roaming"]
    assert user_directory("XDG_DATA_HOME", ".x", "/h", {**ROAMING, "XDG_DATA_HOME": "/d"}) == "/d"
    assert "/roaming/mamba/mambarc" in early_places("/r", "/h", ROAMING)
    assert find_root_prefix(None, ROAMING, home="/h", cwd="/w", install_prefix="/w") == ("/roaming/mamba", "default")


def test_a_default_that_is_something_else_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "home/.local/share/mamba"
    place.mkdir(parents=True)
    assert find(tmp_path)[0] == "/home/.local/share/mamba"  # empty: fine
    (place / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="is no root prefix"):
        find(tmp_path)
    (place / "envs").mkdir()
    assert find(tmp_path)[0] == "/home/.local/share/mamba"
