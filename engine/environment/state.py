"""``conda-meta/state``: the variables that activation sets (CEP 32, "state")."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import msgspec

from engine.shell.facts import UNSET_MARK

RESERVED = frozenset({"PATH"})
"""Variables that an environment may not set (conda's ``RESERVED_ENV_VARS``)."""


def state_file(before: Mapping[str, object], variables: Mapping[str, str]) -> bytes:
    """The content of the file: ``before`` is what it held, whose other keys and variables stay."""
    return state_with(before, {name: value for name, value in variables.items() if name.upper() not in RESERVED})


def state_with(before: Mapping[str, object], wanted: Mapping[str, str], gone: Iterable[str] = ()) -> bytes:
    """The content of the file: ``before`` with some variables set to new values (in place) and some taken away."""
    present = before.get("env_vars")
    known = dict(present) if isinstance(present, Mapping) else {}
    left = set(gone)
    variables = {name: value for name, value in {**known, **wanted}.items() if name not in left}
    document = {**before, "env_vars": variables, "version": before.get("version", 1)}
    return msgspec.json.format(msgspec.json.encode(document), indent=4) + b"\n"


def environment_variables(state: Mapping[str, object]) -> dict[str, str]:
    """The variables that a state sets, in its order; not those that it takes away."""
    found = state.get("env_vars")
    if not isinstance(found, Mapping):
        return {}
    return {str(name): value for name, value in found.items() if isinstance(value, str) and value != UNSET_MARK}


def read_state(prefix: str) -> dict[str, object]:
    """What the file of an environment holds; nothing if there is none, or none that can be read."""
    try:
        with open(os.path.join(prefix, "conda-meta", "state"), "rb") as file:
            return msgspec.json.decode(file.read(), type=dict[str, object])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def new_files(variables: Mapping[str, str], platform: str = "") -> dict[str, bytes]:
    """What a new environment has besides packages: its variables, and the ``platform`` if it is a chosen one."""
    files = {}
    if variables:
        files["conda-meta/state"] = state_file({}, variables)
    if platform:
        files[".mambarc"] = f"platform: {platform}\n".encode()
    return files
