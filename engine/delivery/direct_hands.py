"""The processes that make files straight out of archives (`engine.delivery.direct_hand`), seen from the threads that
link.

Rule of this file: small archives, which are in memory, are left to the thread itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.delivery.direct_hand import Job
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.spooled import SpooledArchive
from engine.fetch.packages.unpackers import processes_for
from engine.link.packages.direct import make_here
from engine.link.packages.making import Made, Making
from engine.model.payload import Payload
from engine.model.records import RepoDataRecord
from engine.system.helpers import Helpers


def direct_hands(records: Sequence[RepoDataRecord], settings: FetchSettings) -> DirectHands | None:
    """Processes for these packages, where they pay and can be had. Blocks for some milliseconds."""
    processes = processes_for(sum(record.size or 0 for record in records), settings)
    return DirectHands(processes) if processes else None


class DirectHands(Helpers):
    """A few processes for many threads. Make one, `close` it."""

    def __init__(self, processes: int) -> None:
        """Start that many, or as many as can be had. Blocks for some milliseconds."""
        super().__init__("engine.delivery.direct_hand", Made, processes)

    def make(self, payload: Payload, making: Making, checkpoint: Callable[[], None]) -> Made:
        """An `engine.link.packages.direct.Make`."""
        spooled = payload.spooled() if isinstance(payload, SpooledArchive) and len(self) else None
        if spooled is None:
            return make_here(payload, making, checkpoint)
        hand = self.take(checkpoint)
        hand.give(Job(spooled, making))
        self.wait_for(hand, checkpoint)  # if it is stopped, what it has made is thrown away with the rest
        made: Made = self.outcome(hand, f"unpack {making.dist}")
        return made
