from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.system.temporary import STRANGER_LIFETIME, dead_leftovers, is_dead, remove_tree, temporary_name


def _name_of_a_dead_process() -> str:
    code = "from engine.system.temporary import temporary_name; print(temporary_name())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_ours_live_and_the_dead_are_told_apart(tmp_path: Path) -> None:
    ours, dead = temporary_name(), _name_of_a_dead_process()
    for name in (ours, dead, "zlib-1.0-0", ".whipsnake-lock-zlib.conda"):
        (tmp_path / name).mkdir()
    assert dead_leftovers(str(tmp_path)) == [str(tmp_path / dead)]


def test_strangers_die_of_age() -> None:
    now = time.time()
    stranger = ".whipsnake-0123456789-1-abcdef00"
    assert not is_dead(stranger, now - STRANGER_LIFETIME / 2, now)
    assert is_dead(stranger, now - STRANGER_LIFETIME * 2, now)
    assert not is_dead("zlib-1.0-0", 0, now)


def test_names_are_new_each_time() -> None:
    assert len({temporary_name() for _ in range(100)}) == 100


def test_read_only_trees_can_be_removed(tmp_path: Path) -> None:
    inner = tmp_path / "tree/inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    os.symlink("/nowhere", inner / "link")
    inner.chmod(0o500)
    remove_tree(str(tmp_path / "tree"))
    remove_tree(str(tmp_path / "tree"))
    assert not (tmp_path / "tree").exists()


def test_windows_keeps_files_that_nobody_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside, tree, single = tmp_path / "outside", tmp_path / "tree", tmp_path / "single"
    (tree / "a").mkdir(parents=True)
    for path in (outside, tree / "a" / "file", single):
        path.touch(0o444)
    (tree / "link").symlink_to(outside)
    real = os.unlink

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        if not os.lstat(path, dir_fd=dir_fd).st_mode & 0o200:
            raise PermissionError(13, "Permission denied", path)
        real(path, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        patch.setattr(os, "name", "nt")
        for path in (tree, single):
            remove_tree(str(path))
    assert os.listdir(tmp_path) == ["outside"] and not outside.stat().st_mode & 0o200
