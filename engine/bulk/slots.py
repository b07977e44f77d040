"""Who works for whom next: workers have a few slots, and of those who wait the one that is most ready goes first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from engine.bulk.crew import Member
from engine.bulk.messages import BulkError
from engine.system.failure import Failure

Urgency = Callable[[], float]
"""Less is more urgent. Asked when a slot is free."""


class Slots:
    """Slots for one kind of work: ``each`` of every member."""

    def __init__(self, members: Sequence[Member], each: int) -> None:
        self._members, self._each = members, each
        self._used = [0] * len(members)
        self._waiting: list[tuple[Urgency, _Ticket]] = []

    @asynccontextmanager
    async def one(self, urgency: Urgency) -> AsyncIterator[Member]:
        """Wait for a slot and hold it. Raises `BulkError` if nobody is left to work."""
        ticket = _Ticket()
        self._waiting.append((urgency, ticket))
        self._give()
        try:
            await ticket.event.wait()
            if ticket.place is None:
                raise BulkError(Failure("WorkerDied", "All processes that work for this run have died."))
            yield self._members[ticket.place]
        finally:
            self._waiting = [(other, one) for other, one in self._waiting if one is not ticket]
            if ticket.place is not None:
                self._used[ticket.place] -= 1
            self._give()

    def _give(self) -> None:
        """Give what is free to those who wait."""
        while self._waiting:
            alive = [place for place, member in enumerate(self._members) if not member.is_gone]
            place = min(alive, key=lambda place: self._used[place], default=None)
            if place is not None and self._used[place] >= self._each:
                return
            best = min(self._waiting, key=lambda one: one[0]())
            self._waiting.remove(best)
            best[1].place = place
            best[1].event.set()
            if place is not None:
                self._used[place] += 1


class _Ticket:
    """Somebody who waits."""

    def __init__(self) -> None:
        self.event = anyio.Event()
        self.place: int | None = None
