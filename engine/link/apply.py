"""Fills a staged prefix from packages that arrive in any order: the work that making and changing have in common.

One package is one job in one worker thread. Its Python files go to the compilers as soon as Python and all that it
needs are linked; its record is written when its files and byte-compiled files are there. Contested paths are decided
at the end, so neither the order of arrival nor the number of threads can be seen in the result.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream

from engine.errors import LinkError
from engine.events import Report, WorkFinished, WorkStarted
from engine.flow import first_error
from engine.link.claims import Claims
from engine.link.codesign import sign
from engine.link.disk import storage
from engine.link.meta import META
from engine.link.modes import Modes
from engine.link.package import Linked, PackageLinker
from engine.link.paths_json import read_entry_points, read_paths
from engine.link.plan import PackagePlan, plan_package, pyc_source
from engine.link.pyc import CompileJob, Compiler, jobs_for
from engine.link.records import encode_record, record_name
from engine.link.request import LinkRequest, LinkSummary, PrefixTarget
from engine.link.scripts import ScriptPlace, has_script, run_script
from engine.link.settle import settle
from engine.model.records import CachedPackage, RepoDataRecord


class Filling:
    """One staged prefix while it is being filled. Make one, `run` it once."""

    def __init__(
        self, request: LinkRequest, target: PrefixTarget, report: Report, *, python: str | None, needed: frozenset[str]
    ) -> None:
        """``python`` is the interpreter to compile with (absolute), or None for no compiling; ``needed`` are the
        packages (of those that arrive) that must be linked before it can run."""
        self._request, self._target, self._report = request, target, report
        self._python = python if request.options.compile_pyc and target.python else None
        self._claims = Claims(fold_for(target.staging))
        self._modes = Modes(target.staging, request.options, report)
        self._index = {record.name: number for number, record in enumerate(request.link)}
        self._packages: dict[int, CachedPackage] = {}
        self._linked: dict[int, Linked] = {}
        self._waiting: dict[int, PackagePlan] = {}
        self._open_jobs: Counter[int] = Counter()
        self._needed = set(needed)
        self._python_ready = anyio.Event()
        self._messages: list[str] = []
        self._bytes = 0

    async def run(self, packages: MemoryObjectReceiveStream[CachedPackage]) -> LinkSummary:
        """Link all packages; returns when the last byte-compiled file and record are written.

        Of several errors at once the first is raised, bare.
        """
        try:
            await self._link_and_compile(packages)
        except Exception as error:
            first = first_error(error)
            if first is error:
                raise
            raise first from first.__cause__
        self._check_complete()
        await self._settle()
        return self._summary()

    async def _link_and_compile(self, packages: MemoryObjectReceiveStream[CachedPackage]) -> None:
        cores = available_cores()
        # Hard links are made under the interpreter's lock: more than two threads only help where files are copied.
        workers = self._request.options.link_threads or min(2, cores)
        jobs, todo = anyio.create_memory_object_stream[CompileJob](float("inf"))
        if not self._needed:
            self._python_ready.set()
        async with anyio.create_task_group() as group:
            with todo:
                for _ in range(cores if self._python else 0):
                    group.start_soon(self._compile_all, todo.clone())
            async with jobs, anyio.create_task_group() as linking:
                limiter = anyio.CapacityLimiter(workers)
                with packages:
                    for _ in range(workers):
                        linking.start_soon(self._link_all, packages.clone(), jobs, limiter)
            self._python_ready.set()  # even if it never came: the compilers must end

    # --- linking -----------------------------------------------------------------------------------------------

    async def _link_all(
        self,
        packages: MemoryObjectReceiveStream[CachedPackage],
        jobs: anyio.abc.ObjectSendStream[CompileJob],
        limiter: anyio.CapacityLimiter,
    ) -> None:
        async with packages:
            async for package in packages:
                plan = await self._link_one(package, limiter)
                for job in self._compile_jobs(plan):
                    self._open_jobs[plan.index] += 1
                    self._waiting[plan.index] = plan
                    await jobs.send(job)
                self._needed.discard(plan.record.name)
                if not self._needed:
                    self._python_ready.set()

    async def _link_one(self, package: CachedPackage, limiter: anyio.CapacityLimiter) -> PackagePlan:
        name = package.record.name
        self._report(WorkStarted("link", name))
        await self._pre_link(package)
        plan, linked = await anyio.to_thread.run_sync(self._link_job, package, limiter=limiter)
        self._packages[plan.index], self._linked[plan.index] = package, linked
        size = sum(path.entry.size_in_bytes or 0 for path in plan.paths)
        self._bytes += size
        self._report(WorkFinished("link", name, files=linked.files, bytes=size))
        return plan

    async def _pre_link(self, package: CachedPackage) -> None:
        """These scripts are run from the unpacked package, before it is linked, and see the staged prefix."""
        place = ScriptPlace(package.directory, self._target.staging, self._target.platform)
        if has_script(place, package.record.name, "pre-link"):
            options = self._request.options
            self._messages += await run_script(place, package.record, "pre-link", options, self._report)

    def _link_job(self, package: CachedPackage) -> tuple[PackagePlan, Linked]:
        """In a worker thread: read the package's lists, link its files, write its record if nothing is to come."""
        plan = self._plan(package)
        with storage(f"link {plan.record.dist}"):
            mode = self._modes.choose(package.directory)
        linker = PackageLinker(plan, package.directory, self._target, self._claims, mode)
        linked = linker.run(anyio.from_thread.check_cancelled)
        sign(linked, self._target.staging, self._target.platform, self._report)
        if not self._compile_jobs(plan):
            self._write_record(plan, linked, package)
        return plan, linked

    def _plan(self, package: CachedPackage) -> PackagePlan:
        record = self._record(package)
        record_name(record)  # refuses what must not become a path, before anything is done with it
        entries = read_paths(package.directory, record.dist)
        scripts = read_entry_points(package.directory, record.dist) if record.noarch_type == "python" else ()
        return plan_package(self._index[record.name], record, entries, scripts, self._target.python)

    def _record(self, package: CachedPackage) -> RepoDataRecord:
        """The record that was solved with; for an address given by the user, what the package says of itself."""
        index = self._index.get(package.record.name)
        if index is None:
            raise LinkError(f"Could not link {package.record.dist}: nobody asked for it")
        asked = self._request.link[index]
        return asked if asked.raw else package.record

    # --- compiling ---------------------------------------------------------------------------------------------

    def _compile_jobs(self, plan: PackagePlan) -> list[CompileJob]:
        if self._python is None or self._target.python is None:
            return []
        current = self._target.python.version.replace(".", "")
        stale = [source for source, pyc in plan.stale if _made_for(pyc, current)]
        return jobs_for(plan.index, [*plan.sources, *stale])

    async def _compile_all(self, todo: MemoryObjectReceiveStream[CompileJob]) -> None:
        compiler = self._compiler()
        await self._python_ready.wait()
        try:
            with todo:
                async for job in todo:
                    await self._compile_one(compiler, job)
        finally:
            await compiler.close()

    def _compiler(self) -> Compiler:
        if self._python is None or self._target.python is None:
            raise LinkError("There is no Python to compile with")
        target, environ = self._target, self._request.options.environ
        return Compiler(self._python, self._target.python, target.staging, target.baked_prefix, environ, self._report)

    async def _compile_one(self, compiler: Compiler, job: CompileJob) -> None:
        linked, name = self._linked[job.index], self._packages[job.index].record.name
        self._report(WorkStarted("compile", name))
        wanted = tuple(source for source in job.sources if source not in linked.lost)
        made = await compiler.compile(CompileJob(job.index, wanted))
        linked.compiled += made
        self._report(WorkFinished("compile", name, files=len(made)))
        self._open_jobs[job.index] -= 1
        if not self._open_jobs[job.index]:
            plan = self._waiting.pop(job.index)
            await anyio.to_thread.run_sync(self._write_record, plan, linked, self._packages[job.index])

    # --- the end -----------------------------------------------------------------------------------------------

    def _check_complete(self) -> None:
        missing = [record.dist for record in self._request.link if self._index[record.name] not in self._linked]
        if missing:
            raise LinkError(f"Could not link {', '.join(missing[:5])}: the packages did not arrive")

    async def _settle(self) -> None:
        won = await anyio.to_thread.run_sync(settle, self._claims, self._linker, self._report)
        if not won:
            return
        for index in won:
            sign(self._linked[index], self._target.staging, self._target.platform, self._report)
        if self._python is not None:
            await self._compile_again(won)
        for index in won:
            package = self._packages[index]
            await anyio.to_thread.run_sync(self._write_record, self._plan(package), self._linked[index], package)

    async def _compile_again(self, won: dict[int, list[str]]) -> None:
        """What was compiled from contested files may have been made from another package's."""
        compiler = self._compiler()
        try:
            for index, paths in won.items():
                linked = self._linked[index]
                wanted = {
                    source for job in self._compile_jobs(self._plan(self._packages[index])) for source in job.sources
                }
                linked.compiled = [pyc for pyc in linked.compiled if pyc_source(pyc) not in {*paths, *linked.lost}]
                for job in jobs_for(index, [path for path in paths if path in wanted]):
                    linked.compiled += await compiler.compile(job)
        finally:
            await compiler.close()

    def _linker(self, index: int) -> PackageLinker:
        """The linker of a package once more, with its result so far."""
        package, linked = self._packages[index], self._linked[index]
        linker = PackageLinker(self._plan(package), package.directory, self._target, self._claims, linked.mode)
        linker.done = linked
        return linker

    def _write_record(self, plan: PackagePlan, linked: Linked, package: CachedPackage) -> None:
        linked.compiled.sort()
        data = encode_record(plan, linked, package.archive, self._request.requested.get(plan.record.name, ()))
        path = os.path.join(self._target.staging, META, record_name(plan.record))
        with storage(f"write the record of {plan.record.dist}"), open(path, "wb") as file:
            file.write(data)

    def _summary(self) -> LinkSummary:
        done = self._linked.values()
        return LinkSummary(
            files=sum(linked.files + len(linked.compiled) for linked in done),
            bytes=self._bytes,
            hardlinked=sum(linked.hardlinked for linked in done),
            reflinked=sum(linked.reflinked for linked in done),
            copied=sum(linked.copied for linked in done),
            softlinked=sum(linked.softlinked for linked in done),
            rewritten=sum(not new.kind for linked in done for new in linked.written.values()),
            compiled=sum(len(linked.compiled) for linked in done),
            messages=tuple(self._messages),
        )

    @property
    def claims(self) -> Claims:
        """What was put where; to be read after `run`."""
        return self._claims


def _made_for(pyc: str, version: str) -> bool:
    """Whether a shipped file is what a Python of this version (``312``) would look for."""
    tag = os.path.basename(pyc)[: -len(".pyc")].rpartition(".")[2]
    return "__pycache__" not in pyc or tag.lstrip("abcdefghijklmnopqrstuvwxyz-") == version


def available_cores() -> int:
    """The cores that this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def fold_for(staging: str) -> Callable[[str], str] | None:
    """How paths are compared there: `str.casefold` where the file system does not tell upper from lower case."""
    with storage(f"look into {staging}"):
        return str.casefold if os.path.lexists(os.path.join(staging, META.upper())) else None


def needed_by_python(records: tuple[RepoDataRecord, ...]) -> frozenset[str]:
    """The packages that must be linked before ``python`` can run: itself and all it depends on, however far."""
    depends = {record.name: [text.split()[0] for text in record.depends if text.strip()] for record in records}
    found: set[str] = set()
    todo = ["python"]
    while todo:
        name = todo.pop()
        if name in depends and name not in found:
            found.add(name)
            todo += depends[name]
    return frozenset(found)
