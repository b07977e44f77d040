"""Environments as they are: what makes one, what is in it, and whether it may be made or changed (CEP 32, CEP 22)."""

from __future__ import annotations

import os
from typing import Literal

import msgspec

from engine.errors import FrozenError, PrefixError
from engine.link.prefix.disk import storage
from engine.link.prefix.history import Revision, history_path, read_history
from engine.link.prefix.meta import META
from engine.link.prefix.records import read_records
from engine.model.records import PrefixRecord


class PrefixData(msgspec.Struct, frozen=True):
    """An environment."""

    prefix: str
    records: tuple[PrefixRecord, ...]
    """Installed packages, by name."""
    history: tuple[Revision, ...]


class _Frozen(msgspec.Struct):
    message: str = ""


_decode_frozen = msgspec.json.Decoder(_Frozen).decode


def read_prefix(prefix: str) -> PrefixData:
    """Read an environment, but not which files are whose; one that isn't there has no packages."""
    return PrefixData(prefix, read_records(prefix, files=False), read_history(prefix))


def check_new_prefix(prefix: str, *, replace: bool = False) -> Literal["absent", "empty", "environment"]:
    """What is at ``prefix``; raises `PrefixError` unless an environment can be made there.

    An environment is in the way too, unless ``replace`` says that it may go.
    """
    if not os.path.isabs(prefix) or os.path.normpath(prefix) == os.sep:
        raise PrefixError(f"Could not make an environment at {prefix!r}: that is no place for one")
    if any(ord(letter) < 32 for letter in prefix):
        raise PrefixError(f"Could not make an environment at {prefix!r}: the path has control characters in it")
    if not os.path.lexists(prefix):
        return "absent"
    if not os.path.isdir(prefix):
        raise PrefixError(f"Could not make an environment at {prefix}: there is a file of that name")
    if os.path.isfile(history_path(prefix)) or os.path.isdir(os.path.join(prefix, META)):
        if replace:
            return "environment"
        raise PrefixError(
            f"Could not make an environment at {prefix}: there is one already",
            hint="Choose another prefix, or remove that one first (`whipsnake env remove`).",
        )
    with storage(f"look into {prefix}"):
        if os.listdir(prefix):
            raise PrefixError(
                f"Could not make an environment at {prefix}: the directory has files in it, but is no environment",
                hint="Choose another prefix, or move the files away.",
            )
    return "empty"


def check_frozen(prefix: str, *, override: bool = False) -> None:
    """Raise `FrozenError` if the environment is marked as frozen (CEP 22), with the marker's own words."""
    path = os.path.join(prefix, META, "frozen")
    if override or not os.path.lexists(path):
        return
    with storage(f"read {path}"), open(path, "rb") as file:
        reason = _frozen_reason(file.read())
    detail = "".join(f"\n    {line}" for line in reason.splitlines())
    raise FrozenError(
        f"Could not change the environment {prefix}: it is marked as frozen{':' if detail else ''}{detail}",
        hint="`--override-frozen` changes it all the same, at your own risk.",
        data={"reason": reason},
    )


def _frozen_reason(data: bytes) -> str:
    try:
        return _decode_frozen(data).message if data.strip() else ""
    except msgspec.DecodeError:  # the marker counts by being there
        return data.decode("utf-8", "replace").strip()
