"""How a file gets from the cache into a prefix: hard link, else reflink, else copy. Rule: tried once per pair of file
systems, not per file; a single file that can't be linked is copied.

A reflink (copy on write) counts as a copy: it shares blocks, but is a file of its own.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from enum import Enum

from engine.events import Notice, Report
from engine.link.request import LinkOptions
from engine.system.writing import create

NO_LINK_ERRORS = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
)
"""What the system says where it will not link this file, though it may well copy it."""

_FICLONE = 0x40049409
_CHUNK = 1 << 30


class Mode(Enum):
    """The way of a plain file; the value is what conda-meta calls it (``link.type``, CEP 32)."""

    HARD = "hard"
    REFLINK = "reflink"
    COPY = "copy"
    SOFT = "soft"

    @property
    def link_type(self) -> int:
        return {Mode.HARD: 1, Mode.SOFT: 2}.get(self, 3)


class Modes:
    """Chooses the mode for each package; remembers it for every pair of file systems."""

    def __init__(self, staging: str, options: LinkOptions, report: Report) -> None:
        self._staging, self._options, self._report = staging, options, report
        self._device = os.stat(staging).st_dev
        self._known: dict[tuple[int, int], Mode] = {}
        self._lock = threading.Lock()

    def choose(self, directory: str) -> Mode:
        """The mode for the files of the unpacked package in ``directory``."""
        if self._options.always_softlink:
            return Mode.SOFT
        status = os.stat(directory)
        key = (status.st_dev, status.st_uid)  # the owner counts: Linux may forbid to link files of others
        with self._lock:
            if key not in self._known:
                self._known[key] = self._probe(directory, status.st_dev)
            return self._known[key]

    def _probe(self, directory: str, device: int) -> Mode:
        source = _sample(directory)
        target = os.path.join(self._staging, f".probe-{threading.get_ident()}")
        if source is None:
            return Mode.COPY
        reason = None if self._options.always_copy else _try(os.link, source, target)
        if reason is None and not self._options.always_copy:
            return Mode.HARD
        if _try(_reflink_only, source, target) is None:
            return Mode.REFLINK
        mode = Mode.SOFT if self._options.allow_softlinks and not self._options.always_copy else Mode.COPY
        if reason is not None:
            self._explain(directory, mode, reason, device)
        return mode

    def _explain(self, directory: str, mode: Mode, reason: OSError, device: int) -> None:
        why = "they are on different file systems" if device != self._device else os.strerror(reason.errno or 0)
        verb = "soft-linked" if mode is Mode.SOFT else "copied"
        cache = os.path.dirname(directory)
        self._report(
            Notice("info", f"Files are {verb} from {cache}, because they can't be hard-linked into the prefix: {why}.")
        )


def _sample(directory: str) -> str | None:
    """Some file of the package to try with."""
    for name in ("info/index.json", "info/paths.json", "info/files"):
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            return path
    return None


def _try(make: object, source: str, target: str) -> OSError | None:
    try:
        make(source, target)  # type: ignore[operator]
    except OSError as error:
        return error
    finally:
        if os.path.lexists(target):
            os.unlink(target)
    return None


def copy_file(source: str, target: str, *, reflink: bool = False) -> bool:
    """Copy one file with its mode and modification time; the target must not exist. True if it was a reflink.

    A soft link is copied as a link. The times matter: byte-compiled Python files name those of their source.
    """
    try:
        reading = os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        os.symlink(os.readlink(source), target)
        return False
    try:
        return _copy_open(reading, target, reflink)
    finally:
        os.close(reading)


def _copy_open(reading: int, target: str, reflink: bool) -> bool:
    status = os.fstat(reading)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", target)
    writing = create(target, status.st_mode)
    try:
        cloned = reflink and _clone(reading, writing)
        if not cloned:
            _copy_bytes(reading, writing, status.st_size)
    finally:
        os.close(writing)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return cloned


def _reflink_only(source: str, target: str) -> None:
    with open(source, "rb") as reading, open(target, "xb") as writing:
        if not _clone(reading.fileno(), writing.fileno()):
            raise OSError(errno.ENOTSUP, "no reflinks here", target)


def _clone(reading: int, writing: int) -> bool:
    """Share the blocks of a file (Btrfs, XFS, bcachefs and others); False where that isn't possible."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        return False
    return True


def _copy_bytes(reading: int, writing: int, size: int) -> None:
    """Inside the kernel where it can, else through user space."""
    if size and hasattr(os, "copy_file_range"):
        try:
            while os.copy_file_range(reading, writing, _CHUNK):
                pass
            return
        except OSError as error:
            if error.errno not in NO_LINK_ERRORS:
                raise
            os.lseek(writing, 0, os.SEEK_SET)
            os.lseek(reading, 0, os.SEEK_SET)
    import shutil  # most systems copy in the kernel

    with open(reading, "rb", closefd=False) as source, open(writing, "wb", closefd=False) as target:
        shutil.copyfileobj(source, target, 1 << 20)
