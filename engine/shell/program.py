"""Who we are and which shell called us: what shell code needs to know of this very process.

Rule of this file: looking only. Nothing here writes, starts or changes anything but for asking `ps` where there is
no /proc.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

from engine.shell.dialect import SHELLS

_DEFAULT_NAME = "whipsnake"
_ENDINGS = (".exe", ".bat", ".cmd")
"""Of programs on Windows. Every file counts as executable there."""


def executable(argv0: str, environ: Mapping[str, str]) -> str:
    """The absolute path of the program that was started as ``argv0``, so that a shell can start it again.

    Links are kept: the program may have been given another name on purpose.
    """
    directory, name = os.path.split(argv0)
    path = environ.get("PATH", "")
    found = find_program(name, os.path.abspath(directory) if directory else path)
    if found and (sys.platform != "win32" or found.lower().endswith(_ENDINGS)):
        return found
    # Started as `python cli.py` or from a test: the console script of this Python is the next best.
    home = os.path.dirname(sys.executable)
    if sys.platform == "win32":  # Python is not among its scripts there, but in a virtual environment
        home = os.pathsep.join((home, os.path.join(home, "Scripts")))
    return find_program(_DEFAULT_NAME, home) or find_program(_DEFAULT_NAME, path) or _missing()


def _missing() -> str:
    return os.path.join(os.path.dirname(sys.executable), _DEFAULT_NAME)


def function_name(path: str) -> str:
    """What people type to reach the program at ``path``: its name without ending, if a shell function can be so."""
    name = re.split(r"[/\\]", path)[-1].partition(".")[0]
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else _DEFAULT_NAME


def find_program(name: str, path: str) -> str | None:
    """The file that ``name`` means in ``path``. (`shutil.which`, without importing every compressor there is.)"""
    endings = (*_ENDINGS, "") if sys.platform == "win32" else ("",)
    for directory in path.split(os.pathsep):
        for ending in endings:
            found = os.path.join(directory or os.curdir, name + ending)
            if os.access(found, os.X_OK) and not os.path.isdir(found):
                return os.path.abspath(found)
    return None


def guess_shell(environ: Mapping[str, str], parent: str | None = None) -> str | None:
    """The shell that people use here: the parent process if it is one, else what SHELL names; None if unknown."""
    for text in (parent_name() if parent is None else parent, environ.get("SHELL", "")):
        name = re.split(r"[/\\]", text.strip().lower())[-1].lstrip("-")
        name = name if name in SHELLS else name.removesuffix(".exe")
        if name in SHELLS and name not in ("json", "sh"):
            return "cmd.exe" if name == "cmd" else name
    return None


def parent_name() -> str:
    """The name of the process that started us; empty if the system won't say."""
    parent = os.getppid()
    try:
        with open(f"/proc/{parent}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "" if sys.platform == "win32" else _ask_ps(parent)


def _ask_ps(pid: int) -> str:
    import subprocess

    try:
        asked = subprocess.run(
            ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()
