"""From a request to a plan: load the index, ask the solver, compare with what is installed.

Rule of this file: it decides and changes nothing. Packages that are given by address are fetched into the cache here,
since only they know what they need.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import anyio.to_thread
import msgspec

from engine.config.channels import terms_notice
from engine.delivery.carry_out import fetch_all
from engine.environment.requested import dependencies, earlier_specs, protected, without_requested
from engine.environment.revisions import past
from engine.errors import DamagedIndex, SolveError, Unsatisfiable
from engine.events import Notice, Phase, PhaseFinished, PhaseStarted
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.fetch.index.load import load_subdirs
from engine.fetch.index.shard_walk import Wanted
from engine.inputs import explicit_records, unknown_records
from engine.link.prefix.present import PrefixData
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import CachedPackage, PrefixRecord, RepoDataRecord
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows, with_json
from engine.planning.local_rows import LocalRows, spec_for
from engine.planning.noting import notes_on
from engine.planning.origins import at_home
from engine.planning.pins import pins_of
from engine.planning.solving import addresses, channels_of_specs, cutoffs, may_downgrade, with_channels
from engine.request import Held, InstallRequest, Plan, Services
from engine.settings import repodata_settings
from engine.solve.fits import spec_matches
from engine.solve.order import link_order
from engine.solve.request import resolved
from engine.solve.solver import solve
from engine.solve.task import Rows, Solution, SolveTask
from engine.solve.transaction import Transaction
from engine.solve.wording import in_order, listed, spec_text
from engine.system.machine import assumed_machine


class Planner:
    """Decides about one request. Make one, `plan` once."""

    def __init__(
        self,
        request: InstallRequest,
        services: Services,
        present: PrefixData,
        transport: Transport,
        cache: PackageCache,
        *,
        refresh: bool = False,
    ) -> None:
        """``present`` is what the prefix holds now; ``refresh`` passes over cached indexes."""
        self.refresh = refresh
        self.request, self.services, self.present = request, services, present
        self.config, self.report, self.transport, self.cache = services.config, services.report, transport, cache
        self.machine, self.assumption = assumed_machine(
            services.machine, services.environ, services.config.override_virtual_packages
        )
        self.named_channels = channels_of_specs((*request.asked.specs, *request.remove), services.config)
        self.channels = with_channels(request.channels, self.named_channels.values())
        self.channel_names = {channel.public_url: channel.name for channel in self.channels}
        """Of all channels that were looked in."""
        self.neutered: tuple[str, ...] = ()
        self.held: tuple[Held, ...] = ()
        self.past = None if request.revision is None else past(present.history, request.revision)

    async def plan(self) -> Plan:
        """Decide what must change."""
        explicit = explicit_records(self.request.asked)
        unknown = unknown_records(self.request.asked, explicit)
        packages = await self._fetch(unknown) if unknown and not self.config.dry_run else ()
        known = _completed(explicit, packages)
        solution = await self._solution(known)
        transaction = Transaction.between(
            self.present.records, solution, reinstall=self._again(known) if self.request.reinstall else ()
        )
        linked = {record.fn for record in transaction.link}  # one that is there already is fetched, not linked
        packages = tuple(package for package in packages if package.record.fn in linked)
        cached = await anyio.to_thread.run_sync(self._cached, transaction.link)
        relocated: frozenset[str] = frozenset()
        if self.request.clone_of:
            from engine.link.packages.relocate import relocatable

            target = self.config.relocate_prefix or self.request.prefix
            lost = [record.name for record in transaction.link if record.fn not in cached]
            relocated = await anyio.to_thread.run_sync(relocatable, self.request.clone_of, lost, target)
            cached |= {record.fn for record in transaction.link if record.name in relocated}
        notes = notes_on(self.request, self.present.records, self.past, known, self.neutered)
        return Plan(
            self.request,
            transaction,
            cached,
            notes.requested,
            packages,
            self.channel_names,
            kept=notes.kept,
            neutered=self.neutered,
            forgotten=notes.forgotten,
            relocated=relocated,
            held=self.held,
            news=notes.news,
        )

    async def _solution(self, explicit: Sequence[RepoDataRecord]) -> Sequence[RepoDataRecord]:
        """What the prefix shall hold, in link order."""
        if self.past is not None:
            from engine.planning.going_back import records_of

            return link_order(await records_of(self.past, self.present, self.cache, self.config, self._load_names))
        decided = self._decided(explicit)
        return (await self._solve(explicit)).records if decided is None else decided

    def _decided(self, explicit: Sequence[RepoDataRecord]) -> Sequence[RepoDataRecord] | None:
        """The same where nothing is left to solve."""
        request, present = self.request, self.present.records
        if request.exact is not None:
            return link_order(request.exact)
        if request.force and request.mode == "remove":
            return [record for record in present if not any(spec_matches(spec, record) for spec in request.remove)]
        if explicit and not request.asked.specs and not self._lacks(explicit):
            names = {record.name for record in explicit}
            stay = () if request.only_asked else present
            return link_order([*(record for record in stay if record.name not in names), *explicit])
        if not (explicit or request.asked.specs or request.remove or request.update_all or request.only_asked):
            return present
        satisfied = all(any(spec_matches(spec, one) for one in present) for spec in request.asked.specs)
        return present if request.skip_satisfied and satisfied and not explicit else None

    def _lacks(self, explicit: Sequence[RepoDataRecord]) -> bool:
        """Whether something that local packages need is neither given nor there, and some channel may have it."""
        if not self.request.asked.with_needs or self.request.no_deps:
            return False
        there = [*explicit, *self.present.records]
        needs = {text for record in explicit for text in record.depends if not text.startswith("__")}
        lacking = [text for text in needs if not any(spec_matches(MatchSpec.parse(text), record) for record in there)]
        if lacking and not self.channels:  # micromamba and conda take the package alone, without a word
            needed = listed(in_order(lacking))
            told = f"No channel is given that could have what the packages need: {needed}."
            self.report(Notice("warning", told))
            return False
        return bool(lacking)

    async def _solve(self, explicit: Sequence[RepoDataRecord]) -> Solution:
        """Load the index and ask the solver; once more with a fresh index if it was damaged, or the user wants that."""
        try:
            return await self._solve_once(explicit, refresh=self.refresh)
        except DamagedIndex as error:
            if self.config.offline:
                raise
            self.report(Notice("warning", f"{error.message}. It is fetched anew."))
            return await self._solve_once(explicit, refresh=True)
        except SolveError:
            if not self.config.retry_clean_cache or self.config.offline:
                raise
            self.report(Notice("info", "There is no solution: trying again with a fresh index."))
            return await self._solve_once(explicit, refresh=True)

    async def _solve_once(self, explicit: Sequence[RepoDataRecord], *, refresh: bool) -> Solution:
        rows: Sequence[RepoData | ShardRows] = ()
        if self.request.mode != "remove":
            rows = await self._load(explicit, refresh=refresh)
            self.channel_names |= {one.channel.public_url: one.channel.name for one in rows}
        if self.assumption and rows:
            self.report(Notice("info", self.assumption))
        task = self._task([LocalRows(explicit), *rows] if explicit else rows, explicit)
        self.report(PhaseStarted(Phase.SOLVE))
        began = time.monotonic()
        solution = await self._faithful(task, await self._answer(task))
        if self.request.update or self.request.update_all:
            from engine.planning.holding import held_back

            names = None if self.request.update_all else tuple(self.request.update)
            self.held = await anyio.to_thread.run_sync(held_back, task, solution, names, abandon_on_cancel=True)
        solution = msgspec.structs.replace(solution, records=tuple(map(with_json, solution.records)))
        self.report(PhaseFinished(Phase.SOLVE, time.monotonic() - began, items=len(solution.records)))
        return solution

    async def _faithful(self, task: SolveTask, solution: Solution) -> Solution:
        """The answer that keeps to earlier requests as far as can be. (To update everything is to drop their bounds,
        as in conda.)"""
        request = self.request
        if request.update_all or request.only_asked or request.mode == "create":
            return solution
        from engine.planning.earlier import broken, keep_earlier

        asked = [spec.exact_name for spec in (*task.specs, *request.remove)]
        specs = tuple(resolved(spec, task) for spec in earlier_specs(self.present.records, asked))
        kept = await keep_earlier(task, solution, specs, self._answer)
        given_up = broken(specs, kept)
        for spec in given_up:
            text = f"{spec_text(spec)}, which was asked for earlier, can't be kept to any more."
            self.report(Notice("info", text))
        self.neutered = tuple(spec.exact_name or "" for spec in given_up)
        return kept

    async def _load(self, explicit: Sequence[RepoDataRecord], *, refresh: bool) -> Sequence[RepoData | ShardRows]:
        """The index of all channels."""
        notice = terms_notice(self.channels, self.config)
        if notice:
            self.report(Notice("warning", notice))
        self.report(PhaseStarted(Phase.REPODATA))
        began = time.monotonic()
        settings = repodata_settings(self.config, refresh=refresh)
        channels, platform = self.channels, self.machine.platform
        rows = await load_subdirs(
            channels, platform, self.transport, settings, self.report, wanted=self.wanted(explicit)
        )
        self.report(PhaseFinished(Phase.REPODATA, time.monotonic() - began, items=len(rows)))
        return rows

    async def _load_names(self, channels: Sequence[Channel], names: frozenset[str]) -> Sequence[RepoData | ShardRows]:
        """What channels have of some packages, and nothing of what these need."""
        settings, platform = repodata_settings(self.config), self.machine.platform
        wanted = Wanted(names, deep=False)
        rows = await load_subdirs(channels, platform, self.transport, settings, self.report, wanted=wanted)
        self.channel_names |= {one.channel.public_url: one.channel.name for one in rows}
        return rows

    async def _answer(self, task: SolveTask) -> Solution:
        try:
            return await _interruptible(task)
        except Unsatisfiable as error:
            if not task.no_deps:
                raise
            # Who leaves the dependencies away knows better; where they can be had, they choose fitting builds.
            self.report(Notice("info", f"{error.message}\nDependencies are left away, so this is passed over."))
            return await _interruptible(msgspec.structs.replace(task, ignore_needs=True, add_pip=False))

    def wanted(self, explicit: Sequence[RepoDataRecord]) -> Wanted | None:
        """Where the walk over shards begins. Pins limit what is there and lead to nothing."""
        records = (*explicit, *self.present.records)
        return Wanted.of(self.request.asked.specs, records, add_pip=self.config.add_pip_as_python_dependency)

    def _task(self, rows: Sequence[Rows], explicit: Sequence[RepoDataRecord]) -> SolveTask:
        config, request = self.config, self.request
        pins = pins_of(config, request.prefix)
        return SolveTask(
            specs=(*map(spec_for, explicit), *request.asked.specs),
            repodata=rows,
            virtual=self.machine.virtual,
            installed=at_home(self._installed(), rows),
            pinned=pins,
            channel_priority=config.channel_priority,
            channel_addresses=addresses({**channels_of_specs(pins, config), **self.named_channels}),
            exclude_newer=cutoffs(config, self.channels, (record.name for record in explicit), time.time_ns() // 10**6),
            allow_uninstall=config.allow_uninstall or request.mode == "remove",
            allow_downgrade=may_downgrade(config),
            keep="freeze" if request.freeze_installed else "prefer",
            update=self._updated(),
            update_all=request.update_all,
            remove=request.remove,
            prune=request.prune or request.only_asked,
            pin_python=not config.no_py_pin,
            add_pip=config.add_pip_as_python_dependency,
            no_deps=request.no_deps,
            only_deps=request.only_deps,
        )

    def _installed(self) -> tuple[PrefixRecord, ...]:
        """What is installed, as the solver shall see it."""
        if self.request.only_asked:
            return without_requested(self.present.records)
        return protected(self.present.records) if self.request.prune else self.present.records

    def _updated(self) -> frozenset[str]:
        request = self.request
        names = [spec.exact_name for spec in request.asked.specs if spec.exact_name]
        return request.update | (dependencies(self.present.records, names) if request.update_deps else frozenset())

    def _again(self, explicit: Sequence[RepoDataRecord]) -> set[str]:
        asked = {spec.exact_name or "" for spec in self.request.asked.specs}
        return asked | {record.name for record in explicit}

    def _cached(self, records: Sequence[RepoDataRecord]) -> frozenset[str]:
        return frozenset(record.fn for record in records if self.cache.find(record))

    async def _fetch(self, records: Sequence[RepoDataRecord]) -> tuple[CachedPackage, ...]:
        return await fetch_all(records, self.services, self.transport, self.cache)


async def _interruptible(task: SolveTask) -> Solution:
    """Solve in a worker thread; when we are cancelled, the solver stops at its next look."""
    stopped = False
    try:
        task = msgspec.structs.replace(task, stop=lambda: stopped)
        return await anyio.to_thread.run_sync(solve, task, abandon_on_cancel=True)
    finally:
        stopped = True


def _completed(explicit: Sequence[RepoDataRecord], packages: Sequence[CachedPackage]) -> list[RepoDataRecord]:
    """What is known of packages given by address: all, once they are unpacked."""
    known = {package.record.fn: package.record for package in packages}
    return [known.get(record.fn, record) for record in explicit]
