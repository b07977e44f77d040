"""Locks: one process at a time changes a prefix, and a live process's staging is not taken for a leftover.

`flock` belongs to the open file, so it is gone with its process however that ends. Where a file system knows no
locks (some network ones), we go on without: that is better than not working there at all.
"""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar

import anyio

from engine.errors import LockError, StorageError
from engine.events import Notice, Report
from engine.link.request import LinkOptions

_BUSY = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})
_UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EBADF, errno.EINVAL})
_INTERVAL = 0.1
"""Seconds between two looks at a lock."""

LOCK_NAME = ".whipsnake.lock"

_HELD: ContextVar[frozenset[str]] = ContextVar("held prefixes", default=frozenset())
"""The prefixes whose lock this task, or the one that started it, holds."""


def _try_lock(opened: int) -> bool | None:
    """True if the lock is ours now, False if another has it, None if there are no locks here."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        if error.errno in _UNSUPPORTED:
            return None
        raise
    return True


def hold_directory(path: str) -> list[int]:
    """Mark a directory as in use by this process; returns the descriptors to close at the end."""
    if os.name == "nt":
        return []
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    if _try_lock(opened) is False:
        os.close(opened)
        raise LockError(f"Could not use {path}: another process works in it")
    return [opened]


def is_held(path: str, pid: int) -> bool:
    """Whether a live process works in a directory. Where there are no locks, whether process ``pid`` is alive."""
    if os.name == "nt":
        return pid == os.getpid() or _is_alive(pid)
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # not ours to open, so not ours to remove
        return True
    try:
        locked = _try_lock(opened)
    finally:
        os.close(opened)
    return _is_alive(pid) if locked is None else not locked


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # no harmless way to ask: rather keep too much
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, but not ours
        return True
    return True


@asynccontextmanager
async def prefix_lock(prefix: str, options: LinkOptions, report: Report) -> AsyncIterator[None]:
    """Hold the lock of an environment. Says whom it waits for; raises `LockError` after ``lock_timeout`` seconds.

    A task that holds it already (and what it calls) just goes on.
    """
    held = _HELD.get()
    if not options.use_lockfiles or prefix in held:
        yield
        return
    path = os.path.join(prefix, "conda-meta", LOCK_NAME)
    opened = await _take(path, prefix, options.lock_timeout, report)
    token = _HELD.set(held | {prefix})
    try:
        yield
    finally:
        _HELD.reset(token)
        with suppress(OSError):  # gone with the whole environment
            if _is_still_there(path, opened):  # and not that of another one in its place
                os.unlink(path)
        os.close(opened)


async def _take(path: str, prefix: str, longest: float, report: Report) -> int:
    """The open, locked file. Its last holder may have removed it while we waited: then the lock is on another one."""
    while True:
        try:
            opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise StorageError.from_os_error(f"lock the environment {prefix}", error) from error
        try:
            await _wait(opened, prefix, longest, report)
        except BaseException:
            os.close(opened)
            raise
        if _is_still_there(path, opened):
            _name_holder(opened)
            return opened
        os.close(opened)


def _is_still_there(path: str, opened: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(opened))
    except FileNotFoundError:
        return False


def _name_holder(opened: int) -> None:
    os.ftruncate(opened, 0)
    os.lseek(opened, 0, os.SEEK_SET)
    os.write(opened, f"{os.getpid()}\n".encode())


def _holder(opened: int) -> str:
    os.lseek(opened, 0, os.SEEK_SET)
    return os.read(opened, 100).decode("ascii", "replace").strip() or "unknown"


async def _wait(opened: int, prefix: str, longest: float, report: Report) -> None:
    waited = 0.0
    while _try_lock(opened) is False:
        holder = _holder(opened)
        if waited == 0:
            report(Notice("info", f"Waiting for process {holder}, which changes the environment {prefix} …"))
        if longest and waited >= longest:
            raise LockError(
                f"Could not change the environment {prefix}: process {holder} has been changing it for {waited:.0f} s",
                hint="Wait until it is done, or raise `lock_timeout`.",
                data={"holder": holder},
            )
        await anyio.sleep(_INTERVAL)
        waited += _INTERVAL
