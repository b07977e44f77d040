"""What worker threads do with packages: some at a time are planned, then linked by one job, then finished.

Rule of this file: it decides nothing for the prefix as a whole, and waits for nobody but for who makes the links. What
has to be done outside of a thread first (a script to be run, a package to be fetched again) is handed back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

import anyio.from_thread
import msgspec

from engine.errors import LinkError
from engine.events import Report, WorkFinished, WorkStarted
from engine.link.bytecode.compiled import Cached
from engine.link.bytecode.compiling import Compiling, Pending
from engine.link.files.batch import LINK_AT, Done, Made, Part
from engine.link.files.hands import Hands
from engine.link.files.modes import Mode, Modes
from engine.link.linked import Damaged, Linked
from engine.link.packages.codesign import sign
from engine.link.packages.linker import PackageLinker
from engine.link.packages.scripts import ScriptPlace, has_script
from engine.link.plan.claims import Claims
from engine.link.plan.package_plan import PackagePlan, plan_package
from engine.link.plan.paths_json import parse_entry_points, parse_paths, read_entry_points, read_paths
from engine.link.prefix.disk import storage
from engine.link.prefix.file_lists import Lists
from engine.link.prefix.meta import META
from engine.link.prefix.records import record_name
from engine.link.request import LinkRequest, PrefixTarget
from engine.link.reuse.keeping import Keeping, Kept
from engine.model.records import CachedPackage, RepoDataRecord
from engine.system.long_paths import check_length
from engine.system.process import available_cores

WORTH_HANDS = 20_000_000
"""Bytes of all archives from which on processes for the links pay: a few thousand files are linked while one starts."""
_UNKNOWN_SIZE = 1_000_000
_INDEX = "info/index.json"
"""Every package has it."""

Write = Callable[[PackagePlan, Linked, CachedPackage], None]


class Outcome(msgspec.Struct, frozen=True):
    """What a worker thread says of one package. If it is not linked, something has to come first."""

    package: CachedPackage
    linked: Linked | None = None
    pending: Pending | None = None
    """What is left to compile."""
    script: ScriptPlace | None = None
    """Its pre-link script has to be run."""
    damaged: str = ""
    """A file of it in the cache is not as its list says; nothing was linked."""


class _Begun(msgspec.Struct):
    """A package that was planned, and what is to be linked of it."""

    package: CachedPackage
    linker: PackageLinker
    pending: Pending | None
    parts: list[Part]
    """Its files, then its byte-compiled ones. None where files are not hard-linked."""
    directories: list[str]
    """What they need."""

    def add(self, cached: Cached) -> None:
        """Have byte-compiled files linked with the rest."""
        self.parts.append((True, cached.files))
        self.directories += cached.directories


class Jobs:
    """Links packages into one staged prefix, for any number of threads at once."""

    def __init__(
        self, request: LinkRequest, target: PrefixTarget, report: Report, compiling: Compiling | None, write: Write
    ) -> None:
        """``write`` is told of a package of which nothing is left to do."""
        self._request, self._target, self._report = request, target, report
        self._compiling, self._write = compiling, write
        # Two, with a process each that makes the links, keep the file system busy; more help where files are copied.
        threads = request.options.link_threads or min(2, available_cores())
        size = sum(record.size or _UNKNOWN_SIZE for record in request.link)
        self._hands = Hands(threads if threads > 1 and size >= WORTH_HANDS else 0)
        self.threads = threads + (request.make is not None)  # one plans while the others wait for who makes files
        self._modes = Modes(target.staging, request.options, report)
        self.claims = Claims(fold_for(target.staging))
        self.index = {record.name: number for number, record in enumerate(request.link)}
        """Package name → its place in the link order."""
        options, python = request.options, target.python
        self._keeping = (
            Keeping(options.plans, python, target.staging, compiles=compiling is not None)
            if options.plans and request.shared is None and LINK_AT
            else None
        )
        self._plans: dict[int, PackagePlan] = {}
        """Of packages that nothing is left to read the plan from again."""

    def close(self) -> None:
        """No more will be asked for."""
        self._hands.close()

    def run(self, packages: Sequence[CachedPackage], *, scripts: bool = False) -> list[Outcome]:
        """Link packages, as far as nothing has to come first. With ``scripts``, pre-link scripts were run already."""
        outcomes: list[Outcome] = []
        begun: list[_Begun] = []
        for package in packages:
            place = ScriptPlace(package.directory, self._target.staging, self._target.platform)
            if not scripts and has_script(place, package.record.name, "pre-link"):
                outcomes.append(Outcome(package, script=place))
                continue
            self._report(WorkStarted("link", package.record.name))
            try:
                begun.append(self._begin(package))
            except Damaged as error:
                outcomes.append(self._told(Outcome(package, damaged=error.path)))
        for one, done, made in zip(begun, *self._link(begun), strict=True):
            try:
                outcome = self._end(one, done, made)
            except Damaged as error:
                with storage(f"link {one.package.record.dist}"):
                    one.linker.take_back(one.parts)
                outcome = Outcome(one.package, damaged=error.path)
            outcomes.append(self._told(outcome))
        return outcomes

    def _told(self, outcome: Outcome) -> Outcome:
        linked = outcome.linked
        files, size = (linked.files, linked.bytes) if linked else (0, 0)
        self._report(WorkFinished("link", outcome.package.record.name, files, size))
        return outcome

    def _begin(self, package: CachedPackage) -> _Begun:
        """Find what is to be linked of a package, and claim its files. Raises `Damaged` if it is gone."""
        try:
            return self._as_kept(package) or self._anew(package)
        except LinkError as error:
            index = f"{package.directory}/{_INDEX}"
            if package.payload is None and not os.path.lexists(index):
                raise Damaged(_INDEX) from error
            raise

    def _as_kept(self, package: CachedPackage) -> _Begun | None:
        """By what an earlier environment kept; None if there is nothing, or something is in its way here."""
        keeping, record = self._keeping, self._record(package)
        kept = keeping.find(package, record, self._kind) if keeping and not package.payload else None
        if keeping is None or kept is None:
            return None
        begun = self._by(kept, package, record)
        if begun is None:
            kept.close()
            return None
        cached = kept.plan.cached(keeping.bytecode(package, self._kind), self._target.staging)
        if cached:
            begun.pending = Pending(
                begun.linker.plan, begun.linker.done, package, [], [], cached=cached, anew=partial(self.plan, package)
            )
            begun.add(cached)
        return begun

    def _by(self, kept: Kept, package: CachedPackage, record: RepoDataRecord) -> _Begun | None:
        """As a plan says that was kept; None unless files are hard-linked and no other package has one of them."""
        record_name(record)
        with storage(f"link {record.dist}"):
            mode = self._modes.choose(package.directory)
        if mode is not Mode.HARD:
            return None
        plan = kept.plan.plan(self.index[record.name], record)
        linker = PackageLinker(plan, package.directory, self._target, self.claims, mode)
        part = linker.begin(anyio.from_thread.check_cancelled, check=package.unchecked)
        if part is None or linker.done.lost:
            return None
        linker.done.kept = kept
        return _Begun(package, linker, None, [part], linker.directories)

    def _anew(self, package: CachedPackage) -> _Begun:
        """By the package's own lists."""
        plan = self.plan(package)
        if sys.platform == "win32":
            longer = max(self._target.staging, self._target.prefix, key=len)
            check_length(longer, (path.target for path in plan.paths), f"link {plan.record.dist}")
        linker, part = self._unpacked(plan, package) if package.payload else self._claimed(plan, package)
        begun = _Begun(package, linker, None, [part] if part else [], linker.directories)
        if self._compiling:
            begun.pending = pending = self._compiling.look_up(plan, linker.done, package)
            if part and pending and pending.cached:
                begun.add(pending.cached)
        return begun

    def _claimed(self, plan: PackagePlan, package: CachedPackage) -> tuple[PackageLinker, Part | None]:
        with storage(f"link {plan.record.dist}"):
            mode = self._modes.choose(package.directory)
        linker = PackageLinker(plan, package.directory, self._target, self.claims, mode)
        return linker, linker.begin(anyio.from_thread.check_cancelled, check=package.unchecked)

    def _unpacked(self, plan: PackagePlan, package: CachedPackage) -> tuple[PackageLinker, None]:
        """Straight out of the archive, of which nothing is left afterwards but what is contested."""
        from engine.link.packages.direct import DirectLinker, make_here

        assert package.payload is not None
        self._plans[plan.index] = plan
        linker = DirectLinker(plan, package.directory, self._target, self.claims)
        try:
            linker.unpack(package.payload, anyio.from_thread.check_cancelled, self._request.make or make_here)
        finally:
            package.payload.close()
        return linker, None

    def _link(self, begun: Sequence[_Begun]) -> tuple[list[list[Done]], list[list[Made]]]:
        """Link the plain files of some packages, and make what is not just linked: small ones are worth a process of
        its own only together."""
        if not any(one.parts for one in begun):
            return [[] for _ in begun], [[] for _ in begun]
        directories = list(dict.fromkeys(path for one in begun for path in one.directories))
        specials = self._target.baked_prefix, self._target.platform, [one.linker.specials for one in begun]
        problem, done, made = self._hands.carry_out((directories, [one.parts for one in begun], specials))
        if problem is not None:
            number, _, path = problem
            linker = next(one.linker for one in begun if path in one.directories)
            error = OSError(number, os.strerror(number), path)
            raise linker.failed(error) from error
        return done, made

    def _end(self, begun: _Begun, done: Sequence[Done], made: Sequence[Made]) -> Outcome:
        """Make the rest, and write the package's record if nothing is to come."""
        package, linker, pending = begun.package, begun.linker, begun.pending
        first = done[0] if done else None
        linked = linker.done if package.payload else linker.end(anyio.from_thread.check_cancelled, first, made)
        sign(linked, self._target.staging, self._target.platform, self._report)
        if pending and self._compiling:
            with storage(f"link the byte-compiled files of {linker.plan.record.dist}"):
                pending = pending if self._compiling.link(pending, *done[1:]) else None
        if pending is None:
            self._write(linker.plan, linked, package)
        return Outcome(package, linked, pending)

    @property
    def _kind(self) -> str | None:
        return self._compiling.kind if self._compiling else None

    def keep(self, package: CachedPackage, plan: PackagePlan, linked: Linked, lists: Lists) -> None:
        """Keep the plan of a package for other environments."""
        if self._keeping and not package.payload:
            self._keeping.keep(package, plan, linked, lists, self._kind)

    def plan(self, package: CachedPackage) -> PackagePlan:
        """What a package puts where."""
        record = self._record(package)
        record_name(record)  # refuses what must not become a path, before anything is done with it
        index = self.index[record.name]
        if index in self._plans:
            return self._plans[index]
        python, shared = self._target.python, self._request.shared
        make = partial(self._new_plan, package, record, index)
        if shared is None or package.payload:
            return make()
        return msgspec.structs.replace(shared.plan(package, record, python, make), index=index, record=record)

    def _new_plan(self, package: CachedPackage, record: RepoDataRecord, index: int) -> PackagePlan:
        info, is_python = package.payload.info if package.payload else None, record.noarch_type == "python"
        if info is None:
            entries = read_paths(package.directory, record.dist)
            scripts = read_entry_points(package.directory, record.dist) if is_python else ()
        else:
            entries = parse_paths(info["info/paths.json"], record.dist)
            scripts = parse_entry_points(info.get("info/link.json"), record.dist) if is_python else ()
        return plan_package(index, record, entries, scripts, self._target.python)

    def _record(self, package: CachedPackage) -> RepoDataRecord:
        """The record that was solved with; for an address given by the user, what the package says of itself."""
        index = self.index.get(package.record.name)
        if index is None:
            raise LinkError(f"Could not link {package.record.dist}: nobody asked for it")
        asked = self._request.link[index]
        return asked if asked.raw else package.record


def fold_for(staging: str) -> Callable[[str], str] | None:
    """How paths are compared there: `str.casefold` where the file system does not tell upper from lower case."""
    with storage(f"look into {staging}"):
        return str.casefold if os.path.lexists(os.path.join(staging, META.upper())) else None
