"""Why there is no answer: a small set of reasons, told from the request downwards, and what would work instead.

Rule of this file: the search gives clauses that contradict each other; this finds few of them that still do. `story`
tells their reasons in the user's words, `relax` tries what could be changed. Every step is bounded.

    Could not solve for environment specs. The following packages are incompatible:
      - numpy >=2 is asked for
          numpy 2.0.0–2.3.1 needs python >=3.9
      - python 3.8.* is asked for
    hint: ask for python instead of python 3.8.* (gives python 3.14.0)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import msgspec

from engine.errors import Unsatisfiable
from engine.model.url import mask_secrets
from engine.solve.clauses import Problem
from engine.solve.missing import ALONE, channel_data, for_another_system
from engine.solve.reasons import Reason, Relation, Requested
from engine.solve.relax import Remedy, Solve, find_remedies
from engine.solve.sat import Formula
from engine.solve.shrinking import MAX_WORK, shrink
from engine.solve.story import MAX_SPECS, Story
from engine.solve.task import SolveTask
from engine.solve.wording import listed, shortened

TOGETHER = "Could not solve for environment specs. The following packages are incompatible:"
"""micromamba's words, which logs are searched for."""


def explain(
    task: SolveTask,
    problem: Problem,
    origins: Sequence[int],
    formula: Formula,
    *,
    work: int,
    solve: Solve,
) -> Unsatisfiable:
    """The error that tells why the clauses ``origins`` of a problem can't all be true.

    ``work``: what the search took. ``solve`` answers other tasks within such a limit, without explanations. Of the
    error's ``data``, ``solver_problems`` is micromamba's key; ``rules`` and ``relations`` are the same taken apart, and
    ``remedies`` what would work.
    """
    reasons = minimal_reasons(problem, origins, formula, task.stop)
    story = Story(problem, task, reasons)
    names = [name for name in story.names() if problem.known(name)]
    held_back = any(problem.index.candidates(name).held_back for name in names)
    heading = ALONE if len(story.roots) < 2 else TOGETHER
    told = {"solver_problems": story.problems(), **story.data()}
    lines = story.text()
    remedies = find_remedies(task, reasons, held_back, work, solve)  # at last: ``solve`` may write into the problem
    data = {
        **told,
        "remedies": [msgspec.to_builtins(remedy) for remedy in remedies],
        "channels": channel_data(task),
    }
    # Specs are shown without secrets, but the name of an artificial package is its spec.
    message = mask_secrets("\n".join([heading, *lines]))
    return Unsatisfiable(message, hint=mask_secrets(_hint(reasons, remedies)), data=data)


def minimal_reasons(
    problem: Problem, origins: Sequence[int], formula: Formula, stop: Callable[[], bool]
) -> list[Reason]:
    """Reasons that contradict each other, none of them idle (unless it takes too long to find out)."""
    rules = [(number, problem.reasons[number]) for number in origins if number in problem.reasons]
    rules.sort(key=lambda rule: not isinstance(rule[1], Relation))  # the later is left out first: few requests clash
    coarse: dict[Hashable, list[int]] = {}
    for number, reason in rules:
        coarse.setdefault(_together(reason), []).append(number)
    clauses = problem.domains.clauses
    groups = {key: [clauses[number] for number in numbers] for key, numbers in coarse.items()}
    limit = formula.handed_over + MAX_WORK
    kept = shrink(formula, groups, stop, limit)
    fine: dict[Reason, list[list[int]]] = {}
    for key in kept:
        for number in coarse[key]:
            fine.setdefault(problem.reasons[number], []).append(clauses[number])
    return shrink(formula, fine, stop, limit)


def _together(reason: Reason) -> Hashable:
    """What is left out, or not, at once in the first round."""
    return (reason.kind, reason.name, reason.target, reason.group) if isinstance(reason, Relation) else reason


def _hint(reasons: Sequence[Reason], remedies: Sequence[Remedy]) -> str:
    if len(remedies) == 1:
        return f"This would work: {remedies[0]}."
    if remedies:
        return "\n".join(["Each of these would work:", *(f"    - {remedy}" for remedy in remedies)])
    virtual = sorted({r.target for r in reasons if isinstance(r, Relation) and r.target.startswith("__")})
    if virtual:
        foreign = for_another_system(virtual)
        if foreign:
            return foreign
        variables = listed([f"CONDA_OVERRIDE_{name[2:].upper()}" for name in virtual])
        return f"{listed(virtual)} is a fact of the machine; when solving for another machine, set {variables}."
    roots = list(dict.fromkeys(reason.spec for reason in reasons if isinstance(reason, Requested)))
    if len(roots) > 1:
        return f"No small change was found quickly that works; look at {shortened(roots, MAX_SPECS, ', ')}."
    return "Relax the request, or add a channel with `-c CHANNEL`."
