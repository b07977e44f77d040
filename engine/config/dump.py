"""The configuration as text: values, who set them, what the keys mean. Pure.

The forms are micromamba's ``config list`` and ``config describe``; secrets are masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from engine.config.keys import GROUPS, Key
from engine.config.schema import Config
from engine.config.values import COMMAND_LINE
from engine.config.yaml_text import flow_text
from engine.model.url import TOKEN_MASK, mask_secrets

_TITLE_WIDTH: Final = 54


class Shown(msgspec.Struct, frozen=True):
    """What of each key is shown, and which keys are."""

    names: Sequence[str] = ()
    """Only these; empty: all that rc files may set and somebody has set."""
    all: bool = False
    """Those that have their default, too."""
    values: bool = True
    sources: bool = False
    descriptions: bool = False
    groups: bool = False


def chosen(config: Config, shown: Shown) -> Iterator[tuple[str, Key]]:
    """The keys that are shown, each with its group."""
    for group, keys in GROUPS.items():
        for key in keys:
            by_itself = key.rc and (shown.all or key.name in config.sources)
            if key.name in shown.names or (by_itself and not shown.names):
                yield group, key


def value_of(config: Config, key: Key) -> Any:
    """A key's value as plain data without secrets."""
    return _masked(getattr(config, key.name))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_secrets(value).replace(TOKEN_MASK, "*****")
    if isinstance(value, Mapping):
        return {name: _masked(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_masked(item) for item in value]
    return value


def sources_of(config: Config, key: Key) -> list[str]:
    """Who set a key, in micromamba's words: ``CLI``, a variable's name, a file below ``~``; or ``default``."""
    return [_source(source, config.home) for source in config.sources.get(key.name, ())] or ["default"]


def _source(source: str, home: str) -> str:
    if source == COMMAND_LINE:
        return "CLI"
    return source[1:] if source.startswith("$") else shrink_home(source, home)


def shrink_home(path: str, home: str) -> str:
    """``path`` with ``~`` for the home directory."""
    return "~" + path[len(home) :] if home and path.startswith(home.rstrip("/") + "/") else path


# --- text


def dump_text(config: Config, shown: Shown) -> str:
    """YAML with comments; "" if there is nothing to show."""
    lines: list[str] = []
    before = ""
    for group, key in chosen(config, shown):
        if shown.descriptions:
            if shown.groups and group != before:
                lines += ["", ""] if lines else []
                lines += [*_title(group), ""]
            elif lines:
                lines.append("")
            lines += [f"# {key.name}", *(f"#   {line}" for line in key.doc.splitlines())]
        if shown.values:
            lines += _value_lines(config, key, shown)
        before = group
    return "\n".join(lines)


def _title(group: str) -> list[str]:
    rule = "# " + "#" * _TITLE_WIDTH
    return [rule, f"# #{f'{group} Configuration':^{_TITLE_WIDTH - 2}}#", rule]


def _value_lines(config: Config, key: Key, shown: Shown) -> list[str]:
    value, sources = value_of(config, key), sources_of(config, key)
    if isinstance(value, dict) and value:
        items = [f"  {flow_text(name)}: {flow_text(item)}" for name, item in value.items()]
    elif isinstance(value, list) and value:
        items = [f"  - {flow_text(item)}" for item in value]
    else:
        return [f"{key.name}: {flow_text(value)}" + _comment(sources, shown.sources)]
    # What the configuration adds by itself (the root prefix's own envs/) was set by nobody.
    each = [*sources, *["default"] * (len(items) - len(sources))]
    marked = (item + _comment([source], shown.sources) for item, source in zip(items, each, strict=False))
    return [f"{key.name}:", *marked]


def _comment(sources: Sequence[str], wanted: bool) -> str:
    return "  # " + " > ".join(f"'{source}'" for source in sources) if wanted else ""


# --- JSON


def dump_json(config: Config, shown: Shown) -> dict[str, Any]:
    """The same as plain data: name → value, or → an object with ``value``, ``source`` and ``description``."""
    root: dict[str, Any] = {}
    for group, key in chosen(config, shown):
        place = root.setdefault(f"{group} Configuration", {}) if shown.groups and shown.descriptions else root
        place[key.name] = _json_entry(config, key, shown)
    return root


def _json_entry(config: Config, key: Key, shown: Shown) -> Any:
    parts: dict[str, Any] = {}
    if shown.descriptions:
        parts["description"] = key.doc
    if shown.sources:
        sources = sources_of(config, key)
        parts["source"] = sources if len(sources) > 1 or isinstance(value_of(config, key), list) else sources[0]
    if not shown.values:
        return parts
    return {**parts, "value": value_of(config, key)} if parts else value_of(config, key)
