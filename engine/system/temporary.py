"""Names of things that are not finished: who made them, and whether that process still lives.

Rule of this file: whatever is written aside carries its maker in its name, so that any later process can tell a dead
one's left-overs from another's work and remove them. Process numbers mean something only on one machine since one
boot (and in one container); of strangers only age tells.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import time

from engine.system.moving import is_immovable, rename
from engine.system.process import is_alive

PREFIX = ".whipsnake-"
STRANGER_LIFETIME = 24 * 3600.0
"""Seconds after which the unfinished work of a process that we can't see is taken for dead."""


@functools.cache
def _world() -> str:
    """Where and since when our process numbers are valid: machine, boot, container."""
    facts = [os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")]
    for read in (_boot, _pid_namespace):
        try:
            facts.append(read())
        except OSError:
            facts.append("")  # not Linux: the name of the machine must do
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:10]


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read()


def _pid_namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def temporary_name() -> str:
    """A name that no other process gives, and that tells ours."""
    return f"{PREFIX}{_world()}-{os.getpid()}-{os.urandom(4).hex()}"


def is_dead(name: str, modified: float, now: float) -> bool:
    """Whether the maker of the left-over ``name``, last modified at ``modified``, is gone."""
    parts = name.removeprefix(PREFIX).split("-")
    if not name.startswith(PREFIX) or len(parts) != 3 or not parts[1].isdigit():
        return False
    if parts[0] == _world() and not is_alive(int(parts[1])):
        return True
    return now - modified > STRANGER_LIFETIME


def dead_leftovers(directory: str) -> list[str]:
    """Paths of what dead processes left unfinished in ``directory``."""
    found = []
    now = time.time()
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                try:
                    modified = entry.stat(follow_symlinks=False).st_mtime
                except FileNotFoundError:
                    continue  # its maker is alive and has just finished
                if is_dead(entry.name, modified, now):
                    found.append(entry.path)
    return found


def remove_tree(path: str) -> None:
    """Remove a file, link or directory with all it holds, whatever its modes; nothing happens if it isn't there."""
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(facts.st_mode):
        _remove_file(path)
        return
    import shutil  # with it come compressors, and most runs remove nothing

    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):  # read-only directories, as some caches have: in earnest now
        make_writable(path)
        shutil.rmtree(path)


def put_aside(path: str, aside: str) -> None:
    """Rename a directory out of sight; one that can't be renamed (`is_immovable`) is removed in its place."""
    try:
        rename(path, aside)
    except OSError as error:
        if not is_immovable(error):
            raise
        remove_tree(path)


def make_writable(path: str) -> None:
    """Packages may bring directories that nobody may write to, and then nothing in them can be removed; on Windows
    that is so of files, too."""
    for directory, _, names in os.walk(path):
        os.chmod(directory, 0o700)
        for name in names if os.name == "nt" else ():
            if not os.path.islink(os.path.join(directory, name)):
                os.chmod(os.path.join(directory, name), 0o700)


def _remove_file(path: str) -> None:
    try:
        os.unlink(path)
    except PermissionError:
        if os.name != "nt":
            raise
        os.chmod(path, 0o700)
        os.unlink(path)
