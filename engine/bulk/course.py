"""The course of a run once its workers are there: solutions, packages, environments, all side by side.

Rule of this file: one task for each environment, and what fails in it is the result of that environment.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import anyio
import anyio.to_thread
import msgspec

from engine.bulk.crew import LINKS_AT_ONCE, Crew
from engine.bulk.delivering import Delivery
from engine.bulk.mark import standing
from engine.bulk.messages import BulkError, How, MakeJob, Progressed, Said, Solved, SolveJob
from engine.bulk.results import Options, Result, State, Task, Totals, Watch
from engine.bulk.slots import Slots
from engine.bulk.supply import Supply
from engine.errors import WhipsnakeError
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.inputs import explicit_records
from engine.link.prefix.present import read_prefix
from engine.link.request import LinkSummary
from engine.model.records import CachedPackage, RepoDataRecord
from engine.planning.noting import record_spec
from engine.settings import fetch_settings, transport_settings
from engine.solve.order import link_order
from engine.solve.transaction import Transaction
from engine.system.failure import Failure

_DONE: dict[How, State] = {"create": "created", "recreate": "recreated", "update": "updated", "finish": "created"}


class Course:
    """All environments of a run on their way. `run` it once."""

    def __init__(self, tasks: Sequence[Task], options: Options, watch: Watch) -> None:
        self._tasks = {task.number: task for task in tasks}
        self._options, self._config, self._watch = options, options.config, watch
        self._records: dict[str, RepoDataRecord] = {}
        """Each package once, however many solutions it is in."""
        self._totals: dict[int, int] = {}
        """Of environments in work: how many packages they link."""
        self.results: dict[int, Result] = {}
        self.totals = Totals()

    def hear(self, said: Progressed | Said) -> None:
        """What workers tell."""
        if isinstance(said, Said):
            self._watch.notice(said.number, said.notice)
        else:
            self._watch.stage(said.number, said.step, said.done, self._totals.get(said.number, 0))

    async def run(self, crew: Crew) -> None:
        """From orders to results."""
        config = self._config
        transport = Transport(transport_settings(config, self._options.environ), self._watch.event)
        async with transport, crew.serving():
            self._crew = crew
            self._solves, self._links = Slots(crew.members, 1), Slots(crew.members, LINKS_AT_ONCE)
            self._supply = Supply(PackageCache(config.pkgs_dirs), transport, fetch_settings(config), self._watch.event)
            try:
                async with anyio.create_task_group() as fetching:
                    fetching.start_soon(self._supply.run)
                    await self._all()
                    self._supply.stop()
            finally:
                supply = self._supply
                self.totals = msgspec.structs.replace(self.totals, fetched=supply.fetched, fetched_bytes=supply.bytes)

    async def _all(self) -> None:
        groups: dict[str, list[Task]] = {}
        for task in self._tasks.values():
            groups.setdefault(task.order.solve_key, []).append(task)
        async with anyio.create_task_group() as self._group:
            for tasks in groups.values():
                self._group.start_soon(self._equals, tasks)

    async def _equals(self, tasks: Sequence[Task]) -> None:
        """Those who ask for the same are solved for once."""
        began = time.monotonic()
        try:
            solved = await self._solution(tasks[0])
        except WhipsnakeError as error:
            for task in tasks:
                self._finish(task, "failed", failure=_failure(error))
            return
        seconds = time.monotonic() - began
        async with anyio.create_task_group() as group:
            for task in tasks:
                group.start_soon(self._one, task, solved, seconds if task is tasks[0] else 0.0)

    # --- solutions

    async def _solution(self, task: Task) -> Solved:
        explicit = explicit_records(task.order.asked)
        known: tuple[CachedPackage, ...] = ()
        if explicit and not self._config.dry_run:
            self._watch.stage(task.number, "fetch")
            with Delivery(self._supply, explicit) as delivery:
                known = tuple(one.package for one in await delivery.all() if one.package is not None)
        if task.order.is_listed:
            return _listed(task.number, [one.record for one in known] or explicit)
        async with self._solves.one(lambda: float(task.number)) as member:
            self._watch.stage(task.number, "solve")
            solved = await self._crew.answer(member, SolveJob(task.number, known))
        assert isinstance(solved, Solved)
        self.totals = msgspec.structs.replace(self.totals, solves=self.totals.solves + 1)
        records = tuple(self._records.setdefault(record.url, record) for record in solved.records)
        return msgspec.structs.replace(solved, records=records)

    # --- environments

    async def _one(self, task: Task, solved: Solved, seconds: float) -> None:
        began = time.monotonic()
        linked: tuple[RepoDataRecord, ...] = ()
        state: State = "planned"
        summary, failure = LinkSummary(), None
        try:
            linked = await anyio.to_thread.run_sync(self._to_link, task, solved)
            if not self._config.dry_run:
                summary, began = await self._deliver(task, solved, linked)
                state = "fetched" if self._config.download_only else _DONE[task.how]
        except WhipsnakeError as error:
            state, failure = "failed", _failure(error)
        self._finish(
            task,
            state,
            records=solved.records,
            linked=len(linked),
            solve_seconds=seconds,
            make_seconds=time.monotonic() - began,
            summary=summary,
            failure=failure,
        )

    def _to_link(self, task: Task, solved: Solved) -> tuple[RepoDataRecord, ...]:
        """The packages of a solution that are not in place yet."""
        if task.how == "finish":
            return ()
        if task.how == "update":
            return Transaction.between(read_prefix(task.order.prefix).records, solved.records).link
        return solved.records

    async def _deliver(self, task: Task, solved: Solved, linked: Sequence[RepoDataRecord]) -> tuple[LinkSummary, float]:
        """What was linked, and when a worker took it up."""
        self._totals[task.number] = len(linked)
        with Delivery(self._supply, linked) as delivery:
            self._watch.stage(task.number, "fetch" if delivery.missing() else "ready")
            if self._config.download_only:
                await delivery.all()
                return LinkSummary(), time.monotonic()
            async with self._links.one(delivery.missing) as member:
                began = time.monotonic()
                self._watch.stage(task.number, "link", 0, len(linked))
                job = MakeJob(
                    number=task.number,
                    how=task.how,
                    records=solved.records,
                    link=tuple(record.fn for record in linked),
                    requested=solved.requested,
                    channel_names=solved.channel_names,
                )
                return await delivery.make(self._crew, member, job), began

    def _finish(self, task: Task, state: State, **facts: object) -> None:
        order = task.order
        if state == "failed" and task.how == "create" and standing(order.prefix, order.digest) == "as asked":
            state = "unchanged"  # another run has made the same, meanwhile
            facts["failure"] = None
        result = Result(label=order.label, prefix=order.prefix, source=order.source, state=state, **facts)  # type: ignore[arg-type]
        self.results[task.number] = result
        self._watch.finished(task.number, result)
        if state == "failed" and self._options.fail_fast:
            self._group.cancel_scope.cancel()


def _listed(number: int, records: Sequence[RepoDataRecord]) -> Solved:
    """The answer for those who name each package by its address."""
    requested = {record.name: (record_spec(record),) for record in records}
    return Solved(number, tuple(link_order(records)), requested, {})


def _failure(error: WhipsnakeError) -> Failure:
    return error.failure if isinstance(error, BulkError) else Failure.of(error)
