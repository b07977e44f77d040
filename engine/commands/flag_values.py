"""``--yes=true``, ``--shortcuts=false``: a flag with a value, as micromamba's parser takes it and argparse does not.

Rule of this file: it knows no option by itself; a flag is what the parser says is one, and can be on or off.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

_ON = frozenset(("true", "on", "yes", "enable", "1"))
_OFF = frozenset(("false", "off", "no", "disable", "0"))


def plain_flags(parser: ArgumentParser, words: Sequence[str]) -> tuple[list[str], dict[str, bool]]:
    """The words without the flags that have a value, and what these set: destination → value. The last one counts."""
    rest: list[str] = []
    found: dict[str, bool] = {}
    for position, word in enumerate(words):
        name, equals, text = word.partition("=")
        if word == "--":
            return [*rest, *words[position:]], found
        action = parser._option_string_actions.get(name) if equals and name.startswith("--") else None
        if action and action.nargs == 0 and isinstance(action.const, bool) and text.lower() in _ON | _OFF:
            found[action.dest] = action.const is (text.lower() in _ON)
        else:
            rest.append(word)
    return rest, found
