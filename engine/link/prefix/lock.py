"""Locks: one process at a time makes or changes a prefix, and a live process's staging is not taken for a leftover.

`flock` belongs to the open file, so it is gone with its process however that ends. Where a file system knows no
locks (some network ones), we go on without: that is better than not working there at all.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from types import MappingProxyType

import anyio

from engine.errors import LockError, StorageError
from engine.events import Notice, Report
from engine.flow import in_thread
from engine.link.prefix.disk import make_parents, remove_empty
from engine.link.prefix.meta import OURS, beside
from engine.link.request import LinkOptions
from engine.model.url import mask_secrets
from engine.system.file_lock import try_lock
from engine.system.process import is_alive

_INTERVAL = 0.1
"""Seconds between two looks at a lock."""

_LOOK = 1.0
"""Seconds that others may take to look into a directory and to remove it, if it is a leftover."""

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)  # Windows hands on nothing unasked

LOCK_NAME = f"{OURS}.lock"
_LONGEST = 300
"""Bytes in a lock file, which say who holds it."""


class _Held:
    """A lock that is ours, until it is given back for the first time."""

    def __init__(self, path: str, opened: int) -> None:
        self._path = path
        self._opened: int | None = opened

    def give_back(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            _give_back(self._path, opened)


_HELD: ContextVar[Mapping[str, _Held]] = ContextVar("held prefixes", default=MappingProxyType({}))
"""The prefixes whose lock this task, or the one that started it, holds."""


def make_held(path: str) -> list[int]:
    """Make a directory that is marked as in use by this process; returns the descriptors to close at the end.

    Between its making and its lock others may take it for a leftover and remove it: then it is made again.
    """
    while True:
        os.mkdir(path)
        with suppress(FileNotFoundError):
            opened = hold_directory(path)
            if all(_is_still_there(path, descriptor) for descriptor in opened):
                return opened
            for descriptor in opened:
                os.close(descriptor)


def hold_directory(path: str) -> list[int]:
    """Mark a directory as in use by this process; returns the descriptors to close at the end."""
    if os.name == "nt":
        return []
    opened = os.open(path, os.O_RDONLY | _CLOEXEC)
    patience = time.monotonic() + _LOOK
    while try_lock(opened) is False:
        if time.monotonic() > patience:
            os.close(opened)
            raise LockError(f"Could not use {path}: another process works in it")
        time.sleep(_LOOK / 100)
    return [opened]


@contextmanager
def unheld(path: str, pid: int) -> Iterator[bool]:
    """Whether no live process works in a directory; if so, none begins to as long as the context is open.

    Where there are no locks, whether process ``pid`` is dead.
    """
    if os.name == "nt":
        yield pid != os.getpid() and not is_alive(pid)
        return
    try:
        opened = os.open(path, os.O_RDONLY | _CLOEXEC)
    except OSError:  # not ours to open, so not ours to remove; or somebody just removed it
        yield False
        return
    try:
        locked = try_lock(opened)
        yield _is_still_there(path, opened) and (not is_alive(pid) if locked is None else locked)
    finally:
        os.close(opened)


def is_held(path: str, pid: int) -> bool:
    """The contrary of `unheld`, for a moment."""
    with unheld(path, pid) as free:
        return not free


@contextmanager
def lock_nowait(path: str) -> Iterator[bool]:
    """Hold the lock ``path``, if nobody has it and we may; says whether it is ours."""
    try:
        opened = os.open(path, os.O_RDWR | os.O_CREAT | _CLOEXEC, 0o666)
    except OSError:  # not ours to write: then neither is what it stands for
        yield False
        return
    if try_lock(opened) is False or not _is_still_there(path, opened):
        os.close(opened)
        yield False
        return
    try:
        yield True
    finally:
        _give_back(path, opened)


@asynccontextmanager
async def place_lock(prefix: str, options: LinkOptions, report: Report) -> AsyncIterator[None]:
    """Hold the lock of the place where an environment is to appear: one process at a time makes it there.

    The lock is a file beside it. Where none can be made, we go on without: then the one who is first wins. Directories
    above the prefix are made, and go again if nothing is put there. Raises `LockError` after ``lock_timeout`` seconds.
    """
    made = await in_thread(make_parents, prefix)
    parent, name = os.path.split(prefix)
    path = os.path.join(parent, beside(name) + LOCK_NAME)
    try:
        opened = await _take(path, prefix, options.lock_timeout, report) if options.use_lockfiles else None
    except StorageError:
        opened = None
    except BaseException:
        await in_thread(remove_empty, made)
        raise
    try:
        yield
    finally:
        if opened is not None:
            await in_thread(_give_back, path, opened)
        await in_thread(remove_empty, made)


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
    lock = _Held(path, await _take(path, prefix, options.lock_timeout, report))
    token = _HELD.set({**held, prefix: lock})
    try:
        yield
    finally:
        _HELD.reset(token)
        await in_thread(lock.give_back)


def let_go(prefix: str) -> None:
    """Before an environment is moved as a whole: Windows moves no directory while a file in it is open, and our lock is
    one. If another process begins with the environment now, the move fails."""
    if os.name == "nt" and (lock := _HELD.get().get(prefix)):
        lock.give_back()


def _give_back(path: str, opened: int) -> None:
    if os.name == "nt":  # nothing that is open can be removed there, so also not what another has opened meanwhile
        os.close(opened)
        with suppress(OSError):
            os.unlink(path)
        return
    with suppress(OSError):  # gone with the whole environment
        if _is_still_there(path, opened):  # and not that of another one in its place
            os.unlink(path)
    os.close(opened)


async def _take(path: str, prefix: str, longest: float, report: Report) -> int:
    """The open, locked file. Its last holder may have removed it while we waited: then the lock is on another one."""
    while True:
        try:
            opened = await in_thread(os.open, path, os.O_RDWR | os.O_CREAT | _CLOEXEC, 0o666)
        except OSError as error:
            raise StorageError.from_os_error(f"lock the environment {prefix}", error) from error
        try:
            await _wait(opened, prefix, longest, report)
        except BaseException:
            os.close(opened)
            raise
        if await in_thread(_is_ours_now, path, opened):
            return opened
        os.close(opened)


def _is_ours_now(path: str, opened: int) -> bool:
    """Whether what we locked is the lock; then it says so."""
    ours = _is_still_there(path, opened)
    if ours:
        _name_holder(opened)
    return ours


def _is_still_there(path: str, opened: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(opened))
    except FileNotFoundError:
        return False


def _name_holder(opened: int) -> None:
    command = " ".join(mask_secrets(" ".join((os.path.basename(sys.argv[0]), *sys.argv[1:]))).split())
    with suppress(OSError):  # a full disk: the lock is ours all the same, only others can't say whose it is
        os.ftruncate(opened, 0)
        os.lseek(opened, 0, os.SEEK_SET)
        os.write(opened, f"{os.getpid()} {command}\n".encode("utf-8", "replace")[:_LONGEST])


def _holder(opened: int) -> str:
    """``4711 (whipsnake install numpy)``."""
    os.lseek(opened, 0, os.SEEK_SET)
    pid, _, command = os.read(opened, _LONGEST).decode("utf-8", "replace").strip().partition(" ")
    return f"{pid or 'unknown'} ({command})" if command else pid or "unknown"


async def _wait(opened: int, prefix: str, longest: float, report: Report) -> None:
    waited = 0.0
    while try_lock(opened) is False:
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
