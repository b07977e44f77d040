"""Files in use on Windows, which here only a stand-in for `os.unlink` has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.link.prefix.disk import remove_tree
from engine.link.prefix.in_use import set_aside, sweep
from engine.link.transaction.vanish import vanish


def in_use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Files of this name can be moved, and not removed, whatever they are called then."""
    held: set[int] = set()
    real = os.unlink

    def unlink(path: str, **options: object) -> None:
        inode = os.lstat(path, **options).st_ino  # type: ignore[arg-type]
        if os.path.basename(path) == name or inode in held:
            held.add(inode)
            raise PermissionError(13, "in use", path)
        real(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr(os, "name", "nt")


def make(tree: Path) -> None:
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "running.exe").write_text("x")
    (tree / "a" / "other").touch()


def test_the_tree_goes_and_the_rest_goes_later(tmp_path: Path) -> None:
    tree = tmp_path / "env"
    make(tree)
    with pytest.MonkeyPatch.context() as patch:
        in_use(patch, "running.exe")
        remove_tree(str(tree))
        left = os.listdir(tmp_path)
        sweep(str(tmp_path))
        assert os.listdir(tmp_path) == left, "it is still in use"
    assert len(left) == 1 and left[0].endswith(".trash") and not tree.exists()
    make(tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "name", "nt")
        remove_tree(str(tree))
    assert os.listdir(tmp_path) == []


def test_an_environment_goes_although_a_program_of_it_runs(tmp_path: Path) -> None:
    """Windows does not move the directory then."""
    prefix = tmp_path / "env"
    make(prefix)
    (prefix / "running.exe").write_text("x")
    (prefix / "conda-meta").mkdir()
    real = os.rename

    def rename(old: str, new: str) -> None:
        if os.path.isdir(old):
            raise PermissionError(13, "Permission denied", old)
        real(old, new)

    with pytest.MonkeyPatch.context() as patch:
        in_use(patch, "running.exe")
        patch.setattr(os, "rename", rename)
        vanish(str(prefix))
    assert [name.endswith(".trash") for name in os.listdir(tmp_path)] == [True, True]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "name", "nt")
        sweep(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_what_can_not_even_be_moved_is_an_error(tmp_path: Path) -> None:
    tree = tmp_path / "env"
    make(tree)

    def refuse(old: str, new: str) -> None:
        raise PermissionError(13, "Permission denied", old)

    with pytest.MonkeyPatch.context() as patch:
        in_use(patch, "running.exe")
        patch.setattr(os, "rename", refuse)
        with pytest.raises(StorageError):
            remove_tree(str(tree))
        with pytest.raises(PermissionError):
            set_aside(str(tree))


def test_windows_own_number_for_it_brings_a_hint() -> None:
    error = PermissionError(13, "Permission denied", "x")
    assert "owns" in str(StorageError.from_os_error("remove x", error).hint)
    error.winerror = 32  # type: ignore[attr-defined]
    assert "running program" in str(StorageError.from_os_error("remove x", error).hint)
