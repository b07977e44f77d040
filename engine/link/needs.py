"""What must be there before Python can run. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.records import RepoDataRecord


def needed_by_python(records: Iterable[RepoDataRecord]) -> frozenset[str]:
    """The packages that must be linked before ``python`` can run: itself and all it depends on, however far."""
    depends = {record.name: [text.split()[0] for text in record.depends if text.strip()] for record in records}
    found: set[str] = set()
    todo = ["python"]
    while todo:
        name = todo.pop()
        if name in depends and name not in found:
            found.add(name)
            todo += depends[name]
    return frozenset(found)
