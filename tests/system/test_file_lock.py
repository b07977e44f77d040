"""Locks on open files, of this system and (with a stand-in for its module) of Windows."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from engine.system import file_lock

posix = pytest.mark.skipif(os.name == "nt", reason="of POSIX")


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_the_second_one_has_to_wait_until_the_first_closes(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "lock"), opened(tmp_path / "lock")
    assert file_lock.try_lock(first) is True
    assert file_lock.try_lock(second) is False
    os.write(first, b"who has it")
    assert os.read(second, 100) == b"who has it", "others can read whose it is"
    os.close(first)
    assert file_lock.try_lock(second) is True
    os.close(second)


@posix
@pytest.mark.parametrize(
    ("code", "expected"), [(errno.EAGAIN, False), (errno.EACCES, False), (errno.ENOLCK, None), (errno.ENOSYS, None)]
)
def test_answers_of_systems(code: int, expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    file = opened(tmp_path / "lock")
    assert file_lock.try_lock(file) is expected
    os.close(file)


@posix
def test_an_error_of_the_disk_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("fcntl.flock", refuse)
    file = opened(tmp_path / "lock")
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        file_lock.try_lock(file)
    os.close(file)


def test_windows_locks_one_byte_far_behind_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int, int]] = []
    msvcrt = ModuleType("msvcrt")

    def locking(file: int, mode: int, count: int) -> None:
        asked.append((os.lseek(file, 0, os.SEEK_CUR), mode, count))
        if len(asked) == 2:
            raise PermissionError(errno.EACCES, "Permission denied")

    msvcrt.__dict__.update(locking=locking, LK_NBLCK=2)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        patch.setitem(sys.modules, "msvcrt", msvcrt)
        patch.setitem(sys.modules, "fcntl", None)
        importlib.reload(file_lock)
        file = opened(tmp_path / "lock")
        assert file_lock.try_lock(file) is True
        assert file_lock.try_lock(file) is False
        assert os.lseek(file, 0, os.SEEK_CUR) == 0
        os.close(file)
    importlib.reload(file_lock)
    assert asked == [(file_lock.WINDOWS_OFFSET, 2, 1)] * 2
