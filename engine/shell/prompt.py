"""What a prompt says of the active environment.

Rule of this file: names come from directories that anybody may have made, so nothing in them may act when a shell
or a terminal shows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_FIELD = re.compile(r"\{(default_env|stacked_env|prefix|name)\}")
_HARMFUL = re.compile(r"[$`\\\x00-\x1f\x7f-\x9f]")


def default_env(prefix: str, root_prefix: str) -> str:
    """How people call the environment at ``prefix``: "base", its name if it lies in an ``envs``, or its path."""
    if prefix == root_prefix:
        return "base"
    parts = re.split(r"[/\\]", prefix)
    return parts[-1] if len(parts) > 1 and parts[-2] == "envs" else prefix


def prompt_stack(names: Mapping[int, str], stacked: frozenset[int]) -> list[str]:
    """Names of the environments that are on PATH, the active one last (conda's rule).

    ``names`` is what is active at each level, counted from 1; a level that isn't stacked hides the one before it.
    """
    found: list[str] = []
    for level in sorted(names):
        if level not in stacked:
            found[-1:] = []
        found.append(names[level])
    return found


def modifier(prompt_format: str, *, prefix: str, name: str, stack: list[str]) -> str:
    """`env_prompt` with its fields filled in. What stands between the fields is the user's and stays as it is."""
    fields = {
        "default_env": name,
        "stacked_env": ",".join(reversed(stack)),
        "prefix": prefix,
        "name": re.split(r"[/\\]", prefix.rstrip("/\\"))[-1],
    }
    return _FIELD.sub(lambda found: _harmless(fields[found[1]]), prompt_format)


def _harmless(text: str) -> str:
    """A name that no prompt acts on: bash runs ``$(…)`` in PS1, and terminals obey control characters."""
    return _HARMFUL.sub("_", text)
