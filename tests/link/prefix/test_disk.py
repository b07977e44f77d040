"""Small deeds on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.link.prefix.disk import make_parents, remove_empty, remove_tree, storage, write_atomic


def test_write_atomic(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for text in (b"1", b"2"):
        write_atomic(str(path), text, sync=True)
        assert path.read_bytes() == text
    assert os.listdir(tmp_path) == ["x"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def refuse(old: str, new: str) -> None:
        raise OSError(28, "No space left on device", new)

    monkeypatch.setattr("engine.link.prefix.disk.os.replace", refuse)
    with pytest.raises(StorageError, match="write"):
        write_atomic(str(path), b"new")
    assert os.listdir(tmp_path) == ["x"] and path.read_text() == "old"


def test_make_parents_tells_what_it_made(tmp_path: Path) -> None:
    made = make_parents(str(tmp_path / "a" / "b" / "c"))
    assert made == [str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    assert make_parents(str(tmp_path / "a" / "d")) == []
    remove_empty(made)
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(StorageError, match="make the directory"):
        make_parents(str(tmp_path / "a" / "b" / "c"))
    assert os.listdir(tmp_path) == ["a"]


def test_remove_empty_stops_at_the_first_that_is_not(tmp_path: Path) -> None:
    made = make_parents(str(tmp_path / "a" / "b" / "c"))
    (tmp_path / "a" / "x").touch()
    remove_empty(made)
    assert os.listdir(tmp_path / "a") == ["x"]


def test_remove_tree(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").touch()
    (tmp_path / "a" / "b").chmod(0o500)
    remove_tree(str(tmp_path / "a"))
    remove_tree(str(tmp_path / "a"))
    assert os.listdir(tmp_path) == []


def test_storage_says_what_was_done() -> None:
    with pytest.raises(StorageError, match="Could not do this: Permission denied"), storage("do this"):
        raise PermissionError(13, "Permission denied")
