"""THE FLOW for many environments, in two parts with the start of the workers between them.

    load      every index that anyone needs, once
    (seat)    the workers begin as copies of this process, so they have the indexes already
    execute   one task for each environment: its solution (equal requests share one) → its packages (all share one
              supply) → a worker links them

Rule of this file: it joins the parts and keeps the failure of one environment to that one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial

import msgspec

from engine import flow
from engine.bulk.course import Course
from engine.bulk.crew import Crew, can_fork, seat, workers_for
from engine.bulk.indexes import Indexes, Need
from engine.bulk.orders import Order
from engine.bulk.results import Options, Result, Task, Totals, Watch
from engine.bulk.solving import SharedPlanner, services_of
from engine.bulk.worker import Worker
from engine.events import Phase, PhaseFinished, PhaseStarted, silent
from engine.fetch.http.transport import Transport
from engine.settings import transport_settings
from engine.system.process import available_cores

_PATIENCE = 1.0
"""Seconds that threads have to end which the event loop has told to."""


class Run:
    """One run over many orders. Make one, `run` it once."""

    def __init__(self, tasks: Sequence[Task], options: Options, watch: Watch) -> None:
        self._tasks, self._options, self._watch = tasks, options, watch
        self._indexes = Indexes()
        self._course = Course(tasks, options, watch)
        self._seconds = 0.0

    @property
    def results(self) -> dict[int, Result]:
        """What became of each environment, by its number; of those that were not come to, nothing."""
        return self._course.results

    @property
    def totals(self) -> Totals:
        """What was done for all together."""
        return msgspec.structs.replace(self._course.totals, seconds=self._seconds)

    def run(self) -> None:
        """Do everything. Raises `Interrupted`; then too the results tell what was done."""
        began = time.monotonic()
        try:
            flow.run(self._load)
            _wait_for_threads()
            flow.run(partial(self._course.run, self._crew()))
        finally:
            self._seconds = time.monotonic() - began

    async def _load(self) -> None:
        needs = [self._need(task.order) for task in self._tasks if not task.order.is_listed]
        if not needs:
            return
        config, environ, report = self._options.config, self._options.environ, self._watch.event
        report(PhaseStarted(Phase.REPODATA))
        began = time.monotonic()
        async with Transport(transport_settings(config, environ), report) as transport:
            await self._indexes.load(needs, config, transport, report)
        report(PhaseFinished(Phase.REPODATA, time.monotonic() - began, items=self._indexes.subdirs))

    def _need(self, order: Order) -> Need:
        return SharedPlanner(order, services_of(order, self._options.environ, silent), self._indexes).need()

    def _crew(self) -> Crew:
        options = self._options
        orders = {task.number: task.order for task in self._tasks}
        worker = Worker(orders, self._indexes, options.environ, options.command)
        count = workers_for(options.jobs, len(self._tasks), available_cores())
        worker.alone = count == 1 or not can_fork()
        return Crew(worker, seat(worker, count), self._course.hear)


def _wait_for_threads() -> None:
    """Let the first loop's helpers end: a process with one thread can be copied."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.name.startswith("AnyIO"):
            thread.join(_PATIENCE)
