"""The workers of a run: started before there is anything else to disturb, given jobs, heard out, sent home.

Where processes can be forked they are processes: they begin with all that was loaded and imported, at the price of a
few milliseconds and of the memory that they change, and every core solves and links. Elsewhere (Windows; macOS, whose
libraries don't survive a fork; a process that has other threads) one worker is a task of this process.

Rule of this file: a worker that dies takes nobody along but those whose environment it was making.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, NoReturn

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from engine.bulk.messages import Answer, BulkError, Failed, Job, Made, MakeJob, Progressed, Said, Solved, SolveJob
from engine.bulk.wire import Closed, Wire
from engine.bulk.worker import Worker
from engine.system.failure import Failure

LINKS_AT_ONCE = 2
"""Environments that one worker makes at the same moment: while one waits for a disk or a script the other goes on."""
_MOST = 8
"""Workers by default: more help less than their memory costs."""

Hear = Callable[[Progressed | Said], None]


def can_fork() -> bool:
    """Whether a copy of this process would work: no other thread may hold a lock that the copy would wait for."""
    return sys.platform == "linux" and threading.active_count() == 1


def workers_for(jobs: int, environments: int, cores: int) -> int:
    """How many workers to start; ``jobs`` is what the user says, 0 for nothing."""
    return max(1, min(jobs or min(cores, _MOST), environments))


class Seat(NamedTuple):
    """Our end of a worker's wire, and its process (0: it is a task of ours, which serves ``other``)."""

    ours: socket.socket
    pid: int
    other: socket.socket | None = None


def seat(worker: Worker, count: int) -> list[Seat]:
    """Start ``count`` workers (or one, where there can be no processes). No event loop may be running."""
    if not can_fork():
        ours, theirs = socket.socketpair()
        return [Seat(ours, 0, theirs)]
    gc.collect()
    gc.freeze()  # what is shared stays shared: the collector writes into every object that it looks at
    seats: list[Seat] = []
    for _ in range(count):
        seats.append(_forked(worker, [one.ours for one in seats]))
    gc.unfreeze()
    return seats


def _forked(worker: Worker, others: Sequence[socket.socket]) -> Seat:
    ours, theirs = socket.socketpair()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or the copy would print it again
    pid = os.fork()
    if pid == 0:
        for end in (ours, *others):  # while we hold them, nobody would see the end of the run's process
            end.close()
        _serve(worker, theirs)
    theirs.close()
    return Seat(ours, pid)


def _serve(worker: Worker, end: socket.socket) -> NoReturn:
    """The life of a forked worker."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):  # the run hears them too, and hangs up
            signal.signal(number, lambda *_: None)
        anyio.run(worker.run, Wire[Job](end, Job))
        code = 0
    except BaseException:
        traceback.print_exc()  # a fault of ours: the run can only say that we died
    finally:
        os._exit(code)  # nothing of the process that we are a copy of is ours to end


class Member:
    """One worker, seen from the run."""

    def __init__(self, place: Seat) -> None:
        self.pid = place.pid
        self.wire: Wire[Answer] = Wire(place.ours, Answer)
        self.waiting: dict[int, Pending] = {}
        self.is_gone = False
        self.left = anyio.Event()


class Pending:
    """A job without its answer."""

    def __init__(self) -> None:
        self.event = anyio.Event()
        self.answer: Solved | Made | Failed | None = None


class Crew:
    """All workers, while the context of `serving` is open."""

    def __init__(self, worker: Worker, seats: Sequence[Seat], hear: Hear) -> None:
        self._worker, self._seats, self._hear = worker, seats, hear
        self.members = [Member(place) for place in seats]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Crew]:
        """Hear the workers. At the end, also an untimely one, they put back what they have in work, and go."""
        async with anyio.create_task_group() as group:
            for place, member in zip(self._seats, self.members, strict=True):
                self._start(group, place, member)
            try:
                yield self
            finally:
                with anyio.CancelScope(shield=True):
                    await self._send_home()
                group.cancel_scope.cancel()

    def _start(self, group: TaskGroup, place: Seat, member: Member) -> None:
        if place.other is not None:
            group.start_soon(self._serve_here, place.other)
        group.start_soon(self._listen, member)

    async def _serve_here(self, end: socket.socket) -> None:
        wire = Wire[Job](end, Job)
        try:
            await self._worker.run(wire)
        finally:
            wire.close()

    async def _send_home(self) -> None:
        for place, member in zip(self._seats, self.members, strict=True):
            with contextlib.suppress(OSError):
                place.ours.shutdown(socket.SHUT_WR)
            await member.left.wait()
            member.wire.close()
            if member.pid:
                await anyio.to_thread.run_sync(os.waitpid, member.pid, 0)

    async def _listen(self, member: Member) -> None:
        """Until the worker is gone, which it is when all that it had in work is put back: nothing else ends this."""
        try:
            with anyio.CancelScope(shield=True):
                while True:
                    answer = await member.wire.receive()
                    if isinstance(answer, (Progressed, Said)):
                        self._hear(answer)
                    else:
                        self._settle(member, answer)
        except Closed:
            self._lose(member)
            member.left.set()

    def _settle(self, member: Member, answer: Solved | Made | Failed) -> None:
        pending = member.waiting.pop(answer.number, None)
        if pending is not None:
            pending.answer = answer
            pending.event.set()

    def _lose(self, member: Member) -> None:
        """The process is gone: whatever it was to answer has failed."""
        member.is_gone = True
        text = f"The process that worked on it (pid {member.pid}) died; was it killed, or out of memory?"
        failure = Failure("WorkerDied", text, "Run the command again: what is complete is kept.")
        for number in list(member.waiting):
            self._settle(member, Failed(number, failure))

    async def ask(self, member: Member, job: SolveJob | MakeJob) -> Pending:
        """Send a job that will be answered: then its event is set."""
        pending = member.waiting[job.number] = Pending()
        await self.tell(member, job)
        return pending

    async def tell(self, member: Member, job: Job) -> None:
        """Send a job that needs no answer. To a dead worker nothing is sent: its jobs have failed already."""
        with contextlib.suppress(Closed):
            await member.wire.send(job)
        if member.is_gone:
            self._lose(member)

    async def answer(self, member: Member, job: SolveJob | MakeJob) -> Solved | Made:
        """Have a job done. Raises `BulkError` where it failed."""
        pending = await self.ask(member, job)
        await pending.event.wait()
        return self.result(pending)

    @staticmethod
    def result(pending: Pending) -> Solved | Made:
        """The answer to a job that has one; raises `BulkError` where it failed."""
        if pending.answer is None or isinstance(pending.answer, Failed):
            raise BulkError(pending.answer.failure if pending.answer else Failure("WorkerDied", "There is no answer."))
        return pending.answer
