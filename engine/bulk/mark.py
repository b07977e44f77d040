"""``conda-meta/whipsnake-bulk``: what an environment was made from, and what it was then.

    request   the digest of the `Order`
    stage     "linked": its packages are there, its pip part may not be; "done": all is there
    state     a digest of the names of its records; when done, of its history as well

Rule of this file: an environment counts as untouched while its records have the same names and its history the same
text. conda, mamba and whipsnake write both whenever they change anything. It tells nothing of files that somebody
deleted by hand. (The name has no ``.json``: conda takes every such file in conda-meta for a record.)
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from engine.errors import StorageError
from engine.link.prefix.meta import META
from engine.model.records import RepoDataRecord

NAME: Final = f"{META}/whipsnake-bulk"
_VERSION: Final = 1

Stage = Literal["linked", "done"]
Standing = Literal["as asked", "unfinished", "other"]


class Mark(msgspec.Struct, frozen=True):
    """The file."""

    request: str
    stage: Stage
    state: str
    version: int = _VERSION


_decode = msgspec.json.Decoder(Mark).decode


def first_mark(request: str, records: Iterable[RepoDataRecord]) -> bytes:
    """What a new environment of these packages begins with."""
    from engine.link.prefix.records import record_name  # all that only those need who make something is imported there

    return _encoded(Mark(request, "linked", _digest(map(record_name, records), b"")))


def finish(prefix: str, request: str) -> None:
    """Note that the environment is what ``request`` asked for. Raises `StorageError`."""
    from engine.link.prefix.disk import write_atomic

    state = _digest(_names(prefix), _history(prefix))
    write_atomic(os.path.join(prefix, NAME), _encoded(Mark(request, "done", state)))


def standing(prefix: str, request: str) -> Standing:
    """What an environment is to a request: as asked, not finished (its process died), or something else."""
    try:
        with open(os.path.join(prefix, NAME), "rb") as file:
            mark = _decode(file.read())
        if mark.version != _VERSION or mark.request != request:
            return "other"
        history = _history(prefix)
        if mark.stage == "done":
            return "as asked" if mark.state == _digest(_names(prefix), history) else "other"
        untouched = history.count(b"==> ") == 1 and mark.state == _digest(_names(prefix), b"")
        return "unfinished" if untouched else "other"
    except (OSError, msgspec.MsgspecError):
        return "other"


def _encoded(mark: Mark) -> bytes:
    return msgspec.json.encode(mark) + b"\n"


def _digest(names: Iterable[str], history: bytes) -> str:
    text = "\n".join(sorted(names)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(b"\0".join((text, history))).hexdigest()


def _names(prefix: str) -> list[str]:
    try:
        return [name for name in os.listdir(os.path.join(prefix, META)) if name.endswith(".json")]
    except OSError as error:
        raise StorageError.from_os_error(f"look into {prefix}/{META}", error) from error


def _history(prefix: str) -> bytes:
    with open(os.path.join(prefix, META, "history"), "rb") as file:
        return file.read()
