"""Which names a dependency is about, without taking it apart where that can be avoided: for walks over many records.

Rule of this file: the same name as `MatchSpec.parse` would find, or several where it is a pattern.
"""

from __future__ import annotations

import re
from typing import Final

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+(?=$|[\s=<>!~\[])")


def needed_name(text: str) -> str | MatchSpec | None:
    """The name, or a spec whose name is a pattern. None for what nothing can fulfil: it is no specification."""
    found = _PLAIN.match(text)
    # What stands before a colon is a channel, and a bracket that nothing closes belongs to a pattern.
    if found and ":" not in text and ("[" not in text or text.endswith("]")):
        return found.group().lower()
    try:
        spec = MatchSpec.parse(text)
    except ParseError:
        return None
    return spec.exact_name or spec
