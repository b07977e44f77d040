"""Nothing that users start needs what only POSIX systems have: checked without it, in a process of its own.

No Windows is at hand here. What can be had is a Python from which the modules and the functions that Windows lacks
have been taken away, after the libraries that know how to do without them were loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.commands.conftest import build_channel

ROOT = Path(__file__).resolve().parents[1]

WITHOUT_POSIX = """
import sys
import asyncio, ctypes, multiprocessing, shutil, signal, socket, subprocess, tempfile  # the libraries' own business
asyncio.new_event_loop().close()  # from Python 3.14 on, it is only then that asyncio asks which system this is
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
sys.platform, os.name = "win32", "nt"
for name in ("msvcrt", "winreg"):
    sys.modules[name] = type(sys)(name)
def nothing(*_, **__):
    raise FileNotFoundError(2, "not there")
sys.modules["msvcrt"].__dict__.update(locking=lambda *_: None, LK_NBLCK=2)
sys.modules["winreg"].__dict__.update(OpenKey=nothing, HKEY_LOCAL_MACHINE=1, HKEY_CURRENT_USER=2)
ctypes.WinDLL = lambda *_, **__: type(sys)("kernel32")
os.supports_dir_fd = frozenset()
shutil._use_fd_functions = False
shutil._rmtree_impl = getattr(shutil, "_rmtree_unsafe", None)  # decided on import, from Python 3.14 on
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
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr


WITHOUT_HANDLES = """
def without_handles(name):
    real = getattr(os, name)
    def checked(*args, **options):
        given = [key for key in ("dir_fd", "src_dir_fd", "dst_dir_fd") if options.get(key) is not None]
        if given or (name != "stat" and isinstance(args[0], int)):
            raise NotImplementedError(f"{name}: no handles of directories on this system")
        if name == "open" and os.path.isdir(args[0]):
            raise PermissionError(13, "Permission denied", args[0])
        return real(*args, **options)
    setattr(os, name, checked)
for name in ("chmod", "link", "lstat", "mkdir", "open", "readlink", "rename", "rmdir", "symlink", "unlink", "utime"):
    without_handles(name)
"""
"""No function takes a handle of a directory, and a directory can't be opened."""

HOLD_FAST = """
from tests.kit import open_files
if os.path.isdir(open_files.DESCRIPTORS):
    open_files.hold_fast()
"""
"""Nothing that is open can be moved or removed."""


QUESTIONS = (
    "shell activate a -s bash",
    "shell hook -s powershell",
    "list -n a",
    "env list",
    "config list",
    "ps",
    "completer run -n a t",
    "--help",
)


def test_questions_are_answered_without_posix(tmp_path: Path) -> None:
    prefix = tmp_path / "root" / "envs" / "a" / "conda-meta"
    prefix.mkdir(parents=True)
    (prefix / "history").touch()
    record = {"name": "tool", "version": "1.0", "build": "h_0", "build_number": 0, "files": []}
    (prefix / "tool-1.0-h_0.json").write_text(json.dumps(record))
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MAMBA_ROOT_PREFIX": str(tmp_path / "root")}
    environ |= {"CONDA_SUBDIR": "win-64", "CONDA_OVERRIDE_ARCHSPEC": "x86_64", "PYTHONPATH": str(ROOT)}
    code = f"{WITHOUT_POSIX}{WITHOUT_HANDLES}\nfrom cli import main\n"
    code += f"for words in {QUESTIONS!r}:\n    assert main(words.split()) == 0, words\n"
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


LINK = """
from pathlib import PosixPath
import anyio, msgspec
from engine.link.transaction.remove import remove_prefix
from tests.kit import privilege
from tests.kit.package import PLACEHOLDER, Symlink, make_package
from tests.link.support import cached, change, create, request_for
from engine.events import silent
from engine.link.prefix.records import read_records

here, cache = PosixPath(sys.argv[1]), PosixPath(sys.argv[1]) / "pkgs"
os.symlink = privilege.refuse
files = {"bin/tool": f"#!{PLACEHOLDER}/x", "share/a/b": "c", "share/link": Symlink("a/b")}
tool = cached(make_package("tool", files=files, subdir="win-64"), cache)
newer = cached(make_package("tool", "2.0", files={"share/a/d": "e"}, subdir="win-64"), cache)
other = cached(make_package("other", files={"share/a/f": "g"}, subdir="win-64"), cache)
prefix = here / "envs" / "a"

async def main():
    await create(prefix, [tool], platform="win-64", compile_pyc=False)
    assert (prefix / "bin/tool").read_text() == f"#!{prefix}/x" and (prefix / "share/link").read_text() == "c"
    cached_earlier = msgspec.structs.replace(tool, unchecked=True)  # and there is no archive to make it anew
    await create(here / "envs" / "b", [cached_earlier], platform="win-64", compile_pyc=False)
    await change(prefix, [newer, other], platform="win-64", compile_pyc=False)
    assert not (prefix / "bin").exists() and (prefix / "share/a/d").read_text() == "e"
    removed = [record for record in read_records(str(prefix)) if record.name == "tool"]
    await change(prefix, remove=removed, platform="win-64")
    assert [path.name for path in (prefix / "share/a").iterdir()] == ["f"]
    await remove_prefix(request_for(prefix, [], platform="win-64"), silent)
    assert not prefix.exists()

anyio.run(main)
"""


def test_environments_are_made_changed_and_removed_without_posix(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    script = WITHOUT_POSIX + WITHOUT_HANDLES + HOLD_FAST + LINK
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environ, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_main_job_without_posix(tmp_path: Path) -> None:
    channel = build_channel(tmp_path / "channel")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MAMBA_ROOT_PREFIX": str(tmp_path / "root")}
    environ |= {"CONDA_CHANNELS": str(channel.path), "CONDA_SUBDIR": "linux-64", "PYTHONPATH": str(ROOT)}
    environ |= {"CONDA_OVERRIDE_ARCHSPEC": "x86_64"}
    code = f"{WITHOUT_POSIX}{WITHOUT_HANDLES}{HOLD_FAST}\nfrom cli import main\n"
    code += f"for words in {MAIN_JOB!r}:\n    assert main(words.split()) == 0, words\n"
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (tmp_path / "root" / "envs" / "a").exists()


MAIN_JOB = (
    "create -n a tool data -y --no-pyc",
    "list -n a",
    "install -n a old-tool -y --no-pyc",
    "remove -n a data -y",
    "create -n b tool -y --no-pyc --copy",
    "create -n a data tool -y --no-pyc",
    "rename -n a c",
    "install -n b data -y --no-pyc",
    "remove -n b --all -y",
    "env remove -n c -y",
    "clean -a -y",
)
