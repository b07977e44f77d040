"""Which names a dependency is about, without taking it apart where that can be avoided: for walks over many records.

Rule of this file: the same name as `MatchSpec.parse` would find, or several where it is a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord

Record = TypeVar("Record", bound=PackageRecord)

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


def needed_names(record: PackageRecord) -> list[str]:
    """The names that a record depends on; patterns apart, which name nobody."""
    return [name for text in record.depends if isinstance(name := needed_name(text), str)]


def reach(
    by_name: Mapping[str, Record], names: Iterable[str], needs: Callable[[Record], Iterable[str]] = needed_names
) -> set[str]:
    """Those of the named packages that there are, and all that they need, however far."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in by_name and name not in found:
            found.add(name)
            todo += needs(by_name[name])
    return found
