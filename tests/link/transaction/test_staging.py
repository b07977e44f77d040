"""Staged prefixes: appearing, disappearing, and leftovers of the dead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import PrefixError, StorageError
from engine.link.prefix.lock import hold_directory, is_held
from engine.link.transaction.staging import (
    clean_leftovers,
    close,
    discard,
    finish,
    interrupted_in,
    open_staging,
    publish,
    take_back,
)
from engine.link.transaction.vanish import vanish


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def environment(prefix: Path) -> None:
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()


def test_parents_come_and_go(tmp_path: Path) -> None:
    staging = open_staging(str(tmp_path / "a" / "b" / "env"), replace=False)
    assert os.path.dirname(staging.path) == str(tmp_path / "a" / "b")
    discard(staging)
    assert os.listdir(tmp_path) == []


def test_parents_that_others_use_stay(tmp_path: Path) -> None:
    staging = open_staging(str(tmp_path / "a" / "env"), replace=False)
    (tmp_path / "a" / "other").touch()
    discard(staging)
    assert os.listdir(tmp_path / "a") == ["other"]


def test_publish_and_take_back(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    environment(prefix)
    (prefix / "old").touch()
    staging = open_staging(str(prefix), replace=True)
    Path(staging.path, "new").touch()
    publish(staging)
    assert sorted(os.listdir(prefix)) == ["conda-meta", "new"]
    take_back(staging)
    discard(staging)
    assert sorted(os.listdir(prefix)) == ["conda-meta", "old"] and os.listdir(tmp_path) == ["env"]


def test_a_place_taken_meanwhile(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    staging = open_staging(str(prefix), replace=False)
    prefix.mkdir()
    (prefix / "x").touch()
    with pytest.raises(PrefixError, match="meanwhile"):
        publish(staging)
    discard(staging)
    assert os.listdir(tmp_path) == ["env"]


def test_inside_where_no_sibling_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = tmp_path / "env"
    prefix.mkdir()
    monkeypatch.setattr("engine.link.transaction.staging.os.path.ismount", lambda path: path == str(prefix))
    staging = open_staging(str(prefix), replace=False)
    assert os.path.dirname(staging.path) == str(prefix)
    Path(staging.path, "x").touch()
    publish(staging)
    assert sorted(os.listdir(prefix)) == ["conda-meta", "x"]
    take_back(staging)
    discard(staging)
    assert os.listdir(prefix) == []


def test_an_environment_that_cannot_be_moved_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = tmp_path / "env"
    environment(prefix)
    monkeypatch.setattr("engine.link.transaction.staging.os.path.ismount", lambda path: path == str(prefix))
    with pytest.raises(PrefixError, match="can't be moved away"):
        open_staging(str(prefix), replace=True)
    assert os.listdir(tmp_path) == ["env"] and (prefix / "conda-meta" / "history").exists()


def test_a_failing_move_up_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = tmp_path / "env"
    prefix.mkdir()
    monkeypatch.setattr("engine.link.transaction.staging.os.path.ismount", lambda path: path == str(prefix))
    staging = open_staging(str(prefix), replace=False)
    Path(staging.path, "x").touch()
    real = os.rename

    def rename(old: str, new: str) -> None:
        if new.endswith("/conda-meta") and staging.path not in new:
            raise OSError(5, "Input/output error", old)
        real(old, new)

    monkeypatch.setattr("engine.link.transaction.staging.os.rename", rename)
    with pytest.raises(StorageError):
        publish(staging)
    discard(staging)
    assert os.listdir(prefix) == []


def test_leftovers_of_the_dead_go(tmp_path: Path) -> None:
    pid = dead_pid()
    leftover = tmp_path / f".env.whipsnake-{pid}-0123abcd"
    environment(leftover)
    others = [f".env2.whipsnake-{pid}-0123abcd", ".env.whipsnake-x", "env.whipsnake-1-0"]
    for name in others:
        (tmp_path / name).mkdir()
    assert clean_leftovers(str(tmp_path / "env")) == [str(leftover)]
    assert sorted(os.listdir(tmp_path)) == sorted(others)


def test_an_environment_moved_away_comes_back(tmp_path: Path) -> None:
    pid = dead_pid()
    environment(tmp_path / f".env.whipsnake-{pid}-0123abcd.old")
    environment(tmp_path / f".env.whipsnake-{pid}-0123abcd")
    (tmp_path / f".env.whipsnake-{pid}-0123abcd.old" / "mine").touch()
    clean_leftovers(str(tmp_path / "env"))
    assert os.listdir(tmp_path) == ["env"] and (tmp_path / "env" / "mine").exists()


@pytest.mark.skipif(os.name == "nt", reason="no locks on directories")
def test_the_living_keep_theirs(tmp_path: Path) -> None:
    staging = open_staging(str(tmp_path / "env"), replace=False)
    assert is_held(staging.path, dead_pid()), "the lock counts, not the number"
    assert clean_leftovers(str(tmp_path / "env")) == []
    close(staging)
    assert clean_leftovers(str(tmp_path / "env")) == [staging.path]


@pytest.mark.skipif(os.name == "nt", reason="no locks on directories")
def test_without_locks_the_process_number_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.link.prefix.lock.try_lock", lambda opened: None)
    opened = hold_directory(str(tmp_path))
    assert is_held(str(tmp_path), os.getpid()) and not is_held(str(tmp_path), dead_pid())
    os.close(opened[0])


def test_finish_removes_the_old_one(tmp_path: Path) -> None:
    environment(tmp_path / "env")
    staging = open_staging(str(tmp_path / "env"), replace=True)
    publish(staging)
    finish(staging)
    assert os.listdir(tmp_path) == ["env"] and not staging.holds


@pytest.mark.parametrize("name", ["n" * 222, "n" * 223, "n" * 255, "ü" * 127])
def test_names_as_long_as_the_file_system_allows(name: str, tmp_path: Path) -> None:
    prefix = tmp_path / name
    for _ in range(2):  # the second replaces the first
        staging = open_staging(str(prefix), replace=True)
        Path(staging.path, "conda-meta/history").write_text("")
        publish(staging)
        finish(staging)
    assert os.listdir(tmp_path) == [name]
    abandoned = open_staging(str(prefix), replace=True)
    close(abandoned)
    assert interrupted_in([str(tmp_path / "none"), str(tmp_path)])
    for found in interrupted_in([str(tmp_path)]):
        assert clean_leftovers(found) == [abandoned.path]
    vanish(str(prefix))
    assert os.listdir(tmp_path) == []
