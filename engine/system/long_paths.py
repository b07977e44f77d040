"""Paths of more than 260 characters on Windows: whether the system allows them, and how to let it.

Rule of this file: it asks and sets the one value in the registry (``LongPathsEnabled``). Python's own executables are
marked as ready for such paths since 3.6, so that value is all that is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from engine.errors import PrefixError, StorageError, UsageError

LIMIT = 259
"""Characters of a path that Windows allows where long paths are not enabled: 260 with the end mark."""


def check_length(directory: str, paths: Iterable[str], what: str) -> None:
    """`PrefixError` naming the longest of ``paths`` (relative to ``directory``) if Windows would refuse it.

    Its own answer to such a path is that there is no such file.
    """
    longest = max(paths, key=len, default="")
    length = len(directory) + 1 + len(longest)
    if length > LIMIT and not long_paths_enabled():
        raise PrefixError(
            f"Could not {what}: the path of {longest} would have {length} characters below {directory}, "
            f"and this Windows allows {LIMIT}",
            hint="Choose a shorter prefix, or run `whipsnake shell enable_long_path_support` as an administrator.",
            data={"path": longest, "length": length, "limit": LIMIT},
        )


_KEY = "SYSTEM\\CurrentControlSet\\Control\\FileSystem"
_NAME = "LongPathsEnabled"

if sys.platform == "win32":
    import winreg

    def long_paths_enabled() -> bool:
        """Whether programs may use long paths. (Others than Windows know no such limit.)"""
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _KEY) as key:
                return winreg.QueryValueEx(key, _NAME)[0] == 1
        except OSError:
            return False

    def enable_long_paths() -> str:
        """Switch them on; returns what to tell the user. Raises `StorageError` without the rights to."""
        if long_paths_enabled():
            return "Windows long-path support already enabled."
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _KEY, 0, winreg.KEY_SET_VALUE) as key:
                winreg.SetValueEx(key, _NAME, 0, winreg.REG_DWORD, 1)
        except PermissionError as error:
            raise StorageError(
                "Could not enable long paths: only an administrator may.",
                hint="Start a terminal with 'Run as administrator' and try again there.",
            ) from error
        return "Windows long-path support enabled. It takes effect in programs that are started from now on."

else:

    def long_paths_enabled() -> bool:
        """Whether programs may use long paths. (Others than Windows know no such limit.)"""
        return True

    def enable_long_paths() -> str:
        """Only of use on Windows."""
        raise UsageError("Long path support is a Windows only option: no other system has such a limit.")
