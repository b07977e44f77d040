"""``conda-meta/state``: the variables that activation sets (CEP 32, "state")."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

RESERVED = frozenset({"PATH"})
"""Variables that an environment may not set (conda's ``RESERVED_ENV_VARS``)."""


def state_file(before: Mapping[str, object], variables: Mapping[str, str]) -> bytes:
    """The content of the file: ``before`` is what it held, whose other keys and variables stay."""
    present = before.get("env_vars")
    known = dict(present) if isinstance(present, Mapping) else {}
    wanted = {name: value for name, value in variables.items() if name.upper() not in RESERVED}
    document = {**before, "env_vars": {**known, **wanted}, "version": before.get("version", 1)}
    return msgspec.json.format(msgspec.json.encode(document), indent=4) + b"\n"


def read_state(prefix: str) -> dict[str, object]:
    """What the file of an environment holds; nothing if there is none, or none that can be read."""
    try:
        with open(os.path.join(prefix, "conda-meta", "state"), "rb") as file:
            return msgspec.json.decode(file.read(), type=dict[str, object])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
