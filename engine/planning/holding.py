"""Which packages an update leaves older than the newest there is, and why.

Rule of this file: what is said of a version was asked of the solver (`engine.solve.why`). That takes a while, so it is
done for the packages that were named, and not for all of an environment.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.environment.requested import specs_of
from engine.errors import SolveError
from engine.model.match_spec import MatchSpec
from engine.model.records import PrefixRecord, RepoDataRecord
from engine.request import Held
from engine.solve.task import Solution, SolveTask
from engine.solve.why import WhyVersion, newer_than, why_version

MOST = 3
"""How many packages are explained."""


def held_back(task: SolveTask, solution: Solution, names: Sequence[str] | None) -> tuple[Held, ...]:
    """Of the named packages (None: of those that users asked for) the ones that the answer leaves behind; with reasons
    if they were named."""
    asked = [record.name for record in task.installed if specs_of(record)]
    wanted = asked if names is None else names
    after = msgspec.structs.replace(
        task,
        installed=tuple(map(_as_installed, solution.records)),
        specs=(*task.specs, *(MatchSpec(name=name) for name in dict.fromkeys((*wanted, *asked)))),
        update=frozenset(),
        update_all=False,
        prune=False,
    )
    by_name = {record.name: record for record in after.installed}
    found: list[Held] = []
    for name in sorted(wanted):
        newest = newer_than(after, by_name[name]) if name in by_name else None
        if newest is not None:
            explained = names is not None and len(found) < MOST
            found.append(Held(by_name[name], newest, _why(after, name) if explained else None))
    return tuple(found)


def _why(task: SolveTask, name: str) -> WhyVersion | None:
    try:
        return why_version(task, name)
    except SolveError:  # it was stopped
        return None


def _as_installed(record: RepoDataRecord) -> PrefixRecord:
    fields = {field: getattr(record, field) for field in RepoDataRecord.__struct_fields__}
    return PrefixRecord(**fields)
