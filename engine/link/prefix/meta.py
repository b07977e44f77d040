"""``conda-meta``: the directory that makes a prefix an environment, and the records in it (CEP 32). It only reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import msgspec

from engine.errors import LinkError, StorageError

META = "conda-meta"
JOURNAL = ".whipsnake-journal.json"
"""The note in ``conda-meta`` that something is under way (see `engine.link.transaction.journal`)."""

OURS = ".whipsnake"
"""What all names begin with that we leave in ``conda-meta`` while we work, and only then."""

_ROOM = 222
"""Bytes of a file's name (255 on most file systems) that are left when ``.whipsnake-<pid>-<random>.old`` is told."""

Record = TypeVar("Record")


def is_environment(prefix: str) -> bool:
    """Whether a directory is a conda environment: it has ``conda-meta/history`` (CEP 32)."""
    return os.path.isfile(os.path.join(prefix, META, "history"))


def takes_packages(prefix: str) -> bool:
    """Whether packages can be put there: an environment, or a ``conda-meta`` in which nothing has been noted yet.

    The root prefix of container images begins so. To make or to remove one takes more (`is_environment`).
    """
    return os.path.isdir(os.path.join(prefix, META))


def is_in_work(prefix: str) -> bool:
    """Whether somebody changes, makes or removes the environment just now, or was cut short in that. A cheap look."""
    inside = _names(os.path.join(prefix, META)) or _names(prefix)
    parent, name = os.path.split(prefix)
    sibling = beside(name) + OURS
    return any(entry.startswith(OURS) for entry in inside) or any(entry.startswith(sibling) for entry in _names(parent))


def beside(name: str) -> str:
    """What the names begin with of all that lies beside an environment while we work on it.

    It is the environment's own, behind a dot. Where that is so long that nothing could follow it, its digest stands for
    its end.
    """
    data = os.fsencode(name)
    if len(data) <= _ROOM:
        return f".{name}"
    import hashlib  # hardly ever needed

    return f".{data[:180].decode('utf-8', 'ignore')}~{hashlib.sha256(data).hexdigest()[:32]}"


def own_name() -> str:
    """A name of ours (`OURS`) that no other process gives, and that tells which one did."""
    return f"{OURS}-{os.getpid()}-{os.urandom(4).hex()}"


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:  # not there, or not ours to look into: then nothing of ours is in it
        return []


def record_paths(prefix: str) -> list[str]:
    """The files with records, by name; none if there is no ``conda-meta``."""
    meta = os.path.join(prefix, META)
    try:
        names = sorted(name for name in os.listdir(meta) if name.endswith(".json") and not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError.from_os_error(f"read {meta}", error) from error
    return [os.path.join(meta, name) for name in names]


def decode_file(path: str, decode: Callable[[bytes], Record]) -> Record:
    """One record of an installed package; raises `LinkError` if it can't be understood."""
    try:
        with open(path, "rb") as file:
            return decode(file.read())
    except OSError as error:
        raise StorageError.from_os_error(f"read {path}", error) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise LinkError(
            f"Could not read {path}: it is no record of an installed package: {error}",
            hint="Install the package anew, or remove the file if the package is of no use.",
        ) from error
