"""Fills a staged prefix from packages that arrive in any order: the work that making and changing have in common.

Packages are linked in worker threads, some at a time (`engine.link.packages.jobs`). Their Python files go to the
compilers as soon as Python and all that it needs are linked; a package's record is written when its files and
byte-compiled files are there. Contested paths are decided at the end, so neither the order of arrival nor the number of
threads can be seen in the result.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream

from engine.errors import LinkError
from engine.events import Report
from engine.flow import first_error
from engine.link.bytecode.compiler import Source, batches
from engine.link.bytecode.compiling import Compiling
from engine.link.linked import Linked, missing_file
from engine.link.packages.codesign import sign
from engine.link.packages.jobs import Jobs, Outcome
from engine.link.packages.linker import PackageLinker
from engine.link.packages.scripts import run_script
from engine.link.packages.settle import settle
from engine.link.plan.claims import Claims
from engine.link.plan.package_plan import PackagePlan, pyc_source
from engine.link.prefix.disk import storage
from engine.link.prefix.file_lists import lists_with_gaps
from engine.link.prefix.meta import META
from engine.link.prefix.records import record_head, record_name
from engine.link.request import LinkRequest, LinkSummary, PrefixTarget
from engine.model.records import CachedPackage
from engine.system.file_io import write_all
from engine.system.process import available_cores

BATCH_PACKAGES, BATCH_BYTES = 16, 1_000_000
"""Small packages are handed to a worker thread together: so many at most, and such archives in sum."""


class Filling:
    """One staged prefix while it is being filled. Make one, `run` it once."""

    def __init__(
        self, request: LinkRequest, target: PrefixTarget, report: Report, *, python: str | None, needed: frozenset[str]
    ) -> None:
        """``python`` is the interpreter to compile with (absolute), or None for no compiling; ``needed`` are the
        packages (of those that arrive) that must be linked before it can run."""
        self._request, self._target, self._report = request, target, report
        compiled = python and request.options.compile_pyc and target.python
        self._compiling = (
            Compiling(request, target, report, python, self._write_record) if python and compiled else None
        )
        self._jobs = Jobs(request, target, report, self._compiling, self._write_record)
        self._packages: dict[int, CachedPackage] = {}
        self._linked: dict[int, Linked] = {}
        self._needed = set(needed)
        self._python_ready = anyio.Event()
        self._messages: list[str] = []
        self._bytes = 0

    async def run(self, packages: MemoryObjectReceiveStream[CachedPackage]) -> LinkSummary:
        """Link all packages; returns when the last byte-compiled file and record are written.

        Of several errors at once the first is raised, bare.
        """
        try:
            try:
                await self._link_and_compile(packages)
            finally:
                if self._compiling:
                    self._compiling.close()
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(self._jobs.close)
        except Exception as error:
            first = first_error(error)
            if first is error:
                raise
            raise first from first.__cause__
        self._check_complete()
        await self._settle()
        return self._summary()

    async def _link_and_compile(self, packages: MemoryObjectReceiveStream[CachedPackage]) -> None:
        cores, threads = available_cores(), self._jobs.threads
        if self._compiling:
            await self._compiling.prepare()
        if not self._needed:
            self._python_ready.set()
        async with anyio.create_task_group() as group:
            if self._compiling:
                group.start_soon(self._compiling.run, self._python_ready, cores)
            async with anyio.create_task_group() as linking:
                limiter = anyio.CapacityLimiter(threads)
                with packages:
                    for _ in range(threads):
                        linking.start_soon(self._link_all, packages.clone(), limiter)
            self._python_ready.set()  # even if it never came: the compilers must end
            if self._compiling:
                self._compiling.end()

    # --- linking -----------------------------------------------------------------------------------------------

    async def _link_all(
        self, packages: MemoryObjectReceiveStream[CachedPackage], limiter: anyio.CapacityLimiter
    ) -> None:
        async with packages:
            async for package in packages:
                job = partial(self._jobs.run, _batch(package, packages))
                for outcome in await anyio.to_thread.run_sync(job, limiter=limiter):
                    await self._take_in(outcome)

    async def _take_in(self, outcome: Outcome) -> None:
        """Do what has to be done outside of the thread: first what keeps a package from being linked."""
        package = outcome.package
        if outcome.script:
            # It is run from the unpacked package, before that is linked, and sees the staged prefix.
            options = self._request.options
            self._messages += await run_script(outcome.script, package.record, "pre-link", options, self._report)
            outcome = await self._again(package)
        if outcome.damaged:
            if self._request.heal is None:
                raise missing_file(package.record.dist, outcome.damaged, package.directory)
            outcome = await self._again(await self._request.heal(package))
        if outcome.linked is None:
            raise missing_file(package.record.dist, outcome.damaged, package.directory)
        index = outcome.linked.index
        self._packages[index], self._linked[index] = outcome.package, outcome.linked
        self._bytes += outcome.linked.bytes
        if outcome.pending and self._compiling:
            await self._compiling.submit(outcome.pending)
        self._needed.discard(package.record.name)
        if not self._needed:
            self._python_ready.set()

    async def _again(self, package: CachedPackage) -> Outcome:
        return (await anyio.to_thread.run_sync(partial(self._jobs.run, [package], scripts=True)))[0]

    # --- the end -----------------------------------------------------------------------------------------------

    def _check_complete(self) -> None:
        missing = [record.dist for record in self._request.link if self._jobs.index[record.name] not in self._linked]
        if missing:
            raise LinkError(f"Could not link {', '.join(missing[:5])}: the packages did not arrive")

    async def _settle(self) -> None:
        won = await anyio.to_thread.run_sync(self._settled)
        if not won:
            return
        await anyio.to_thread.run_sync(self._sign, won)
        if self._compiling:
            await self._compile_again(won, self._compiling)
        await anyio.to_thread.run_sync(self._write_records, won)

    def _sign(self, indices: Iterable[int]) -> None:
        for index in indices:
            sign(self._linked[index], self._target.staging, self._target.platform, self._report)

    def _write_records(self, indices: Iterable[int]) -> None:
        for index in indices:
            package = self._packages[index]
            self._write_record(self._jobs.plan(package), self._linked[index], package)

    async def _compile_again(self, won: dict[int, list[str]], compiling: Compiling) -> None:
        """What was compiled from contested files may have been made from another package's."""
        compiler = compiling.compiler()
        try:
            for index, paths in won.items():
                linked = self._linked[index]
                plan = await anyio.to_thread.run_sync(self._jobs.plan, self._packages[index])
                shared, own = compiling.wanted(plan)
                wanted = {*shared, *own}
                linked.compiled = [pyc for pyc in linked.compiled if pyc_source(pyc) not in {*paths, *linked.lost}]
                for batch in batches([Source(path) for path in paths if path in wanted]):
                    linked.compiled += [made.pyc for made in await compiler.compile(batch) if made.pyc]
        finally:
            await compiler.close()

    def _linker(self, index: int) -> PackageLinker:
        """The linker of a package once more, with its result so far."""
        package, linked = self._packages[index], self._linked[index]
        kind = PackageLinker
        if package.payload:
            from engine.link.packages.direct import AsideLinker

            kind = AsideLinker
        linker = kind(self._jobs.plan(package), package.directory, self._target, self._jobs.claims, linked.mode)
        linker.done = linked
        return linker

    def _settled(self) -> dict[int, list[str]]:
        """Decide contested paths. What was made directly is put aside first: there is no cache to make it from."""
        for index, keys in self._jobs.claims.contested_by_package().items():
            linker = self._linker(index)
            with storage(f"put files of {linker.plan.record.dist} aside"):
                linker.set_aside(keys)
        return settle(self._jobs.claims, self._linker, self._report, prevent=self._request.options.prevent_conflicts)

    def _write_record(self, plan: PackagePlan, linked: Linked, package: CachedPackage) -> None:
        linked.compiled.sort()
        record, requested = plan.record, self._request.requested.get(plan.record.name, ())
        head = record_head(record, linked, self._told(package.archive), requested, self._told(linked.directory))
        path = os.path.join(self._target.staging, META, record_name(record))
        kept, linked.kept = linked.kept, None
        with storage(f"write the record of {record.dist}"), open(path, "wb", buffering=0) as file:
            if kept and not linked.lost:
                write_all(file.fileno(), head)
                kept.copy_lists(file, linked)
            else:
                lists = self._lists(self._jobs.plan(package) if kept else plan, linked, package)
                write_all(file.fileno(), head + lists)
            if kept:
                kept.close()

    def _lists(self, plan: PackagePlan, linked: Linked, package: CachedPackage) -> bytes:
        """What the record says of the files; what was made for it is kept for other environments."""
        known = self._request.shared.lists(plan, linked) if self._request.shared else None
        if known is not None:
            return known
        lists = lists_with_gaps(plan, linked)
        self._jobs.keep(package, plan, linked, lists)
        return lists.filled(linked)

    def _told(self, path: str) -> str:
        """A path in the cache as records name it."""
        own, told = self._request.cache_told or ("", "")
        return told + path[len(own) :] if own and path.startswith(own) else path

    def _summary(self) -> LinkSummary:
        done = self._linked.values()
        return LinkSummary(
            files=sum(linked.files + len(linked.compiled) for linked in done),
            bytes=self._bytes,
            hardlinked=sum(linked.hardlinked for linked in done),
            reflinked=sum(linked.reflinked for linked in done),
            copied=sum(linked.copied for linked in done),
            softlinked=sum(linked.softlinked for linked in done),
            unpacked=sum(linked.unpacked for linked in done),
            rewritten=sum(not new.kind for linked in done for new in linked.written.values()),
            compiled=sum(len(linked.compiled) - linked.from_cache for linked in done),
            bytecode=sum(linked.from_cache for linked in done),
            messages=tuple(self._messages),
        )

    @property
    def claims(self) -> Claims:
        """What was put where; to be read after `run`."""
        return self._jobs.claims


def _batch(package: CachedPackage, more: MemoryObjectReceiveStream[CachedPackage]) -> list[CachedPackage]:
    """A package, and those that wait behind it, as long as all are small."""
    found, size = [package], package.record.size or BATCH_BYTES
    while size < BATCH_BYTES and len(found) < BATCH_PACKAGES:
        try:
            found.append(more.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            break
        size += found[-1].record.size or BATCH_BYTES
    return found
