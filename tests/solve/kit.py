"""The words of the solver's tests."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.model.match_spec import MatchSpec
from engine.model.records import PrefixRecord
from engine.solve.solver import solve
from engine.solve.task import Rows, SolveTask
from tests.kit.universe import record


def task(world: Rows | list[Rows], *specs: str, **options: Any) -> SolveTask:
    """A request for ``specs`` in a world; pip is left out of it unless it is asked for."""
    for field in ("pinned", "remove"):
        if field in options:
            options[field] = tuple(map(MatchSpec.parse, options[field]))
    worlds = world if isinstance(world, list) else [world]
    return SolveTask(**{"specs": tuple(map(MatchSpec.parse, specs)), "repodata": worlds, "add_pip": False, **options})


def answer(world: Rows | list[Rows], *specs: str, **options: Any) -> list[str]:
    """What the prefix shall hold, as ``name-version-build``, in alphabetical order."""
    return sorted(found.dist for found in solve(task(world, *specs, **options)).records)


def installed(line: str, *, asked: bool = False, spec: str = "", channel: str = "kit") -> PrefixRecord:
    """A package of a universe's line that is installed; ``asked``: because somebody asked for it (with ``spec``)."""
    found = record(line, channel=channel)
    fields = {field: getattr(found, field) for field in found.__struct_fields__}
    return PrefixRecord(**fields, requested_specs=(spec or found.name,) if asked else ())


def changed(found: Any, **fields: Any) -> Any:
    """A copy of a struct with other fields."""
    return msgspec.structs.replace(found, **fields)
