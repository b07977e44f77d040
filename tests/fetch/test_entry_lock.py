from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.fetch import entry_lock
from engine.fetch.entry_lock import EntryLock, LocksDontWork


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


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL])
def test_file_systems_without_locks(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(entry_lock.fcntl, "flock", refuse)
    with pytest.raises(LocksDontWork):
        EntryLock(str(tmp_path), "a.conda").try_acquire()
