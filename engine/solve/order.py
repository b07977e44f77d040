"""The order in which packages are linked: each after what it depends on.

Rule of this file: one answer for a set of records, whatever order they come in. Cycles (they exist) are entered at the
first name in alphabetical order, python and what it needs before all others: noarch python packages can only be
compiled, and given their entry points, when python is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord

Record = TypeVar("Record", bound=PackageRecord)


def link_order(records: Iterable[Record]) -> tuple[Record, ...]:
    """The records, dependencies first. At most one record of a name."""
    by_name = {record.name: record for record in records}
    ordered: dict[str, Record] = {}
    entered: set[str] = set()
    for root in sorted(by_name, key=lambda name: (name != "python", name)):
        if root in entered:
            continue
        entered.add(root)
        stack = [(root, _dependencies(by_name[root], by_name))]
        while stack:
            name, rest = stack[-1]
            following = next((other for other in rest if other not in entered), None)
            if following is None:
                ordered[name] = by_name[name]
                stack.pop()
            else:
                entered.add(following)
                stack.append((following, _dependencies(by_name[following], by_name)))
    return tuple(ordered.values())


def _dependencies(record: PackageRecord, known: Mapping[str, object]) -> Iterator[str]:
    names = set(dependency_names(record))
    if record.noarch_type == "python":
        names.add("python")
    return iter(sorted((name for name in names if name in known), key=lambda name: (name != "python", name)))


def dependency_names(record: PackageRecord) -> Iterator[str]:
    """The plain names that a record depends on, also if only sometimes. What can't be read names nothing."""
    optional = (text for texts in record.extra_depends.values() for text in texts)
    for text in (*record.depends, *optional):
        try:
            name = MatchSpec.parse(text).exact_name
        except ParseError:
            continue
        if name is not None:
            yield name
