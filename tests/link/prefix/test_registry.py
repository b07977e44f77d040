"""environments.txt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.link.prefix.registry import read_registry, register, unregister


def test_register_once_and_unregister(tmp_path: Path) -> None:
    path = str(tmp_path / ".conda" / "environments.txt")
    assert read_registry(path) == []
    for prefix in ("/envs/a", "/envs/b/", "/envs/a"):
        assert register(path, prefix) is None
    assert read_registry(path) == ["/envs/a", "/envs/b"]
    assert unregister(path, "/envs/a") is None
    assert Path(path).read_text() == "/envs/b\n"
    assert unregister(path, "/envs/unknown") is None


def test_an_unended_line_is_not_glued_to(tmp_path: Path) -> None:
    path = tmp_path / "environments.txt"
    path.write_text("/envs/a")
    register(str(path), "/envs/b")
    assert path.read_text() == "/envs/a\n/envs/b\n"


def test_prefixes_of_builds_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "environments.txt"
    register(str(path), "/bld/_h_env_placehold_placehold")
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_is_a_note(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "not noted" in (register(str(tmp_path / "environments.txt"), "/envs/a") or "")


def test_a_file_in_the_way_is_a_note(tmp_path: Path) -> None:
    (tmp_path / ".conda").write_text("")
    assert "not noted" in (register(str(tmp_path / ".conda" / "environments.txt"), "/envs/a") or "")
