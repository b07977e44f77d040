"""Settings as YAML that people write: blocks for lists and mappings, quotes only where they must be. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml


def flow_text(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "~"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow_text(name)}: {flow_text(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    return str(value) if not isinstance(value, str) or _is_plain(value) else json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    """Whether the text needs no quotes, neither alone nor in brackets. Truth values and numbers are none to us."""
    try:
        found = yaml.load(f"[{text}]", Loader=yaml.BaseLoader), yaml.load(f"- {text}", Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        return False
    return found == ([text], [text]) and text not in {"", "~", "null", "Null", "NULL"}


def block_lines(value: Mapping[str, Any]) -> list[str]:
    """A mapping as lines; what is in it is indented by two spaces."""
    return [line for name, item in value.items() for line in _entry_lines(flow_text(name), item)]


def _entry_lines(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [f"{name}:", *("  " + line for line in block_lines(value))]
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return [f"{name}:", *("  - " + flow_text(item) for item in value)]
    return [f"{name}: {flow_text(value)}"]
