from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.fetch.cache.entry_lock import LOCK_PREFIX, EntryLock, LocksDontWork, remove_dead_locks


def test_one_at_a_time_and_nothing_is_left(tmp_path: Path) -> None:
    first, second = EntryLock(str(tmp_path), "a.conda"), EntryLock(str(tmp_path), "a.conda")
    assert first.try_acquire()
    assert not second.try_acquire()
    assert f"process {os.getpid()} on " in second.holder()
    assert EntryLock(str(tmp_path), "b.conda").try_acquire()
    first.release()
    first.release()
    assert second.try_acquire()
    second.release()
    assert [name for name in os.listdir(tmp_path) if name.endswith("a.conda")] == []


def test_a_removed_lock_file_is_no_lock(tmp_path: Path) -> None:
    first, second = EntryLock(str(tmp_path), "a.conda"), EntryLock(str(tmp_path), "a.conda")
    assert first.try_acquire()
    os.unlink(first.path)
    assert second.try_acquire()
    first.release()
    assert second.holder() == "another process"
    second.release()


def test_locks_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    (tmp_path / f"{LOCK_PREFIX}dead.conda").touch()
    (tmp_path / "other").touch()
    living = EntryLock(str(tmp_path), "living.conda")
    assert living.try_acquire()
    remove_dead_locks(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == [f"{LOCK_PREFIX}living.conda", "other"]
    living.release()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL])
def test_file_systems_without_locks(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(LocksDontWork):
        EntryLock(str(tmp_path), "a.conda").try_acquire()
