"""Clauses and their propagation: what follows from what is known of each package at any moment of the search.

Rule of this file: numbers only, as in `trail`, which says what a literal is. A clause is a list of literals; it is
watched in its first two places (two watched literals).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.solve.trail import DECIDED, Trail

NO_CONFLICT = -1


class Domains(Trail):
    """All domains and all clauses."""

    def __init__(self) -> None:
        super().__init__()
        self.clauses: list[list[int]] = []
        self._gone: set[int] = set()
        """Clauses that count no more."""
        self._watchers: dict[int, list[int]] = {}
        """By literal: the clauses to look at when it becomes false."""
        self._watched: list[dict[int, None]] = []
        """By package: its watched literals, so that a long jump need not visit every rank."""
        self._head = 0
        self._steps = 0
        self._conflict = NO_CONFLICT
        self._late: list[tuple[int, int]] = []
        """(level, clause): forced at an earlier level than the one they were added at, so to be told again."""

    # --- making ---------------------------------------------------------------------------------------------

    def add_package(self, size: int) -> int:
        """A package with so many candidates, of which nothing is known yet; its number."""
        self._watched.append({})
        return super().add_package(size)

    def add_clause(self, literals: Sequence[int]) -> int:
        """Add a clause at any moment of the search; its number. It may force a bound or be a conflict at once."""
        number = len(self.clauses)
        clause = list(dict.fromkeys(literals))  # each watched literal is another
        self.clauses.append(clause)
        told = len(clause) < 2 or self._order_watches(clause)
        if len(clause) > 1:
            self._watch(clause[0], number)
            self._watch(clause[1], number)
        if told:
            self._tell(number)
        return number

    def _order_watches(self, clause: list[int]) -> bool:
        """True and open literals first, then those that became false last: so the watches stay right later on.

        Whether all but the first are false, so that there is something to tell. Most clauses are written because some
        of their literals are false: values are compared in place, as in `_visit`.
        """
        owner, floor, ceiling = self.owner, self._floor, self._ceiling
        one, two = clause[0], clause[1]
        first = ceiling[owner[one]] < one if one > 0 else floor[owner[-one]] >= -one
        second = ceiling[owner[two]] < two if two > 0 else floor[owner[-two]] >= -two
        if not (first or second):
            return False
        if len(clause) == 2:  # most are
            if first and (not second or self.falsified_at(one) < self.falsified_at(two)):
                clause.reverse()
            return True
        fit = [
            literal
            for literal in clause
            if (ceiling[owner[literal]] >= literal if literal > 0 else floor[owner[-literal]] < -literal)
        ]
        if len(fit) > 1:
            one, two = fit[0], fit[1]
            clause[:] = [one, two, *(literal for literal in clause if literal not in (one, two))]
            return False
        unfit = [literal for literal in clause if literal not in fit]
        unfit.sort(key=self.falsified_at, reverse=True)
        clause[:] = fit + unfit
        return True

    def _watch(self, literal: int, number: int) -> None:
        watchers = self._watchers.get(literal)
        if watchers is None:
            watchers = self._watchers[literal] = []
            self._watched[self.owner[abs(literal)]][literal] = None
        watchers.append(number)

    def _tell(self, number: int) -> None:
        """Act on a clause all of whose literals but the first are false, and maybe that one too."""
        clause = self.clauses[number]
        first = self.value(clause[0]) if clause else False
        level = self.trail_level[self.falsified_at(clause[1])] if len(clause) > 1 else 0
        if level < self.level:
            self._late.append((level, number))
        if first is None:
            self._assign(clause[0], number)
        elif first is False and self._conflict == NO_CONFLICT:
            self._conflict = number

    # --- searching ------------------------------------------------------------------------------------------

    def decide(self, literal: int) -> None:
        """Open a level and assume a literal that is open."""
        self.level += 1
        self.level_start.append(len(self.trail))
        self._assign(literal, DECIDED)

    def propagate(self) -> int:
        """Draw all conclusions; the number of a clause that became false, or `NO_CONFLICT`."""
        if self._conflict != NO_CONFLICT:
            number, self._conflict = self._conflict, NO_CONFLICT
            return number
        trail, visit = self.trail, self._visit
        while self._head < len(trail):
            place = self._head
            self._head += 1
            self._steps += 1
            for literal in self._falsified_by(place):
                conflict = visit(literal)
                if conflict != NO_CONFLICT:
                    return conflict
        return NO_CONFLICT

    @property
    def work(self) -> int:
        """What was done so far: clauses written and conclusions drawn. Of one kind of problem the time is proportional
        to it, whatever else the machine does."""
        return len(self.clauses) + self._steps

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to propagate."""
        return self._head == len(self.trail) and self._conflict == NO_CONFLICT

    def _falsified_by(self, place: int) -> list[int]:
        """The watched literals that an entry of the trail made false."""
        literal, old = self.trail[place], self.trail_old[place]
        package = self.owner[abs(literal)]
        base = self.first[package]
        if literal > 0:  # from old up to the rank: "< i" is false for these i
            start, stop = -literal, -(base + old)
        else:
            start, stop = -literal, base + old + 1
        watched = self._watched[package]
        if stop - start <= len(watched):
            return [found for found in range(start, stop) if found in watched]
        return [found for found in watched if start <= found < stop]

    def _visit(self, falsified: int) -> int:
        """Look at the clauses that watch a literal that became false.

        The innermost loop of the solver: values are compared in place, for a call would cost more than the rest.
        """
        watchers = self._watchers[falsified]
        clauses, owner, floor, ceiling = self.clauses, self.owner, self._floor, self._ceiling
        moved: list[int] = []
        for number in watchers:
            clause = clauses[number]
            other = clause[0]
            if other == falsified:
                other = clause[0] = clause[1]
                clause[1] = falsified
            if floor[owner[other]] >= other if other > 0 else ceiling[owner[-other]] < -other:
                continue  # true
            for place in range(2, len(clause)) if len(clause) > 2 else ():
                literal = clause[place]
                if ceiling[owner[literal]] >= literal if literal > 0 else floor[owner[-literal]] < -literal:
                    clause[1], clause[place] = literal, falsified
                    self._watch(literal, number)
                    moved.append(number)
                    break
            else:
                if ceiling[owner[other]] < other if other > 0 else floor[owner[-other]] >= -other:
                    self._unwatch(falsified, moved)
                    return number
                self._assign(other, number)
        if moved:
            self._unwatch(falsified, moved)
        return NO_CONFLICT

    def _unwatch(self, literal: int, moved: Sequence[int]) -> None:
        """Take clauses from the watchers of a literal: they watch another now."""
        gone = set(moved)
        self._watchers[literal] = [number for number in self._watchers[literal] if number not in gone]

    def backtrack(self, level: int) -> None:
        """Take back everything above a level."""
        if level >= self.level:
            return
        self._cut(self.level_start[level])
        del self.level_start[level:]
        self.level = level
        self._head = min(self._head, len(self.trail))
        self._conflict = NO_CONFLICT
        self._tell_late()

    def start_over(self, gone: Iterable[int]) -> None:
        """Forget some clauses and all that was concluded."""
        for number in gone:
            clause = self.clauses[number]
            for literal in clause[:2] if len(clause) > 1 else ():
                self._watchers[literal].remove(number)
            self._gone.add(number)
        self._cut(0)
        self.level_start.clear()
        self.level = self._head = 0
        self._conflict = NO_CONFLICT
        self._late.clear()
        for number in self.standing():
            if len(self.clauses[number]) < 2:
                self._tell(number)

    def standing(self) -> list[int]:
        """The clauses that count."""
        return [number for number in range(len(self.clauses)) if number not in self._gone]

    def _tell_late(self) -> None:
        late = [entry for entry in self._late if entry[0] <= self.level]
        self._late = [entry for entry in late if entry[0] < self.level]
        for _, number in late:
            open_ones = [literal for literal in self.clauses[number] if not self._is_false(literal)]
            if not open_ones and self._conflict == NO_CONFLICT:
                self._conflict = number
            elif len(open_ones) == 1 and self.value(open_ones[0]) is None:
                self._assign(open_ones[0], number)
