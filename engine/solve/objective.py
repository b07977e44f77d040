"""What "best" means, as the sequence of questions that the search answers one after the other.

Rule of this file: each question is about one package, and all that it depends on is how earlier ones were answered.
So the answer is the first in a strict (lexicographic) order, and the search proves that as it goes: a question is
answered for the worse only when the better is refuted. In order:

    1. all installed packages that shall stay are there; those to update are of the best version class, then the
       others are as they are;
    2. packages asked for, in the order of the request: the best version class; then python's, if one of them may need
       it (builds for different Pythons share a version, and their build numbers don't compare); then, again in order,
       the best build class (see `engine.solve.index` for both);
    3. layer by layer, what the packages of the layer before depend on (in any candidate of the class that was
       settled), by name: the best version class of each, python's, then the best build class of each. Not being there
       is as good as the best;
    4. again for all, in that order: the best candidate of those left.

After 4 each package that something needs is settled to one candidate, so nothing is left to choose; what nothing needs
is not in the answer, hence it has the fewest packages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum

from engine.solve.clauses import Problem
from engine.solve.probing import FINISHED, Probe, Trouble


class Ask(IntEnum):
    """The kinds of questions."""

    PRESENT = 0
    VERSION = 1
    BUILD = 2
    EXACT = 3
    DESCEND = 4
    """No question: go to what the last layer depends on."""
    PYTHON = 5
    """As VERSION, about python, if something in the last layer may need it."""


class Agenda:
    """The questions so far, and how far the search has got with them."""

    def __init__(self, problem: Problem, updated: Sequence[int], kept: Sequence[int], asked: Sequence[int]) -> None:
        """``updated``: installed packages to bring to their best, ``kept``: those to keep as they are, ``asked``:
        packages asked for, ``updated`` among them; each in order of importance."""
        self._problem = problem
        self._domains = problem.domains
        layer = list(dict.fromkeys([*kept, *asked]))
        self._questions = [(Ask.PRESENT, package) for package in (*updated, *kept)]
        self._questions += [(Ask.VERSION, package) for package in (*updated, *kept)]
        self._questions += _layer_questions(layer)
        self._place = 0
        self._met = dict.fromkeys(layer)
        self._layers = [layer]
        self._descents: list[tuple[int, int, int]] = []
        """For each descent: its place, and how many questions and packages there were before it."""
        self._places: list[int] = []
        """The place of the question that each level of the search decided."""

    @property
    def packages(self) -> Sequence[int]:
        """All packages that the questions are about, nearest to the request first."""
        return tuple(self._met)

    def next_literal(self) -> int | None:
        """The next literal to decide, `FINISHED`, or None if new clauses must be propagated first."""
        while self._place < len(self._questions):
            ask, package = self._questions[self._place]
            if ask is Ask.DESCEND:
                self._descend()
                continue
            if ask is Ask.PYTHON:
                package = self._python()
            literal = self._literal(ask, package) if package >= 0 else 0
            if not self._domains.settled:
                return None
            if literal:
                self._places.append(self._place)
                return literal
            self._place += 1
        return FINISHED

    def backtrack(self, level: int) -> None:
        """Forget what was asked above a level of the search."""
        if level >= len(self._places):
            return
        self._place = self._places[level]
        del self._places[level:]
        while self._descents and self._descents[-1][0] >= self._place:
            _, questions, packages = self._descents.pop()
            del self._questions[questions:]
            self._met = dict.fromkeys(list(self._met)[:packages])
            self._layers.pop()

    def _literal(self, ask: Ask, package: int) -> int:
        """The literal that answers a question for the better, 0 if it is answered."""
        problem, domains = self._problem, self._domains
        low, high = domains.low[package], domains.high[package]
        if high < 0:
            return 0
        rank = max(low, 0)
        problem.consider(package, rank)
        if low == high:
            return 0
        if ask is Ask.PRESENT:
            return domains.literal(package, 0) if low < 0 else 0
        stop = rank + 1
        if ask is not Ask.EXACT:
            _, stop = (problem.build_class if ask is Ask.BUILD else problem.version_class)(package, rank)
        return -domains.literal(package, stop) if high >= stop else 0

    def _python(self) -> int:
        """The package of python if the last layer may need it, else -1."""
        problem, domains = self._problem, self._domains
        for package in self._layers[-1]:
            if domains.high[package] >= 0:
                ranks = problem.version_class(package, max(domains.low[package], 0))
                for target in problem.targets(package, ranks):
                    if self._name(target) == "python":
                        return target
        return -1

    def _descend(self) -> None:
        """Append the next layer's questions, or after the last layer the final ones."""
        self._descents.append((self._place, len(self._questions), len(self._met)))
        self._place += 1
        layer = sorted(set(self._dependencies(self._layers[-1])), key=self._name)
        self._layers.append(layer)
        self._met.update(dict.fromkeys(layer))
        if layer:
            self._questions += _layer_questions(layer)
        else:
            self._questions += [(Ask.EXACT, package) for package in self._met]

    def _name(self, package: int) -> str:
        return self._problem.candidates[package].name

    def _dependencies(self, layer: Sequence[int]) -> Iterator[int]:
        """Packages not met yet that the layer may need."""
        for package in layer:
            if self._domains.size[package]:
                ranks = self._problem.build_class(package, max(self._domains.low[package], 0))
                for target in self._problem.targets(package, ranks):
                    if target not in self._met:
                        yield target


class Outline(Agenda):
    """The same questions of the first layer; of the rest only whether it can be had.

    So it finds what the best answer has of what stays and of what is asked for, but not the best answer.
    """

    def __init__(
        self, problem: Problem, updated: Sequence[int], kept: Sequence[int], asked: Sequence[int], trouble: Trouble
    ) -> None:
        super().__init__(problem, updated, kept, asked)
        self._questions.pop()  # to descend
        self._rest = Probe(problem, trouble)

    def next_literal(self) -> int | None:
        """The next literal to decide, `FINISHED`, or None if new clauses must be propagated first."""
        literal = super().next_literal()
        return self._rest.next_literal() if literal == FINISHED else literal

    def backtrack(self, level: int) -> None:
        """Forget what was asked above a level of the search."""
        super().backtrack(level)
        self._rest.backtrack(level)


def _layer_questions(layer: Sequence[int]) -> list[tuple[Ask, int]]:
    versions = [(Ask.VERSION, package) for package in layer]
    builds = [(Ask.BUILD, package) for package in layer]
    return [*versions, (Ask.PYTHON, -1), *builds, (Ask.DESCEND, -1)]
