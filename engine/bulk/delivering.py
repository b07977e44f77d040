"""Brings the packages of one environment to the worker that makes it, as they come in.

Rule of this file: two things happen at once, packages arrive and the worker answers; whichever brings a failure ends
both, and the worker has put everything back before the failure comes out.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine.bulk.crew import Crew, Member
from engine.bulk.messages import Abandon, Arrived, BulkError, Made, MakeJob
from engine.bulk.supply import Parcel, Supply
from engine.link.request import LinkSummary
from engine.model.records import RepoDataRecord
from engine.system.failure import Failure


class Delivery:
    """The packages of one environment; use it as a context manager."""

    def __init__(self, supply: Supply, records: Sequence[RepoDataRecord]) -> None:
        self._supply = supply
        self._left = len(records)
        self._sink: MemoryObjectSendStream[Parcel]
        self._sink, self._source = anyio.create_memory_object_stream[Parcel](float("inf"))
        self.parcels = supply.want(records, self._sink)

    def __enter__(self) -> Delivery:
        return self

    def __exit__(self, *_: object) -> None:
        self._supply.leave(self.parcels, self._sink)
        self._sink.close()
        self._source.close()

    def missing(self) -> float:
        """Bytes that have not arrived; 1 a package at least, so that nothing missing is less than something."""
        return float(sum(1 + (one.record.size or 0) for one in self.parcels if not one.is_settled))

    async def all(self) -> list[Parcel]:
        """Wait for all of them. Raises `BulkError` for the first that can't be had."""
        while self._left:
            await self._next()
        return self.parcels

    async def _next(self) -> list[Parcel]:
        """Those that have arrived, at least one. Raises `BulkError`."""
        found = [await self._source.receive(), *_at_hand(self._source)]
        self._left -= len(found)
        failure = next((one.failure for one in found if one.failure), None)
        if failure:
            raise BulkError(failure)
        return found

    async def make(self, crew: Crew, member: Member, job: MakeJob) -> LinkSummary:
        """Have a worker make the environment. Raises `BulkError` for what fails there, or does not arrive."""
        pending = await crew.ask(member, job)
        failures: list[Failure] = []
        async with anyio.create_task_group() as group:
            group.start_soon(self._hand_over, crew, member, job.number, failures)
            await pending.event.wait()
            group.cancel_scope.cancel()
        if failures:
            raise BulkError(failures[0])
        answer = crew.result(pending)
        return answer.summary if isinstance(answer, Made) else LinkSummary()

    async def _hand_over(self, crew: Crew, member: Member, number: int, failures: list[Failure]) -> None:
        try:
            while self._left:
                found = await self._next()
                packages = [one.package for one in found if one.package is not None]
                message = Arrived(number, tuple((one.record.fn, one.directory, one.archive) for one in packages))
                await crew.tell(member, message)
        except BulkError as error:
            failures.append(error.failure)
            await crew.tell(member, Abandon(number))


def _at_hand(source: MemoryObjectReceiveStream[Parcel]) -> list[Parcel]:
    found: list[Parcel] = []
    while True:
        try:
            found.append(source.receive_nowait())
        except anyio.WouldBlock:
            return found
