"""A contradiction in the user's words: the rules of the request, and below each what its package needs.

Rule of this file: it tells, it does not judge; whoever made the reasons few decided what matters. Candidates are told
together, as ranges of versions; a line says one thing.

    - numpy >=2 is asked for
        numpy 2.0.0–2.3.1 needs python >=3.9
    - python 3.8.* is asked for
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.url import mask_secrets
from engine.solve.candidates import Candidates, Interval
from engine.solve.clauses import Problem
from engine.solve.matching import ranks_matching
from engine.solve.missing import left_out, machine_has, places
from engine.solve.reasons import RULES, Bounded, Frozen, Pinned, Reason, Relation, Removed, Requested, Unreadable
from engine.solve.task import SolveTask
from engine.solve.wording import covers, in_order, shortened, spec_text, version_ranges

MAX_SPECS = 3
"""More specifications than that on one package are told as the versions that they allow."""
MAX_LINES = 16
"""With a heading, places and remedies that makes at most 25."""
MAX_PROBLEMS = 200
"""Lines and relations handed over as data: each costs time, and a hostile index may give cause for millions."""
_NOT_ALLOWED = {"uninstall": "be removed", "downgrade": "get older"}


class Told(msgspec.Struct, frozen=True):
    """Relations of one package with one other, taken together."""

    kind: str
    name: str
    target: str
    group: str
    ranks: tuple[Interval, ...]
    specs: tuple[str, ...]


BOTH = "cannot install both"
"""The words of libsolv, which logs are searched for."""


class Both(msgspec.Struct, frozen=True):
    """Two wishes for one package that no version of it meets, and nothing else is at fault."""

    name: str


class Story:
    """Reasons as lines, and as plain values."""

    def __init__(self, problem: Problem, task: SolveTask, reasons: Sequence[Reason]) -> None:
        self._problem = problem
        self._task = task
        self.roots = [reason for reason in reasons if isinstance(reason, RULES)]
        self._unreadable = [reason for reason in reasons if isinstance(reason, Unreadable)]
        self._told = _joined(reason for reason in reasons if isinstance(reason, Relation))

    def text(self) -> list[str]:
        """The lines, indented; the least important ones cut off if there are many."""
        entries = list(self._entries())
        shown = entries if len(entries) <= MAX_LINES else entries[: MAX_LINES - 1]
        lines = [f"{'  ' * depth}{'- ' if depth == 1 else '  '}{self._line(what)}" for depth, what in shown]
        more = len(entries) - len(shown)
        return [*lines, f"      … and {more} more such lines"] if more else lines

    def problems(self) -> list[str]:
        """Every line by itself, for ``solver_problems``."""
        return [self._line(what) for _, what in islice(self._entries(), MAX_PROBLEMS)]

    def names(self) -> list[str]:
        """The packages that it is about."""
        told = (name for told in self._told for name in (told.name, told.target))
        return list(dict.fromkeys([*(root.target for root in self.roots), *told]))

    def _entries(self) -> Iterator[tuple[int, Reason | Told | Both]]:
        """What each line is about, with its depth. To word a line takes time, so that is left to those who show it."""
        if [type(root) for root in self.roots] == [Requested, Requested] and not self._told and not self._unreadable:
            first, second = self.roots
            if first.target == second.target:
                yield from ((1, first), (1, second), (2, Both(first.target)))
                return
        below = self._by_name()
        seen: set[str] = set()
        for root in self.roots:
            yield 1, root
            yield from _descend(root.target, 2, below, seen)
        for name in dict.fromkeys(told.name for told in self._told):  # reasons that no root leads to
            yield from _descend(name, 1, below, seen)

    def _by_name(self) -> dict[str, list[Unreadable | Told]]:
        found: dict[str, list[Unreadable | Told]] = {}
        for bad in self._unreadable:
            found.setdefault(bad.name, []).append(bad)
        for told in self._told:
            found.setdefault(told.name, []).append(told)
        return found

    def _line(self, what: Reason | Told | Both) -> str:
        if isinstance(what, Both):
            return f"{BOTH}: an environment has one {what.name}"
        if isinstance(what, Told):
            return mask_secrets(self._relation(what))
        if isinstance(what, Unreadable):
            versions = self._versions(what.name, [(what.start, what.stop)])
            return mask_secrets(f"{what.name} {versions} can't be used: {what.spec!r} is no specification")
        return mask_secrets(self._root(what))

    def _root(self, root: Reason) -> str:
        if isinstance(root, Requested):
            needed, _, condition = root.spec.partition(" if ")
            lack = self._lack(root.target, (needed,)) if condition or root.target.startswith("__") else ""
            return f"{root.spec} is asked for{lack}"
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
        verb = "needs" if told.kind == "depends" else "works only with"
        versions = self._versions(told.name, told.ranks) + (f" with [{told.group}]" if told.group else "")
        lack = self._lack(told.target, told.specs) if told.kind == "depends" or told.target.startswith("__") else ""
        return f"{told.name} {versions}".rstrip() + f" {verb} {self._wanted(told)}{lack}"

    def _wanted(self, told: Told) -> str:
        """What is said of the target: as specifications if they are few, else as what they allow together."""
        specs = [MatchSpec.parse(spec) for spec in told.specs]
        texts = list(dict.fromkeys(map(spec_text, specs)))
        candidates = self._candidates(told.target)
        if candidates is None or told.target.startswith("__") or any(spec.when for spec in specs):
            return shortened(in_order(texts), MAX_SPECS)
        ranks = sorted(rank for spec in specs for rank in ranks_matching(candidates, spec))
        if len(texts) > MAX_SPECS and ranks:
            whole = covers(candidates, ranks)
            return f"{told.target} {version_ranges(candidates, ranks)}{'' if whole else ' in certain builds'}"
        words = [text.removeprefix(told.target).lstrip() for text in texts]
        return f"{told.target} {shortened(in_order(words), MAX_SPECS)}".rstrip()

    def _lack(self, name: str, specs: Sequence[str]) -> str:
        """What is said of a target that can't be had whatever else is chosen."""
        if name.startswith("__"):
            return f", but {machine_has(self._task, name)}"
        candidates = self._candidates(name)
        if candidates is None:
            return ""
        if not candidates.records:
            return f", which is not in {places(self._task)}{left_out(candidates)}"
        if any(ranks_matching(candidates, MatchSpec.parse(spec)) for spec in specs):
            return ""
        everything = self._versions(name, [(0, len(candidates.records))])
        return f", but there is only {name} {everything}{left_out(candidates)}"

    def _candidates(self, name: str) -> Candidates | None:
        """Those of a package that the search knows; None for what is artificial."""
        if not self._problem.known(name):
            return None
        try:
            return self._problem.index.candidates(name) if MatchSpec.parse(name).exact_name == name else None
        except ParseError:
            return None

    def _versions(self, name: str, ranks: Iterable[Interval]) -> str:
        candidates = self._problem.candidates[self._problem.package(name)]
        return version_ranges(candidates, ranks)

    def data(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            "rules": [_rule_data(root) for root in self.roots],
            "relations": [
                {
                    "kind": told.kind,
                    "package": mask_secrets(told.name),
                    "versions": self._versions(told.name, told.ranks),
                    "target": mask_secrets(told.target),
                    "specs": list(map(mask_secrets, told.specs)),
                    **({"group": told.group} if told.group else {}),
                }
                for told in self._told[:MAX_PROBLEMS]
            ],
        }


def _descend(
    name: str, depth: int, below: Mapping[str, Sequence[Unreadable | Told]], seen: set[str]
) -> Iterator[tuple[int, Unreadable | Told]]:
    """What is told of a package, below each relation what is told of its target. Chains may be long: no recursion."""
    stack = [(depth, iter(below.get(name, ())))] if name not in seen else []
    seen.add(name)
    while stack:
        depth, rest = stack[-1]
        what = next(rest, None)
        if what is None:
            stack.pop()
            continue
        yield depth, what
        if isinstance(what, Told) and what.target not in seen:
            seen.add(what.target)
            stack.append((depth + 1, iter(below.get(what.target, ()))))


def _rule_data(root: Requested | Pinned | Frozen | Bounded | Removed) -> dict[str, object]:
    fields = msgspec.structs.asdict(root)
    return {"kind": type(root).__name__.lower(), **fields, "target": mask_secrets(root.target)}


def _joined(relations: Iterable[Relation]) -> list[Told]:
    found: dict[tuple[str, str, str, str], tuple[list[Interval], dict[str, None]]] = {}
    for relation in relations:
        key = (relation.kind, relation.name, relation.target, relation.group)
        ranks, specs = found.setdefault(key, ([], {}))
        ranks.append((relation.start, relation.stop))
        specs[relation.spec] = None
    return [Told(*key, ranks=tuple(ranks), specs=tuple(specs)) for key, (ranks, specs) in found.items()]
