"""Few groups of clauses that still contradict each other, of many that do.

Rule of this file: groups are left out and it is asked whether the rest fits. Each answer that it does is a choice that
keeps all of them but those left out; if it breaks only one group, none of the smaller contradictions can do without
that one, and it need not be asked about any more. Often a small change of such a choice keeps that group and breaks
another one instead, of which the same is known then (*model rotation*): looking for that costs a hundredth of asking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic

from engine.solve.sat import Formula, Groups, Key

MAX_WORK = 20_000
"""Clauses to hand over, in all, for the sake of a shorter explanation: some tenths of a second."""


def shrink(
    formula: Formula, groups: Mapping[Key, Sequence[Sequence[int]]], stop: Callable[[], bool], limit: int
) -> list[Key]:
    """A set of groups that contradict each other, of which none can be left out.

    It may hold more than that once ``limit`` clauses were handed over in all.

    Whole halves, quarters and so on are tried first, later groups (farther from the request) before earlier ones.
    """
    known = Groups(formula, groups)
    needed = _Needed(known)
    kept = list(groups)
    step = max(1, len(kept) // 2)
    while True:
        end = len(kept)
        while end > 0 and formula.handed_over < limit and not stop():
            start = max(0, end - step)
            if needed.found.isdisjoint(kept[start:end]):
                rest = kept[:start] + kept[end:]
                model = known.model(rest)
                if model is None:
                    kept = rest
                else:
                    needed.learn(model, kept, kept[start:end])
            end = start
        if step == 1 or formula.handed_over >= limit:
            return kept
        step = max(1, step // 2)


class _Needed(Generic[Key]):
    """Groups that no contradiction can do without."""

    def __init__(self, groups: Groups[Key]) -> None:
        self.found: set[Key] = set()
        self._clauses = groups.clauses
        self._lower = dict(groups.order)
        self._higher = {below: above for above, below in groups.order}
        self._with: dict[int, list[tuple[Key, list[int]]]] = {}
        """By literal: the clauses that have it, and their groups."""
        for key, clauses in groups.clauses.items():
            for clause in clauses:
                for literal in clause:
                    self._with.setdefault(literal, []).append((key, clause))

    def learn(self, true: set[int], kept: Iterable[Key], left_out: Iterable[Key]) -> None:
        """``true`` are the literals that are true in an answer to those ``kept`` that were not left out."""
        broken = [key for key in left_out if any(map(true.isdisjoint, self._clauses[key]))]
        if len(broken) == 1:
            self.found.add(broken[0])
            self._rotate(true, broken[0], set(kept))

    def _rotate(self, true: set[int], key: Key, kept: set[Key]) -> None:
        """Look for choices that break one other group than ``key``, the only one that this one breaks."""
        stack = [(true, key)]
        while stack:
            true, key = stack.pop()
            for literal in {literal for clause in self._clauses[key] if true.isdisjoint(clause) for literal in clause}:
                turned = self._turned(true, literal)
                opposite = {-one for one in turned}
                true -= opposite
                true |= turned
                other = self._only_broken(true, key, opposite, kept)
                if other is not None and other not in self.found:
                    self.found.add(other)
                    stack.append((set(true), other))
                true -= turned
                true |= opposite

    def _turned(self, true: set[int], literal: int) -> set[int]:
        """What becomes true with a literal that was not: the order of ranks stays kept."""
        turned = {literal}
        following = self._lower if literal > 0 else self._higher
        variable = following.get(abs(literal))
        while variable is not None and (variable if literal < 0 else -variable) in true:
            turned.add(variable if literal > 0 else -variable)
            variable = following.get(variable)
        return turned

    def _only_broken(self, true: set[int], key: Key, false: set[int], kept: set[Key]) -> Key | None:
        """The only group that a choice breaks, if it is another one than ``key``; these literals were true before."""
        if any(map(true.isdisjoint, self._clauses[key])):
            return None
        found: Key | None = None
        for literal in false:
            for other, clause in self._with.get(literal, ()):
                if other != found and other in kept and true.isdisjoint(clause):
                    if found is not None:
                        return None
                    found = other
        return found
