"""At most one process fetches a package at a time, where the file system knows locks.

Rule of this file: a lock only saves work, it never guards correctness (that is done by renaming), so wherever locks
don't work, everything goes on without. A lock belongs to one package, is held only while that is being fetched, and
ends with its process; there are no stale locks.
"""

from __future__ import annotations

import functools
import os
from contextlib import suppress

from engine.system.file_lock import try_lock

LOCK_PREFIX = ".whipsnake-lock-"


class LocksDontWork(Exception):
    """This file system has no locks (NFS without a lock daemon, Lustre, some container mounts)."""


class EntryLock:
    """The lock of one package in one package directory."""

    def __init__(self, pkgs_dir: str, fn: str) -> None:
        self.path = os.path.join(pkgs_dir, LOCK_PREFIX + fn)
        self._file: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody else has it. Never waits. Raises `LocksDontWork`."""
        while True:
            # Open for writing: NFS makes a byte-range lock of it, which demands that.
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
            try:
                locked = try_lock(file)
            except OSError as error:
                os.close(file)
                raise LocksDontWork(os.strerror(error.errno or 0)) from error
            if not locked:
                os.close(file)
                if locked is None:
                    raise LocksDontWork("this file system has no locks")
                return False
            size = self._size_if_current(file)
            if size is not None:
                break
            os.close(file)  # its last holder removed it while we opened it: what we locked is no longer the lock
        if size:
            os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} on {_machine()}\n".encode())
        self._file = file
        return True

    def _size_if_current(self, file: int) -> int | None:
        """The size of an open file in bytes; None if it is no longer the one at our path."""
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return None
        ours = os.fstat(file)
        return ours.st_size if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) else None

    @property
    def is_held(self) -> bool:
        """Whether it is ours."""
        return self._file is not None

    def holder(self) -> str:
        """Who has the lock, for a message."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                return file.read(200).strip() or "another process"
        except OSError:
            return "another process"

    def release(self) -> None:
        """Give the lock back and remove its file; nothing happens if we don't hold it."""
        file, self._file = self._file, None
        if file is None:
            return
        if os.name == "nt":  # nothing that is open can be removed there, so also not what another has opened meanwhile
            os.close(file)
            with suppress(OSError):
                os.unlink(self.path)
            return
        try:
            os.unlink(self.path)  # before the lock goes, so that nobody can hold a removed one unnoticed
        except FileNotFoundError:
            pass  # `clean --locks` was faster
        finally:
            os.close(file)


@functools.cache
def _machine() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "this machine")


def remove_dead_locks(pkgs_dir: str) -> None:
    """Remove the lock files of killed processes: those that nobody holds. Nothing happens where locks don't work."""
    with suppress(LocksDontWork):
        for name in os.listdir(pkgs_dir):
            if name.startswith(LOCK_PREFIX):
                lock = EntryLock(pkgs_dir, name.removeprefix(LOCK_PREFIX))
                if lock.try_acquire():
                    lock.release()
