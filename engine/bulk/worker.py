"""One who solves and links for the run, job after job as they come over the wire.

Rule of this file: a job ends with exactly one answer, and the failure of one is nobody else's. When the other side
hangs up (because all is done, or because its process died) everything in work is put back, and `Worker.run` returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from engine.bulk.indexes import Indexes
from engine.bulk.making import Making
from engine.bulk.messages import Abandon, Arrived, Failed, Job, Made, MakeJob, SolveJob
from engine.bulk.orders import Order
from engine.bulk.solving import answer
from engine.bulk.telling import Teller
from engine.bulk.wire import Closed, Wire
from engine.flow import first_error
from engine.link.reuse.sharing import Shared
from engine.model.records import CachedPackage, RepoDataRecord
from engine.system.failure import Failure

Package = tuple[str, str, str]


class Worker:
    """Serves one wire. ``orders`` and ``indexes`` are those of the run; messages name an order by its number."""

    alone = True
    """Whether there is no other. Then linking may take all cores; else each environment gets one thread, for there are
    enough environments at once."""

    def __init__(self, orders: Mapping[int, Order], indexes: Indexes, environ: Mapping[str, str], command: str) -> None:
        self._orders, self._indexes = orders, indexes
        self._environ, self._command = environ, command
        self._scopes: dict[int, anyio.CancelScope] = {}
        self._inbox: dict[int, _Inbox] = {}
        self._shared = Shared()

    async def run(self, wire: Wire[Job]) -> None:
        """Work until the other side hangs up."""
        teller = Teller(wire)
        async with anyio.create_task_group() as group:
            group.start_soon(teller.run)
            try:
                while True:
                    self._take(await wire.receive(), group, teller, wire)
            except Closed:
                group.cancel_scope.cancel()

    def _take(self, job: Job, group: TaskGroup, teller: Teller, wire: Wire[Job]) -> None:
        match job:
            case SolveJob():
                group.start_soon(self._solve, job, teller, wire)
            case MakeJob():
                self._scopes[job.number] = anyio.CancelScope()
                order, report = self._orders[job.number], teller.of(job.number)
                threads = 0 if self.alone else 1
                making = Making(order, job, self._environ, self._command, report, threads=threads, shared=self._shared)
                send, receive = anyio.create_memory_object_stream[CachedPackage](float("inf"))
                self._inbox[job.number] = _Inbox(job, send)
                group.start_soon(self._make, job.number, making, receive, teller, wire)
            case Arrived():
                inbox = self._inbox.get(job.number)
                if inbox is not None:
                    inbox.put(job.packages)
            case Abandon():
                scope = self._scopes.get(job.number)
                if scope is not None:
                    scope.cancel()

    async def _solve(self, job: SolveJob, teller: Teller, wire: Wire[Job]) -> None:
        try:
            message: object = await answer(
                job, self._orders[job.number], self._indexes, self._environ, teller.of(job.number)
            )
        except Exception as error:
            message = Failed(job.number, Failure.of(first_error(error)))
        await teller.flush()
        await _send(wire, message)

    async def _make(self, number: int, making: Making, packages: object, teller: Teller, wire: Wire[Job]) -> None:
        message: object = Failed(number, Failure("Abandoned", "It was given up."))
        try:
            with self._scopes[number]:
                message = Made(number, await making.run(packages))  # type: ignore[arg-type]
        except Exception as error:
            message = Failed(number, Failure.of(first_error(error)))
        finally:
            del self._scopes[number]
            self._inbox.pop(number).close()
        await teller.flush()
        await _send(wire, message)


async def _send(wire: Wire[Job], message: object) -> None:
    try:
        await wire.send(message)
    except Closed:
        return  # the end of the stream will be seen by the reader


class _Inbox:
    """The packages of one environment, as they are announced."""

    def __init__(self, job: MakeJob, sink: MemoryObjectSendStream[CachedPackage]) -> None:
        self._records: dict[str, RepoDataRecord] = {record.fn: record for record in job.records}
        self._left = len(job.link)
        self._sink = sink
        if not self._left:
            sink.close()

    def put(self, packages: Sequence[Package]) -> None:
        """Hand some over; after the last the stream is at its end."""
        try:
            for fn, directory, archive in packages:
                self._sink.send_nowait(CachedPackage(self._records[fn], directory, archive))
                self._left -= 1
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # whoever was to link them has failed, and says so
        if not self._left:
            self._sink.close()

    def close(self) -> None:
        """Nobody waits any more."""
        self._sink.close()
