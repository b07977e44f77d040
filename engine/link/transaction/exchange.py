"""Two paths change places in one step, where the system can do that: ``renameat2(2)`` on Linux, ``renamex_np(2)`` on
macOS. Nobody ever sees one of the places empty, whenever the process or the machine dies."""

from __future__ import annotations

import errno
import os
import sys

_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # sys/stdio.h of macOS
_AT_FDCWD = -100  # linux/fcntl.h
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM})
"""EINVAL: the file system has no such flag. EPERM: a sandbox that does not know the call (seccomp)."""


def exchange(one: str, other: str) -> bool:
    """Let two paths on one file system change places. False, and nothing done, where that can't be done in one step.

    Raises `OSError` as `os.rename` would.
    """
    system: str = sys.platform  # a plain text, so that mypy looks at all three
    if system.startswith("linux"):
        return _call("renameat2", _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if system == "darwin":
        return _call("renamex_np", os.fsencode(one), os.fsencode(other), _RENAME_SWAP)
    return False


def _call(name: str, *arguments: int | bytes) -> bool:
    import ctypes  # here, since only who replaces an environment needs it

    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):  # an old C library
        return False
    if function(*arguments) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    paths = [os.fsdecode(argument) for argument in arguments if isinstance(argument, bytes)]
    raise OSError(code, os.strerror(code), paths[0], None, paths[1])
