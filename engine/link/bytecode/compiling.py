"""The byte-compiled files of a prefix: out of the cache where they are there, else made, kept and linked.

A package's Python files are compiled where they lie in the cache, and the results stay there for the next environment;
only files that were rewritten for this prefix are compiled in it. Rule: what is in the cache was made from the
package's own files and is never written again; what it holds is checked before it is linked.

Where the Python that runs us is of the same kind as the environment's (same implementation, version and magic number),
it compiles: it need not wait for the other to arrive and to be linked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import anyio
import anyio.to_thread
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine.errors import LinkError
from engine.events import Report, WorkFinished, WorkStarted
from engine.flow import in_thread
from engine.link.bytecode.compiled import Cached, Placer, take_in
from engine.link.bytecode.compiler import Compiler, Made, Source, batches, fit
from engine.link.bytecode.kind import presumed_kind
from engine.link.files.batch import Done
from engine.link.linked import Linked
from engine.link.plan.package_plan import PackagePlan
from engine.link.request import Claim, LinkRequest, PrefixTarget
from engine.model.records import Bytecode, CachedPackage, CompiledFiles

_POLL = 0.05
"""Seconds between two looks at what another environment is compiling."""

Write = Callable[[PackagePlan, Linked, CachedPackage], None]


class Pending(msgspec.Struct):
    """A linked package whose Python files are still to be compiled."""

    plan: PackagePlan
    linked: Linked
    package: CachedPackage
    shared: list[str]
    """Files as they are in the package: what is made of them serves every prefix."""
    own: list[str]
    """Files that were rewritten for this prefix."""
    staged: str = ""
    left: int = 0
    """Batches under way."""
    made: dict[str, Made] = {}
    """By source."""
    claim: Claim | None = None
    """Ours, while we compile for all."""
    cached: Cached | None = None
    """What the cache has, until it is linked."""
    anew: Callable[[], PackagePlan] | None = None
    """Gives the whole plan, if ``plan`` is one that was kept and does not say what is to be compiled."""


class Compiling:
    """The compilers of one prefix and what they have to do. Make one, `run` it beside the linking."""

    def __init__(self, request: LinkRequest, target: PrefixTarget, report: Report, python: str, write: Write) -> None:
        """``python`` is the environment's interpreter; ``write`` is called in a thread when a package is done."""
        if target.python is None:
            raise LinkError("There is no Python to compile for")
        self._target, self._report, self._write, self._python = target, report, write, target.python
        self._environ, self._store = request.options.environ, request.options.bytecode
        self._record = target.python.record
        self._kind: str | None = None
        self._executable, self._own = python, False
        self._staged: set[str] = set()
        self._claims: list[Claim] = []
        self._placer = Placer(target.python, target.staging)
        # Packages wait here until the compilers get to them, and these may have to wait for the Python that comes
        # through the same linker: a full queue would hold that back for ever. So its bound is the number of packages.
        self._send, self._receive = anyio.create_memory_object_stream[Pending](float("inf"))

    async def prepare(self) -> None:
        """Find out for which kind of Python to compile, and with what; before anything else."""
        if self._store and self._record:
            self._kind = await anyio.to_thread.run_sync(self._store.kind, self._record)
        presumed = presumed_kind(self._record, self._target.platform)
        if presumed and self._kind in (None, presumed):
            self._kind, self._executable, self._own = presumed, sys.executable, True

    # --- in worker threads -------------------------------------------------------------------------------------

    def wanted(self, plan: PackagePlan) -> tuple[list[str], list[str]]:
        """What of a package is to be compiled: (as it is in the package, as it was rewritten)."""
        rewritten = {path.target for path in plan.rewrites}
        current = self._python.version.replace(".", "")
        own = [source for source in plan.sources if source in rewritten]
        own += [source for source, pyc in plan.stale if _made_for(pyc, current)]
        return fit(source for source in plan.sources if source not in rewritten), fit(own)

    @property
    def kind(self) -> str | None:
        """The kind of Python to compile for, as far as it is known."""
        return self._kind

    def look_up(self, plan: PackagePlan, linked: Linked, package: CachedPackage) -> Pending | None:
        """What is to be done for a package, and of that what the cache has; None if there is nothing."""
        shared, own = self.wanted(plan)
        if not shared and not own:
            return None
        pending = Pending(plan, linked, package, shared, own, made={})
        self._find(pending)
        return pending

    def link(self, pending: Pending, done: Done | None = None) -> bool:
        """Link what `look_up` found in the cache, or note that it was ``done``. Whether there is something left."""
        cached, pending.cached = pending.cached, None
        if cached is None or self._store is None:
            return bool(pending.shared or pending.own)
        linked = pending.linked
        try:
            sound = take_in(done, cached, linked) if done else self._placer.link(cached, linked, check=True)
        except FileNotFoundError:  # `clean` was here meanwhile
            self._plan_anew(pending)
            return True
        if not sound:
            self._store.drop(cached.bytecode)
            self._plan_anew(pending)
            return True
        linked.from_cache = len(linked.compiled)
        pending.shared = []
        return bool(pending.own)

    def _plan_anew(self, pending: Pending) -> None:
        """Find out what is to be compiled, where a kept plan took that for done."""
        if pending.anew is not None:
            pending.plan, pending.anew, pending.linked.kept = pending.anew(), None, None
            pending.shared, pending.own = self.wanted(pending.plan)

    def _find(self, pending: Pending) -> None:
        """Look into the cache, which counts if all is there."""
        if self._store is None or not self._kind or not pending.shared:
            return
        found = self._store.find(pending.package, self._kind)
        if found is not None and self._placer.covers(found, pending.shared):
            pending.cached = self._placer.cached(found, pending.linked.lost)

    def _link_cached(self, pending: Pending) -> None:
        self._find(pending)
        self.link(pending)

    def _finish(self, pending: Pending, complete: bool) -> None:
        """Keep and link what was made, and write the package's record."""
        if pending.staged and self._store and self._kind:
            files = self._as_files(pending)
            bytecode = Bytecode(pending.staged, files)
            if complete:
                bytecode = self._store.publish(pending.package, self._kind, pending.staged, files)
            self._placer.link(self._placer.cached(bytecode, pending.linked.lost), pending.linked, check=False)
            self._store.discard(pending.staged)
            self._staged.discard(pending.staged)
            inside = pending.own
        else:
            inside = [*pending.shared, *pending.own]
        self._give_back(pending)
        pending.linked.compiled += (made.pyc for one in inside if (made := pending.made.get(one)) and made.pyc)
        self._write(pending.plan, pending.linked, pending.package)

    def _give_back(self, pending: Pending) -> None:
        claim, pending.claim = pending.claim, None
        if claim is not None:
            self._claims.remove(claim)
            claim.release()

    def _as_files(self, pending: Pending) -> CompiledFiles:
        in_package, made = self._placer.in_package, [pending.made.get(source) for source in pending.shared]
        return CompiledFiles(
            list(map(in_package, pending.shared)),
            [in_package(one.pyc) if one and one.pyc else "" for one in made],
            [one.size if one else 0 for one in made],
        )

    # --- the compilers -----------------------------------------------------------------------------------------

    async def submit(self, pending: Pending) -> None:
        """Queue what `look_up` returned."""
        await self._send.send(pending)

    def end(self) -> None:
        """Nothing more will be submitted."""
        self._send.close()

    def close(self) -> None:
        """Whether it ran or not."""
        self._send.close()
        self._receive.close()

    async def run(self, ready: anyio.Event, workers: int) -> None:
        """Compile all that is submitted; returns after `end`, when all is done. ``ready`` says that Python runs."""
        send, receive = anyio.create_memory_object_stream[tuple[Pending, tuple[Source, ...]]](workers)
        compilers = [self.compiler() for _ in range(workers)]
        try:
            with self._receive, receive:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._split, send, ready, compilers[0])
                    for compiler in compilers:
                        group.start_soon(self._work, compiler, receive.clone())
        finally:
            for compiler in compilers:
                await compiler.close()
            await in_thread(self._discard_staged)

    def _discard_staged(self) -> None:
        """What was given up half done."""
        for staged in self._staged - {""}:
            self._store.discard(staged) if self._store else None
        for claim in self._claims:
            claim.release()

    def compiler(self) -> Compiler:
        """A compiler that is not started yet."""
        target = self._target
        executable, baked = self._executable, target.baked_prefix
        return Compiler(executable, self._python, target.staging, baked, self._environ, self._report)

    async def _split(
        self, jobs: MemoryObjectSendStream[tuple[Pending, tuple[Source, ...]]], ready: anyio.Event, compiler: Compiler
    ) -> None:
        """Make batches of packages. Where the kind was unknown, the cache is looked into now.

        What another environment is compiling comes last: it will be in the cache by then, or soon.
        """
        async with jobs:
            taken: list[Pending] = []
            async for pending in self._receive:
                if not self._own:
                    await ready.wait()
                await self._learn(compiler)
                if not await self._begin(pending, jobs):
                    taken.append(pending)
            while taken:
                taken = [pending for pending in taken if not await self._begin(pending, jobs)]
                await anyio.sleep(_POLL if taken else 0)

    async def _begin(self, pending: Pending, jobs: MemoryObjectSendStream[tuple[Pending, tuple[Source, ...]]]) -> bool:
        """Hand a package to the compilers; False if another environment is compiling it."""
        sources = await anyio.to_thread.run_sync(self._prepare, pending)
        if sources is None:
            return False
        parts = batches(sources)
        pending.left = len(parts)
        if not parts:
            await anyio.to_thread.run_sync(self._finish, pending, False)
        for part in parts:
            await jobs.send((pending, part))
        return True

    async def _learn(self, compiler: Compiler) -> None:
        """Ask the environment's Python for its kind, if nobody has yet."""
        if self._kind is None:
            self._kind = kind = await compiler.start()
            if kind and self._store and self._record:
                await anyio.to_thread.run_sync(self._store.remember_kind, self._record, kind)

    def _prepare(self, pending: Pending) -> list[Source] | None:
        """Look into the cache once more (another environment may have been there), then open a place to compile into;
        None while another one is compiling the package."""
        if pending.shared:
            self._link_cached(pending)
        if pending.shared and self._store and self._kind:
            pending.claim = self._store.claim(pending.package, self._kind)
            if pending.claim is None:
                return None
            self._claims.append(pending.claim)
            self._link_cached(pending)  # who had the claim before us may just have finished
        if pending.shared and self._store and self._kind:
            pending.staged = self._store.stage(pending.package) or ""
            self._staged.add(pending.staged)
        if not pending.staged:
            lost = pending.linked.lost
            return [Source(path) for path in (*pending.shared, *pending.own) if path not in lost]
        home = pending.package.directory
        sources = [
            Source(path, f"{home}/{self._placer.in_package(path)}", f"{pending.staged}/{number}")
            for number, path in enumerate(pending.shared)
        ]
        return sources + [Source(path) for path in pending.own if path not in pending.linked.lost]

    async def _work(
        self, compiler: Compiler, jobs: MemoryObjectReceiveStream[tuple[Pending, tuple[Source, ...]]]
    ) -> None:
        async with jobs:
            async for pending, sources in jobs:
                await self._compile(compiler, pending, sources)

    async def _compile(self, compiler: Compiler, pending: Pending, sources: tuple[Source, ...]) -> None:
        name = pending.package.record.name
        self._report(WorkStarted("compile", name))
        made = await compiler.compile(sources)
        pending.made.update((one.source.path, one) for one in made)
        self._report(WorkFinished("compile", name, files=sum(bool(one.pyc) for one in made)))
        pending.left -= 1
        if not pending.left:
            complete = all(path in pending.made and pending.made[path].certain for path in pending.shared)
            await anyio.to_thread.run_sync(self._finish, pending, complete and self._kind == compiler.kind)


def _made_for(pyc: str, version: str) -> bool:
    """Whether a shipped file is what a Python of this version (``312``) would look for."""
    tag = os.path.basename(pyc)[: -len(".pyc")].rpartition(".")[2]
    return "__pycache__" not in pyc or tag.lstrip("abcdefghijklmnopqrstuvwxyz-") == version
