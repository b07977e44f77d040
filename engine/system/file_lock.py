"""A lock on an open file: of POSIX (``flock``) or of Windows. It ends with its process, however that ends.

Rule of this file: it never waits, and where a file system knows no locks (some network ones) it says so instead of
failing.
"""

from __future__ import annotations

import errno
import os
import sys

_BUSY = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})
_UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EBADF, errno.EINVAL})

WINDOWS_OFFSET = 1 << 30
"""Where the one locked byte is on Windows. Locks are mandatory there: the bytes that say who holds it stay readable."""


def try_lock(opened: int) -> bool | None:
    """True if the lock is ours now, False if another has it, None if there are no locks here.

    Raises `OSError` for what is neither. Closing the file gives the lock back.
    """
    try:
        _lock(opened)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        if error.errno in _UNSUPPORTED:
            return None
        raise
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(opened: int) -> None:
        os.lseek(opened, WINDOWS_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(opened, 0, os.SEEK_SET)

else:

    def _lock(opened: int) -> None:
        import fcntl

        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
