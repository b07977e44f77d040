"""The processes that `run` started: one small file each, in micromamba's directory and form, for `ps`.

Rule of this file: a record is a convenience and never stands in the way: if it can't be written, the program runs
all the same. Nobody is there to remove it in the end (we become the program), so whoever reads the records removes
those of the dead. A number is given to another process some day, so a record tells also when its process began.

micromamba's `ps` reads our records, and we read its (``<cache directory>/mamba/proc/<pid>.json`` with ``name``,
``command`` and ``prefix``; see `run.cpp` of libmamba).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from engine.system.process import is_alive

_MANY = 200
"""Records in the directory above which those of the dead are looked for when one is added."""


class RunningProcess(msgspec.Struct, frozen=True):
    """One process in an environment."""

    pid: int
    name: str
    """The label that the user gave, or one made of the program's name."""
    command: tuple[str, ...]
    prefix: str


def records_dir(environ: Mapping[str, str], home: str) -> str:
    """Where the records are: in the user's cache directory, as libmamba's `user_cache_dir` finds it."""
    base = environ.get("XDG_CACHE_HOME")
    if not base and sys.platform == "win32":
        base = environ.get("LOCALAPPDATA")
    return os.path.join(base or os.path.join(home, ".cache"), "mamba", "proc")


def note(directory: str, *, name: str | None, command: Sequence[str], prefix: str) -> None:
    """Record this very process, which is about to become ``command``."""
    pid = os.getpid()
    label = name or f"{os.path.basename(command[0])}-{pid}"
    texts = [_text(label), *map(_text, command), _text(prefix)]
    record = {"name": texts[0], "command": texts[1:-1], "prefix": texts[-1], "started": _started(pid)}
    with suppress(OSError):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        if len(os.listdir(directory)) > _MANY:
            running(directory)
        data = msgspec.json.encode(record)
        # The command line of a process can be read by everybody, but this file outlives it: it is for its owner alone.
        file = os.open(os.path.join(directory, f"{pid}.json"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(file, "wb") as stream:
            stream.write(data)


def forget(directory: str) -> None:
    """Remove the record of this very process."""
    with suppress(OSError):
        os.unlink(os.path.join(directory, f"{os.getpid()}.json"))


def running(directory: str) -> list[RunningProcess]:
    """The processes that still live, by number; the records of others are removed."""
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    found = [_read(os.path.join(directory, name)) for name in names if name.endswith(".json")]
    return sorted((process for process in found if process is not None), key=lambda process: process.pid)


def _read(path: str) -> RunningProcess | None:
    stem = os.path.basename(path)[: -len(".json")]
    if not stem.isdecimal():
        return None
    try:
        with open(path, "rb") as file:
            record = msgspec.json.decode(file.read())
        process = RunningProcess(int(stem), str(record["name"]), tuple(map(str, record["command"])), record["prefix"])
        started = record.get("started")
    except OSError:
        return None
    except (msgspec.DecodeError, ValueError, LookupError, TypeError, AttributeError):
        return None  # being written just now, or nobody's
    if not is_alive(process.pid) or (started is not None and started != _started(process.pid)):
        with suppress(OSError):
            os.unlink(path)
        return None
    return process


def _text(word: str) -> str:
    """A word of a command line, of which JSON may hold only what is text."""
    return os.fsencode(word).decode("utf-8", "replace")


def _started(pid: int) -> str | None:
    """When a process began, in the system's own unit and since its start; None where the system does not say."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()  # behind the name, which may hold anything
    except (OSError, IndexError):
        return None
