"""Which source wins: the command line over environment variables over rc files over the default.

Scalars come from the strongest source. Lists are joined, the strongest source's items first, each item once (so
micromamba). Mappings are joined name by name, the strongest source winning each name (so conda; micromamba takes
the strongest source's whole mapping, which loses the site's channels as soon as a user names one of their own).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from engine.config.files import RcFile, Setting
from engine.config.keys import Key
from engine.config.values import COMMAND_LINE, Place, convert


class Inputs(msgspec.Struct, frozen=True):
    """All that may set a key."""

    options: Mapping[str, object]
    environ: Mapping[str, str]
    """Empty if environment variables are to be ignored."""
    rc_files: Sequence[RcFile] = ()
    """The weakest first."""


class Merged(msgspec.Struct, frozen=True):
    """A key's value and where it came from; no source means that it is the default."""

    value: object
    sources: tuple[str, ...] = ()
    """For a scalar: who sets it, the strongest first. For a list or mapping: who added each element, in its order."""


Found: TypeAlias = "list[tuple[str, object]]"


def merge(key: Key, inputs: Inputs) -> Merged:
    """The value of ``key``; raises `ConfigError` for a value that is not of its kind."""
    found = _found(key, inputs)
    if not found:
        return Merged(key.default)
    if key.kind in {"texts", "paths", "records"}:
        return _joined_list(found)
    if key.kind in {"map", "multimap"}:
        return _joined_map(found)
    return Merged(found[0][1], tuple(source for source, _ in found))


def _found(key: Key, inputs: Inputs) -> Found:
    """What every source says, the strongest first."""
    found: Found = []
    option = inputs.options.get(key.name)
    if option is not None:
        found.append((COMMAND_LINE, convert(key, option, Place(COMMAND_LINE))))
    for variable in key.variables:
        text = inputs.environ.get(variable)
        if text:  # an empty variable is an unset one
            found.append((f"${variable}", _from_variable(key, text, Place(f"${variable}"))))
    if key.rc:
        for rc in reversed(inputs.rc_files):
            setting = _setting(rc, key)
            if setting is not None:
                found.append((rc.path, convert(key, setting.value, setting.place)))
    return found


def _setting(rc: RcFile, key: Key) -> Setting | None:
    return next((rc.settings[name] for name in (key.name, *key.aliases) if name in rc.settings), None)


def _from_variable(key: Key, text: str, place: Place) -> object:
    """A variable's text as a value; mappings are written as YAML (``{name: value}``)."""
    if key.kind not in {"map", "multimap", "records"}:
        return convert(key, text, place)
    from engine.errors import ConfigError
    from engine.plain_yaml import YamlError, parse_yaml

    try:
        root = parse_yaml(text)
    except YamlError as error:
        raise ConfigError(f"{place}: expected a mapping in YAML ('{{name: value}}'): {error.reason}") from error
    return convert(key, root.plain() if root else {}, place)


def _joined_list(found: Found) -> Merged:
    items: dict[object, str] = {}
    unhashable: list[object] = []
    for source, values in found:
        assert isinstance(values, tuple)
        for value in values:
            if isinstance(value, dict):
                unhashable.append(value)
            else:
                items.setdefault(value, source)
    return Merged((*items, *unhashable), tuple(items.values()) or tuple(source for source, _ in found))


def _joined_map(found: Found) -> Merged:
    joined: dict[str, object] = {}
    origins: dict[str, str] = {}
    for source, values in reversed(found):
        assert isinstance(values, dict)
        joined.update(values)
        origins.update(dict.fromkeys(values, source))
    return Merged(joined, tuple(origins[name] for name in joined) or tuple(source for source, _ in found))
