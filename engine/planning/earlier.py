"""What was asked for earlier counts in later solves too, as long as it can (STD-8; conda's "history specs").

Rule of this file: whoever asks now is served. An answer that breaks earlier requests is tried again with all of them
as limits; those that stand in the way are given up one after another ("neutered", in conda's word).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from engine.errors import SolveError
from engine.model.match_spec import MatchSpec
from engine.solve.fits import spec_matches
from engine.solve.task import Solution, SolveTask
from engine.solve.wording import spec_text

Solve = Callable[[SolveTask], Awaitable[Solution]]
_ROUNDS = 5
"""How often requests are given up before all are."""


async def keep_earlier(task: SolveTask, solution: Solution, specs: Sequence[MatchSpec], solve: Solve) -> Solution:
    """The answer to ``task`` that keeps to as many of the earlier ``specs`` as it can; ``solution`` does not look at
    them."""
    if not broken(specs, solution):
        return solution
    kept = tuple(specs)
    for _ in range(_ROUNDS):
        try:
            return await solve(msgspec.structs.replace(task, pinned=(*task.pinned, *kept)))
        except SolveError as error:
            told = _told(error.data)
            left = tuple(spec for spec in kept if spec_text(spec) not in told)
            if not left or len(left) == len(kept):
                return solution
            kept = left
    return solution


def broken(specs: Sequence[MatchSpec], solution: Solution) -> tuple[MatchSpec, ...]:
    """Those that an answer does not keep to."""
    by_name = {record.name: record for record in solution.records}
    pairs = ((spec, by_name.get(spec.exact_name or "")) for spec in specs)
    return tuple(spec for spec, record in pairs if record is not None and not spec_matches(spec, record))


def _told(data: Mapping[str, object]) -> set[str]:
    """The specs that an explanation names."""
    rules = data.get("rules")
    found = rules if isinstance(rules, Sequence) else ()
    return {str(rule.get("spec")) for rule in found if isinstance(rule, Mapping)}
