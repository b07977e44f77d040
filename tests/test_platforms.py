"""Nothing that users start needs what only POSIX systems have: checked without it, in a process of its own.

No Windows is at hand here. What can be had is a Python from which the modules and the functions that Windows lacks
have been taken away, after the libraries that know how to do without them were loaded.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

WITHOUT_POSIX = """
import sys
import asyncio, multiprocessing, shutil, signal, socket, subprocess, tempfile  # the libraries' own business
import aiohttp, anyio, anyio._backends._asyncio, rich.console, rich.progress, yaml, zstandard
import os
for name in ("fcntl", "grp", "posix", "pwd", "pty", "resource", "termios", "tty", "syslog"):
    sys.modules[name] = None
for name in (
    "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "copy_file_range", "chown", "fchmod", "fork", "forkpty",
    "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getuid", "killpg", "lchown", "memfd_create", "mkfifo",
    "posix_fallocate", "posix_fadvise", "pread", "preadv", "pwrite", "pwritev", "sched_getaffinity", "sendfile",
    "setsid", "statvfs", "sync", "uname", "wait3", "wait4",
):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGUSR1", "SIGUSR2", "SIGXFSZ", "setitimer", "pthread_kill"):
    if hasattr(signal, name):
        delattr(signal, name)
sys.platform = "win32"
for name in ("msvcrt", "winreg"):
    sys.modules[name] = type(sys)(name)
os.supports_dir_fd = frozenset()
os.supports_follow_symlinks = frozenset({os.stat})
"""

IMPORT_ALL = """
import importlib, pkgutil
import engine, cli
for found in pkgutil.walk_packages(engine.__path__, "engine."):
    importlib.import_module(found.name)
"""


def test_every_module_is_imported_without_posix() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX + IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
