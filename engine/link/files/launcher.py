"""The ``.exe`` that runs a console script on Windows. Rule: we ship none, but use the one of an installed setuptools.

That launcher reads the first line of ``NAME-script.py`` beside it and looks for the interpreter it names in the
directory above (setuptools' ``launcher.c``), so ``#!python.exe`` serves any prefix, even a moved one.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

from engine.errors import LinkError, StorageError

SHEBANG = b"#!python.exe\r\n"
_FILES = {"win-32": "cli-32.exe", "win-64": "cli-64.exe", "win-arm64": "cli-arm64.exe"}


def windows_launcher(platform: str, dist: str) -> bytes:
    """The launcher's bytes; raises `LinkError` naming ``dist`` if there is none on this machine."""
    path = _launcher_path(platform)
    if path is None:
        raise LinkError(
            f"Could not link {dist} for {platform}: its commands need the launcher of setuptools, which is not "
            "installed beside whipsnake",
            hint="Install setuptools into the environment that whipsnake runs in.",
        )
    return _read(path)


def _launcher_path(platform: str) -> str | None:
    spec, name = find_spec("setuptools"), _FILES.get(platform)
    if spec is None or spec.origin is None or name is None:
        return None
    path = os.path.join(os.path.dirname(spec.origin), name)
    return path if os.path.isfile(path) else None


@cache
def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise StorageError.from_os_error(f"read the launcher {path}", error) from error
