"""The command of a menu entry as code for bash: what Linux and macOS have in common. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from engine.menu.item import MenuItem
from engine.menu.place import MenuPlace, fill

FIELD_CODES = frozenset({"%f", "%F", "%u", "%U"})
"""Where the desktop puts the files or addresses that are opened (Desktop Entry Specification, "The Exec key")."""

_PLAIN = re.compile(r"[\w@%+=:,./~-]+")


def shell_code(item: MenuItem, place: MenuPlace, location: str) -> str:
    """What bash is to run, one step a line; its arguments are what is opened."""
    lines = [place.filled(item.precommand, location)] if item.precommand else []
    if item.activate:
        activate = f"{shlex.quote(place.program)} shell activate --shell bash {shlex.quote(place.prefix)}"
        lines.append(f'eval "$({activate})"')
    known = place.known(location)
    words = ('"$@"' if word in FIELD_CODES or word in ("$@", '"$@"') else quoted(word, known) for word in item.command)
    return "\n".join([*lines, " ".join(words)])


def quoted(word: str, known: Mapping[str, str]) -> str:
    """One word of a command, its placeholders replaced. Variables that the package wrote are meant, as with
    `menuinst`; all else, and all that placeholders stand for, is taken literally."""
    plain = fill(word, known)
    if _PLAIN.fullmatch(plain):
        return str(plain)
    literal = {name: re.sub(r'(["`$\\])', r"\\\1", value) for name, value in known.items()}
    return '"' + str(fill(re.sub(r'(["`\\])', r"\\\1", word), literal)) + '"'
