"""Why there is no answer: a small set of reasons, told from the request downwards.

Rule of this file: the search gives clauses that contradict each other; this finds few of them that still do, and tells
their reasons in the user's words. Candidates are told together, as ranges of versions. Both steps are bounded.

    These can't be had together:
      - numpy >=2 is asked for
          numpy 2.0.0–2.3.1 needs python >=3.9
      - python 3.8.* is asked for
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

import msgspec

from engine.errors import ParseError, Unsatisfiable
from engine.model.match_spec import MatchSpec
from engine.model.url import mask_secrets
from engine.solve.clauses import Problem
from engine.solve.matching import Interval, ranks_matching
from engine.solve.missing import machine_has, searched
from engine.solve.reasons import Bounded, Frozen, Pinned, Reason, Relation, Removed, Requested, Unreadable
from engine.solve.request import Request
from engine.solve.sat import Formula, shrink
from engine.solve.task import SolveTask
from engine.solve.wording import listed, shortened, spec_text, version_ranges

MAX_LINES = 22
"""Of the story; with its heading and a hint that makes at most 25."""
MAX_QUESTIONS = 400
MAX_SPECS = 4
_RULES = (Requested, Pinned, Frozen, Bounded, Removed)


_NOT_ALLOWED = {"uninstall": "be removed", "downgrade": "get older"}


class Told(msgspec.Struct, frozen=True):
    """Relations of one package with one other, taken together."""

    kind: str
    name: str
    target: str
    group: str
    ranks: tuple[Interval, ...]
    specs: tuple[str, ...]


def explain(
    problem: Problem, request: Request, task: SolveTask, origins: Sequence[int], formula: Formula
) -> Unsatisfiable:
    """The error that tells why the clauses ``origins`` of a problem can't all be true."""
    reasons = minimal_reasons(problem, origins, formula, task.stop)
    story = _Story(problem, task, reasons)
    lines = [f"{'  ' * depth}{'- ' if depth == 1 else '  '}{text}" for depth, text in story.lines()]
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - 1], f"      … and {len(lines) - MAX_LINES + 1} more such lines"]
    roots = list(dict.fromkeys(reason.spec for reason in reasons if isinstance(reason, Requested)))
    heading = "What was asked for can't be had:" if len(story.roots) < 2 else "These can't be had together:"
    # Specs are shown without secrets, but the name of an artificial package is its spec.
    return Unsatisfiable(mask_secrets("\n".join([heading, *lines])), hint=_hint(reasons, roots), data=story.data())


def minimal_reasons(
    problem: Problem, origins: Sequence[int], formula: Formula, stop: Callable[[], bool]
) -> list[Reason]:
    """Reasons that contradict each other, none of them idle (unless it takes too long to find out)."""
    rules = [(number, problem.reasons[number]) for number in origins if number in problem.reasons]
    coarse: dict[Hashable, list[int]] = {}
    for number, reason in rules:
        coarse.setdefault(_together(reason), []).append(number)
    clauses = problem.domains.clauses
    groups = {key: [clauses[number] for number in numbers] for key, numbers in coarse.items()}
    kept = shrink(formula, groups, stop, MAX_QUESTIONS)
    fine: dict[Reason, list[list[int]]] = {}
    for key in kept:
        for number in coarse[key]:
            fine.setdefault(problem.reasons[number], []).append(clauses[number])
    return shrink(formula, fine, stop, MAX_QUESTIONS)


def _together(reason: Reason) -> Hashable:
    """What is left out, or not, at once in the first round."""
    return (reason.kind, reason.name, reason.target, reason.group) if isinstance(reason, Relation) else reason


class _Story:
    """Reasons as lines: the request's rules, and below each what its package needs."""

    def __init__(self, problem: Problem, task: SolveTask, reasons: Sequence[Reason]) -> None:
        self._problem = problem
        self._task = task
        self.roots = [reason for reason in reasons if isinstance(reason, _RULES)]
        self._unreadable = [reason for reason in reasons if isinstance(reason, Unreadable)]
        self._told = _joined(reason for reason in reasons if isinstance(reason, Relation))
        self._seen: set[str] = set()

    def lines(self) -> Iterator[tuple[int, str]]:
        """Depth and text."""
        for root in self.roots:
            yield 1, self._root(root)
            yield from self._below(root.target, 2)
        for name in dict.fromkeys(told.name for told in self._told):  # reasons that no root leads to
            if name not in self._seen:
                yield from self._below(name, 1)

    def _below(self, name: str, depth: int) -> Iterator[tuple[int, str]]:
        if name in self._seen:
            return
        self._seen.add(name)
        for bad in self._unreadable:
            if bad.name == name:
                versions = self._versions(name, [(bad.start, bad.stop)])
                yield depth, f"{name} {versions} can't be used: it has {bad.spec!r}, which is no specification"
        for told in self._told:
            if told.name == name:
                yield depth, self._relation(told)
                yield from self._below(told.target, depth + 1)

    def _root(self, root: Reason) -> str:
        if isinstance(root, Requested):
            return f"{root.spec} is asked for{self._lack(root.target, (root.spec,))}"
        if isinstance(root, Pinned):
            return f"{root.spec} is pinned{', as it is installed' if root.python else ''}"
        if isinstance(root, Frozen):
            return f"{root.dist} is installed and must stay as it is"
        if isinstance(root, Bounded):
            return f"{root.dist} is installed and may not {_NOT_ALLOWED[root.rule]}"
        if isinstance(root, Removed) and root.spec:
            return f"{root.spec} is to be removed"
        return f"{getattr(root, 'target', '')} may be removed, but not changed"

    def _relation(self, told: Told) -> str:
        specs = [spec_text(MatchSpec.parse(spec)) for spec in told.specs]
        if not told.target.startswith("__"):
            specs = [spec.removeprefix(told.target).lstrip() for spec in specs]
        wanted = shortened(sorted(set(specs)), MAX_SPECS)
        verb = "needs" if told.kind == "depends" else "works only with"
        target = "" if told.target.startswith("__") else f"{told.target} "
        what = f"{target}{wanted}".rstrip()
        versions = self._versions(told.name, told.ranks) + (f" with [{told.group}]" if told.group else "")
        lack = self._lack(told.target, told.specs) if told.kind == "depends" or told.target.startswith("__") else ""
        return f"{told.name} {versions}".rstrip() + f" {verb} {what}{lack}"

    def _lack(self, name: str, specs: Sequence[str]) -> str:
        """What is said of a target that can't be had whatever else is chosen."""
        if name.startswith("__"):
            return f", but {machine_has(self._task, name)}"
        if not self._problem.known(name) or self._is_artificial(name):
            return ""
        candidates = self._problem.index.candidates(name)
        if not candidates.records:
            return f", which {listed(list(searched(self._task)), 'or') or 'no channel'} does not have"
        if any(ranks_matching(candidates, MatchSpec.parse(spec)) for spec in specs):
            return ""
        return f", but there is only {name} {self._versions(name, [(0, len(candidates.records))])}"

    def _is_artificial(self, name: str) -> bool:
        try:
            return MatchSpec.parse(name).exact_name != name
        except ParseError:
            return True

    def _versions(self, name: str, ranks: Iterable[Interval]) -> str:
        candidates = self._problem.candidates[self._problem.package(name)]
        return version_ranges(candidates, ranks)

    def data(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            "rules": [
                {
                    "kind": type(root).__name__.lower(),
                    **msgspec.structs.asdict(root),
                    "target": mask_secrets(root.target),
                }
                for root in self.roots
            ],
            "relations": [
                {
                    "kind": told.kind,
                    "package": mask_secrets(told.name),
                    "versions": self._versions(told.name, told.ranks),
                    "target": told.target,
                    "specs": list(map(mask_secrets, told.specs)),
                }
                for told in self._told
            ],
        }


def _joined(relations: Iterable[Relation]) -> list[Told]:
    found: dict[tuple[str, str, str, str], tuple[list[Interval], dict[str, None]]] = {}
    for relation in relations:
        key = (relation.kind, relation.name, relation.target, relation.group)
        ranks, specs = found.setdefault(key, ([], {}))
        ranks.append((relation.start, relation.stop))
        specs[relation.spec] = None
    return [Told(*key, ranks=tuple(ranks), specs=tuple(specs)) for key, (ranks, specs) in found.items()]


def _hint(reasons: Sequence[Reason], roots: Sequence[str]) -> str:
    virtual = sorted({r.target for r in reasons if isinstance(r, Relation) and r.target.startswith("__")})
    if virtual:
        variables = listed([f"CONDA_OVERRIDE_{name[2:].upper()}" for name in virtual])
        return f"{listed(virtual)} is a fact of the machine; when solving for another machine, set {variables}."
    if any(isinstance(reason, Frozen) for reason in reasons):
        return "Try again without freezing what is installed."
    if any(isinstance(reason, Pinned) and reason.python for reason in reasons):
        return "Ask for another python as well (for example `python`), or try again with --no-py-pin."
    if len(roots) > 1:
        return f"Relax one of: {shortened(roots, MAX_SPECS, ', ')}."
    return "Relax the request, or add a channel with `-c CHANNEL`."
