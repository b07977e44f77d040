"""The file of logins, as mamba writes it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from engine.errors import ConfigError, StorageError
from engine.fetch.http.auth import Basic, Bearer, PathToken
from engine.fetch.http.login import remove_all_logins, remove_login, store_login


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".mamba/auth/authentication.json"


def test_mambas_form(file: Path) -> None:
    store_login(str(file), "a", PathToken("tk"))
    store_login(str(file), "b:1/x", Bearer("br"))
    store_login(str(file), "c", Basic("me", "xyzpass"))
    assert json.loads(file.read_text()) == {
        "a": {"type": "CondaToken", "token": "tk"},
        "b:1/x": {"type": "BearerToken", "token": "br"},
        "c": {"type": "BasicHTTPAuthentication", "user": "me", "password": "eHl6cGFzcw=="},
    }
    assert '\n    "a": {\n        "type"' in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == [file.name]


def test_what_others_wrote_stays(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text('{"x": {"type": "Unheard", "more": [1]}}')
    store_login(str(file), "a", PathToken("tk"))
    assert json.loads(file.read_text())["x"] == {"type": "Unheard", "more": [1]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert remove_login(str(file), "a")
    assert not remove_login(str(file), "a")
    assert json.loads(file.read_text()) == {"x": {"type": "Unheard", "more": [1]}}
    remove_all_logins(str(file))
    remove_all_logins(str(file))
    assert not file.exists()


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir(parents=True)
    file.symlink_to(tmp_path / "dotfiles.json")
    store_login(str(file), "a", PathToken("tk"))
    assert file.is_symlink()
    assert json.loads((tmp_path / "dotfiles.json").read_text())


def test_a_broken_file_is_left_alone(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text("{")
    for change in (lambda: store_login(str(file), "a", PathToken("tk")), lambda: remove_login(str(file), "a")):
        with pytest.raises(ConfigError, match="no JSON object"):
            change()
    assert file.read_text() == "{"


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / ".mamba").write_text("")
    with pytest.raises(StorageError):
        store_login(str(tmp_path / ".mamba/auth/authentication.json"), "a", PathToken("tk"))
