"""The processes that unpack (`engine.fetch.packages.hand`), seen from the threads that download.

Rule of this file: a thread writes what arrives into a file, as it would without them, and meanwhile some process reads
it there. Where all are busy the bytes wait in that file; nobody waits for a process before all of them are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain

from engine.fetch.packages.hand import BROKEN, COMPLETE, Group, Job, UnpackedGroup, number
from engine.fetch.packages.unpack import Unpacked
from engine.system.helpers import Helper, Helpers
from engine.system.temporary import dead_leftovers, remove_tree

_STEP = 1 << 18
"""Bytes of news that are worth waking a process for."""
_FAREWELL = 10.0
"""Seconds for a process to clean up after a download that broke off."""


class Hands(Helpers):
    """A few processes for many threads. Make one, `close` it."""

    def __init__(self, processes: int, checkpoint: Callable[[], None] | None = None) -> None:
        """Start that many, or as many as can be had. Blocks for some milliseconds.

        ``checkpoint`` is called often by threads that wait, and may raise to stop: then all are to stop.
        """
        super().__init__("engine.fetch.packages.hand", Unpacked | UnpackedGroup, processes)
        self._checkpoint = checkpoint

    def unpack_file(self, job: Job) -> Unpacked:
        """Have an archive unpacked that is all there. Raises what `engine.fetch.packages.unpack.unpack_file` does."""
        hand = self.take(self._checkpoint)
        hand.give(job, COMPLETE)
        self._wait_in(hand, job.pkgs_dir)
        unpacked: Unpacked = self.outcome(hand, f"unpack {job.record.fn}")
        return unpacked

    def unpack_group(self, jobs: Sequence[Job]) -> list[Unpacked | None]:
        """Have small archives unpacked, one after the other; None for what is not as it should be."""
        hand = self.take(self._checkpoint)
        hand.give(Group(list(jobs)))
        self._wait_in(hand, *{job.pkgs_dir for job in jobs})
        unpacked: UnpackedGroup = self.outcome(hand, f"unpack {', '.join(job.record.fn for job in jobs)}")
        return unpacked.each

    def unpack_arriving(self, job: Job, pieces: Iterable[bytes]) -> Unpacked:
        """Have an archive unpacked while ``pieces``, all of them, get into its file.

        Raises what ``pieces`` raises, and what `engine.fetch.packages.unpack.unpack_stream` does.
        """
        hand = None
        there = told = 0
        try:
            for piece in pieces:
                there += len(piece)
                if there - told < _STEP:
                    continue
                if hand is None:
                    if (hand := self.take_idle()) is None:
                        continue
                    hand.give(job, number(there))
                elif hand.has_answered():
                    break  # it won't come to a good end
                else:
                    hand.tell(number(there))
                told = there
        except BaseException:
            if hand is not None:
                hand.tell(BROKEN)
                if not hand.has_answered(_FAREWELL):  # somebody has stopped it
                    hand.process.kill()
                self.give_back(hand)  # once it has cleaned up after itself
            raise
        if hand is None:
            hand = self.take(self._checkpoint)
            hand.give(job, number(there) + COMPLETE)
        else:
            hand.tell(number(there) + COMPLETE)
        self._wait_in(hand, job.pkgs_dir)
        unpacked: Unpacked = self.outcome(hand, f"unpack {job.record.fn}")
        return unpacked

    def _wait_in(self, hand: Helper, *places: str) -> None:
        """Until it answers. Whoever stops before removes what it leaves in ``places``."""
        if self._checkpoint is None:
            return
        try:
            self.wait_for(hand, self._checkpoint)
        except BaseException:
            with suppress(OSError):  # another thread may be at the same
                for path in chain.from_iterable(map(dead_leftovers, places)):
                    remove_tree(path)
            raise
