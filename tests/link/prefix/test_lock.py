"""Locks on environments, on places for them, and on directories in the making."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import anyio
import pytest

from engine.errors import LockError
from engine.events import silent
from engine.link.prefix import lock
from engine.link.prefix.lock import LOCK_NAME, hold_directory, make_held, place_lock, prefix_lock, unheld
from engine.link.prefix.meta import JOURNAL
from engine.link.request import LinkOptions
from engine.link.transaction.journal import Journal, write_journal
from engine.link.transaction.recover import recover
from engine.link.transaction.staging import clean_leftovers
from tests.link.support import Recorder

needs_locks = pytest.mark.skipif(os.name == "nt", reason="no locks on directories")
OPTIONS = LinkOptions()


def close(opened: list[int]) -> None:
    for descriptor in opened:
        os.close(descriptor)


@needs_locks
def test_what_is_removed_before_it_was_held_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "staging")
    real, calls = lock.hold_directory, 0

    def late(path: str) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            os.rmdir(path)  # before we could open it
        opened = real(path)
        if calls == 2:
            os.rmdir(path)  # before we locked it
        return opened

    monkeypatch.setattr(lock, "hold_directory", late)
    opened = make_held(path)
    with unheld(path, 0) as dead:
        assert calls == 3 and os.path.isdir(path) and not dead
    close(opened)


@needs_locks
def test_a_look_of_somebody_else_is_no_hindrance(tmp_path: Path) -> None:
    looking = threading.Event()

    def look() -> None:
        with unheld(str(tmp_path), 0) as dead:
            assert dead
            looking.set()
            time.sleep(0.1)

    thread = threading.Thread(target=look)
    thread.start()
    looking.wait()
    close(hold_directory(str(tmp_path)))
    thread.join()


@needs_locks
def test_nobody_begins_to_work_in_what_is_being_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_LOOK", 0.02)
    with unheld(str(tmp_path), 0) as dead, unheld(str(tmp_path), 0) as again:
        assert dead and not again
        with pytest.raises(lock.LockError):
            hold_directory(str(tmp_path))
    with unheld(str(tmp_path / "gone"), 0) as dead:
        assert not dead


@pytest.mark.anyio
async def test_the_lock_of_a_place_leaves_nothing(tmp_path: Path) -> None:
    prefix = tmp_path / "a" / "b" / "env"
    async with place_lock(str(prefix), OPTIONS, silent):
        assert os.listdir(prefix.parent) == [f".env{LOCK_NAME}"]
    assert os.listdir(tmp_path) == []


@pytest.mark.anyio
async def test_a_place_beside_which_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: str, *args: int) -> int:
        if path.endswith(LOCK_NAME):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *args)

    monkeypatch.setattr("engine.link.prefix.lock.os.open", refuse)
    async with place_lock(str(tmp_path / "env"), OPTIONS, silent):
        assert os.listdir(tmp_path) == []


def test_the_lock_file_of_a_killed_process_goes(tmp_path: Path) -> None:
    (tmp_path / f".env{LOCK_NAME}").touch()
    clean_leftovers(str(tmp_path / "env"))
    assert os.listdir(tmp_path) == []


@needs_locks
@pytest.mark.anyio
async def test_the_lock_file_of_a_live_process_stays(tmp_path: Path) -> None:
    async with place_lock(str(tmp_path / "env"), OPTIONS, silent):
        clean_leftovers(str(tmp_path / "env"))
        assert os.listdir(tmp_path) == [f".env{LOCK_NAME}"]


@pytest.mark.anyio
async def test_a_full_disk_does_not_hinder_locking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conda-meta").mkdir()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.link.prefix.lock.os.write", full)
    async with prefix_lock(str(tmp_path), OPTIONS, silent):
        assert os.listdir(tmp_path / "conda-meta") == [LOCK_NAME]


def test_a_journal_cut_short_goes(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / f"{JOURNAL}.whipsnake-1").write_text("{")
    recover(str(tmp_path))
    assert os.listdir(tmp_path / "conda-meta") == []


def test_an_unfinished_environment_in_a_directory_that_must_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = tmp_path / "env"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "tool").touch()
    write_journal(str(prefix), Journal(kind="create", old="", staging=""))
    monkeypatch.setattr("engine.link.transaction.recover.os.path.ismount", lambda path: path == str(prefix))
    inode = prefix.stat().st_ino
    note = recover(str(prefix))
    assert note is not None and "was removed" in note
    assert os.listdir(prefix) == [] and prefix.stat().st_ino == inode


@needs_locks
@pytest.mark.anyio
async def test_who_waits_is_told_the_command_of_the_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conda-meta").mkdir()
    monkeypatch.setattr("sys.argv", ["/usr/bin/whipsnake", "install", "https://me:secret@host/channel::x"])
    recorder = Recorder()
    taken, done = anyio.Event(), anyio.Event()

    async def hold() -> None:
        async with prefix_lock(str(tmp_path), OPTIONS, silent):
            taken.set()
            await done.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(hold)
        await taken.wait()
        with pytest.raises(LockError, match="whipsnake install"):
            async with prefix_lock(str(tmp_path), LinkOptions(lock_timeout=0.2), recorder):
                pass
        done.set()
    (said,) = recorder.notices("info")
    assert f"process {os.getpid()} (whipsnake install https://" in said and "secret" not in said
