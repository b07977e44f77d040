"""What must be there before Python can run. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.needs import reach
from engine.model.records import RepoDataRecord


def needed_by_python(records: Iterable[RepoDataRecord]) -> frozenset[str]:
    """The packages that must be linked before ``python`` can run: itself and all it depends on, however far."""
    return frozenset(reach({record.name: record for record in records}, ["python"]))
