"""The flow: from a request to an environment. Every command that makes or changes one is a few lines around this.

    request → repodata → solve → transaction → (the caller agrees) → packages → prefix

Rule of this file: it only joins the parts. Packages are fetched while others are linked, but in a place that nobody
sees: the prefix itself changes in one step at the end, or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine.config import Config
from engine.errors import PrefixError, StorageError, WhipsnakeError
from engine.events import Notice, Phase, PhaseFinished, PhaseStarted, Report
from engine.fetch.cache import PackageCache
from engine.fetch.http import Transport
from engine.fetch.load import load_subdirs
from engine.fetch.package import prepare
from engine.fetch.shard_walk import Wanted
from engine.inputs import Asked, explicit_records
from engine.link.lock import prefix_lock
from engine.link.prefix import PrefixData, check_frozen, check_new_prefix, read_prefix
from engine.link.recover import recover
from engine.link.request import LinkRequest, LinkSummary
from engine.local_rows import LocalRows, spec_for
from engine.machine import Machine, assumed_machine
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import CachedPackage, RepoDataRecord
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows, with_json
from engine.settings import fetch_settings, link_options, repodata_settings, transport_settings
from engine.solve.fits import spec_matches
from engine.solve.order import link_order
from engine.solve.solver import solve
from engine.solve.task import Solution, SolveTask
from engine.solve.transaction import Transaction
from engine.solving import addresses, channels_of_specs, cutoffs, may_downgrade, parse_pins, with_channels

Mode = Literal["create", "install", "remove"]


class InstallRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What shall become of one prefix."""

    mode: Mode
    prefix: str
    asked: Asked = Asked()
    remove: tuple[MatchSpec, ...] = ()
    channels: tuple[Channel, ...] = ()
    replace: bool = False
    """Whether an environment that is in the way of a new one may go."""
    freeze_installed: bool = False
    reinstall: bool = False
    """Put packages that were asked for in again, though they are there."""
    no_deps: bool = False
    only_deps: bool = False
    prune: bool = False
    """Whether removing takes along what nobody needs any more."""
    force: bool = False
    """Remove just the packages named, whatever needs them."""
    command: str = ""
    """The command line, for the history."""
    files: Mapping[str, bytes] = {}
    """Further files of a new environment: path in it → content."""


class Services(msgspec.Struct, frozen=True):
    """What the flow needs of the world."""

    config: Config
    environ: Mapping[str, str]
    machine: Machine
    report: Report


class Plan(msgspec.Struct, frozen=True):
    """What will be done, before anything is."""

    request: InstallRequest
    transaction: Transaction
    cached: frozenset[str]
    """File names of packages that need no download."""
    requested: Mapping[str, tuple[str, ...]]
    """Package name → the specs that asked for it."""
    packages: tuple[CachedPackage, ...] = ()
    """Packages that were fetched already, because only they know what they need."""
    channel_names: Mapping[str, str] = {}
    """Address → name of every channel that was looked in."""

    @property
    def to_fetch(self) -> tuple[RepoDataRecord, ...]:
        """The packages that must be downloaded."""
        return tuple(record for record in self.transaction.link if record.fn not in self.cached)


class Outcome(msgspec.Struct, frozen=True):
    """What was done. ``summary`` is None where nothing was linked or removed."""

    plan: Plan
    summary: LinkSummary | None = None


Accept = Callable[[Plan], Awaitable[bool]]
"""Shows a plan, asks if need be, and says whether to go on."""


async def install(request: InstallRequest, services: Services, accept: Accept) -> Outcome:
    """Bring ``request.prefix`` to what is asked for. Raises the errors of every part; then nothing has changed."""
    config = services.config
    if request.mode == "create":
        check_new_prefix(request.prefix, replace=request.replace or config.dry_run or config.download_only)
        return await _install(request, services, accept, PrefixData(request.prefix, (), ()))
    options = link_options(config, services.environ)
    async with prefix_lock(request.prefix, options, services.report):
        note = await anyio.to_thread.run_sync(recover, request.prefix)
        if note:
            services.report(Notice("warning", note))
        if not config.dry_run:
            check_frozen(request.prefix, override=options.override_frozen)
        return await _install(request, services, accept, read_prefix(request.prefix))


async def _install(request: InstallRequest, services: Services, accept: Accept, present: PrefixData) -> Outcome:
    config = services.config
    async with Transport(transport_settings(config, services.environ), services.report) as transport:
        flow = _Flow(request, services, present, transport)
        plan = await flow.plan()
        if not await accept(plan) or config.dry_run:
            return Outcome(plan)
        if config.download_only:
            return await flow.download(plan)
        if plan.transaction.is_empty and request.mode != "create":
            return Outcome(plan)
        return Outcome(plan, await flow.carry_out(plan))


class _Flow:
    """One request under way."""

    def __init__(self, request: InstallRequest, services: Services, present: PrefixData, transport: Transport) -> None:
        self.request, self.present, self.transport = request, present, transport
        self.config, self.report = services.config, services.report
        self.environ = services.environ
        self.machine, self.assumption = assumed_machine(
            services.machine, services.environ, services.config.override_virtual_packages
        )
        self.named_channels = channels_of_specs((*request.asked.specs, *request.remove), services.config)
        self.channels = with_channels(request.channels, self.named_channels.values())
        self.cache = PackageCache(services.config.pkgs_dirs)
        self.channel_names = {channel.public_url: channel.name for channel in self.channels}
        """Of all channels that were looked in."""

    # --- what to do --------------------------------------------------------------------------------------------

    async def plan(self) -> Plan:
        """Decide what must change."""
        explicit = explicit_records(self.request.asked)
        packages = await self._fetch_all(explicit) if explicit and not self.config.dry_run else ()
        known = _completed(explicit, packages)
        solution = await self._solution(known)
        transaction = Transaction.between(
            self.present.records, solution, reinstall=self._again(known) if self.request.reinstall else ()
        )
        cached = await anyio.to_thread.run_sync(self._cached, transaction.link)
        return Plan(self.request, transaction, cached, self._requested(known), packages, self.channel_names)

    async def _solution(self, explicit: Sequence[RepoDataRecord]) -> Sequence[RepoDataRecord]:
        """What the prefix shall hold, in link order."""
        request, present = self.request, self.present.records
        if request.force and request.mode == "remove":
            return [record for record in present if not any(spec_matches(spec, record) for spec in request.remove)]
        if explicit and not request.asked.specs:
            names = {record.name for record in explicit}
            return link_order([*(record for record in present if record.name not in names), *explicit])
        if not request.asked.specs and not request.remove:
            return present
        return (await self._solve(explicit)).records

    async def _solve(self, explicit: Sequence[RepoDataRecord]) -> Solution:
        """Load the index and ask the solver; once more with a fresh index if it was damaged, or the user wants that."""
        from engine.errors import DamagedIndex, SolveError

        try:
            return await self._solve_once(explicit, refresh=False)
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
        began = time.monotonic()
        rows: Sequence[RepoData | ShardRows] = ()
        if self.request.mode != "remove":
            self.report(PhaseStarted(Phase.REPODATA))
            settings = repodata_settings(self.config, refresh=refresh)
            channels, platform = self.channels, self.machine.platform
            rows = await load_subdirs(
                channels, platform, self.transport, settings, self.report, wanted=self._wanted(explicit)
            )
            self.channel_names |= {one.channel.public_url: one.channel.name for one in rows}
            self.report(PhaseFinished(Phase.REPODATA, time.monotonic() - began, items=len(rows)))
        if self.assumption and rows:
            self.report(Notice("info", self.assumption))
        task = self._task([LocalRows(explicit), *rows] if explicit else rows, explicit)
        self.report(PhaseStarted(Phase.SOLVE))
        began = time.monotonic()
        solution = await _interruptible(task)
        solution = msgspec.structs.replace(solution, records=tuple(map(with_json, solution.records)))
        self.report(PhaseFinished(Phase.SOLVE, time.monotonic() - began, items=len(solution.records)))
        return solution

    def _wanted(self, explicit: Sequence[RepoDataRecord]) -> Wanted | None:
        """Where the walk over shards begins. Pins limit what is there and lead to nothing."""
        records = (*explicit, *self.present.records)
        return Wanted.of(self.request.asked.specs, records, add_pip=self.config.add_pip_as_python_dependency)

    def _task(self, rows: Sequence[object], explicit: Sequence[RepoDataRecord]) -> SolveTask:
        config, request = self.config, self.request
        pins = pins_of(config, request.prefix)
        return SolveTask(
            specs=(*map(spec_for, explicit), *request.asked.specs),
            repodata=rows,  # type: ignore[arg-type]  # `Rows` is a protocol that RepoData and LocalRows both follow
            virtual=self.machine.virtual,
            installed=self.present.records,
            pinned=pins,
            channel_priority=config.channel_priority,
            channel_addresses=addresses({**channels_of_specs(pins, config), **self.named_channels}),
            exclude_newer=cutoffs(config, self.channels, (record.name for record in explicit), time.time_ns() // 10**6),
            allow_uninstall=config.allow_uninstall or request.mode == "remove",
            allow_downgrade=may_downgrade(config),
            keep="freeze" if request.freeze_installed else "prefer",
            remove=request.remove,
            prune=request.prune,
            pin_python=not config.no_py_pin,
            add_pip=config.add_pip_as_python_dependency,
            no_deps=request.no_deps,
            only_deps=request.only_deps,
        )

    def _again(self, explicit: Sequence[RepoDataRecord]) -> set[str]:
        asked = {spec.exact_name or "" for spec in self.request.asked.specs}
        return asked | {record.name for record in explicit}

    def _cached(self, records: Sequence[RepoDataRecord]) -> frozenset[str]:
        return frozenset(record.fn for record in records if self.cache.find(record))

    def _requested(self, explicit: Sequence[RepoDataRecord]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {record.name: (record_spec(record),) for record in explicit}
        for spec in self.request.asked.specs:
            name = spec.exact_name or ""
            found[name] = (*found.get(name, ()), str(spec))
        return found

    # --- doing it ----------------------------------------------------------------------------------------------

    async def download(self, plan: Plan) -> Outcome:
        """Only fill the cache."""
        await self._fetch_all(plan.transaction.link)
        return Outcome(plan)

    async def carry_out(self, plan: Plan) -> LinkSummary:
        """Fetch and link, overlapped; the prefix changes at the very end."""
        from engine.link.change import change_prefix  # here, since who only looks at the plan need not wait for it
        from engine.link.create import create_prefix

        send, receive = anyio.create_memory_object_stream[CachedPackage](0)
        request = self._link_request(plan)
        phase = Phase.LINK if request.link or not request.remove else Phase.UNLINK
        began = time.monotonic()
        async with anyio.create_task_group() as group:
            self._start_fetching(group, plan, send)
            self.report(PhaseStarted(phase, items=len(request.link)))
            if self.request.mode == "create":
                summary = await create_prefix(request, receive, self.report, replace=self.request.replace)
            else:
                summary = await change_prefix(request, receive, self.report)
        self.report(_finished(phase, request, summary, time.monotonic() - began))
        return summary

    def _start_fetching(self, group: TaskGroup, plan: Plan, sink: MemoryObjectSendStream[CachedPackage]) -> None:
        there = {package.record.fn for package in plan.packages}
        rest = [record for record in plan.transaction.link if record.fn not in there]
        if plan.packages or not rest:
            group.start_soon(_send, plan.packages, sink.clone() if rest else sink)
        if not rest:
            return
        group.start_soon(prepare, rest, self.cache, self.transport, fetch_settings(self.config), self.report, sink)

    async def _fetch_all(self, records: Sequence[RepoDataRecord]) -> tuple[CachedPackage, ...]:
        send, receive = anyio.create_memory_object_stream[CachedPackage](0)
        found: list[CachedPackage] = []
        async with anyio.create_task_group() as group:
            group.start_soon(
                prepare, records, self.cache, self.transport, fetch_settings(self.config), self.report, send
            )
            await _collect(receive, found)
        order = {record.fn: number for number, record in enumerate(records)}
        return tuple(sorted(found, key=lambda package: order.get(package.record.fn, 0)))

    def _link_request(self, plan: Plan) -> LinkRequest:
        return LinkRequest(
            prefix=self.request.prefix,
            platform=self.machine.platform,
            baked_prefix=self.config.relocate_prefix or "",
            link=plan.transaction.link,
            remove=plan.transaction.remove,
            requested=plan.requested,
            command=self.request.command,
            now=datetime.now(),
            update_specs=tuple(spec for specs in plan.requested.values() for spec in specs),
            remove_specs=tuple(map(str, self.request.remove)),
            options=link_options(self.config, self.environ),
            channel_names=self.channel_names,
            extra_files=self.request.files,
        )


async def _collect(source: MemoryObjectReceiveStream[CachedPackage], found: list[CachedPackage]) -> None:
    async with source:
        async for package in source:
            found.append(package)


async def _send(packages: Sequence[CachedPackage], sink: MemoryObjectSendStream[CachedPackage]) -> None:
    async with sink:
        for package in packages:
            await sink.send(package)


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


def pins_of(config: Config, prefix: str) -> tuple[MatchSpec, ...]:
    """What is pinned in an environment, by its own file and by the configuration; raises `ConfigError` for nonsense."""
    if config.no_pin:
        return ()
    configured = config.sources.get("pinned_packages", ("the configuration",))
    return (
        *parse_pins(read_pins(prefix), f"{prefix}/conda-meta/pinned"),
        *parse_pins(config.pinned_packages, ", ".join(dict.fromkeys(configured))),
    )


def read_pins(prefix: str) -> list[str]:
    """The lines of ``conda-meta/pinned`` (conda's and mamba's file of pins); none if there is none."""
    import os

    path = os.path.join(prefix, "conda-meta", "pinned")
    try:
        with open(path, encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip() and not line.startswith("#")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError | UnicodeDecodeError) -> WhipsnakeError:
    if isinstance(error, OSError):
        return StorageError.from_os_error(f"read {path}", error)
    return PrefixError(f"Could not read {path}: it is no text in UTF-8 (byte {error.start})")


def record_spec(record: RepoDataRecord) -> str:
    """A spec that means this package, for the history of packages given by address."""
    return f"{record.name}=={record.version}={record.build}"


def _finished(phase: Phase, request: LinkRequest, summary: LinkSummary, seconds: float) -> PhaseFinished:
    if phase is Phase.UNLINK:
        return PhaseFinished(phase, seconds, items=len(request.remove))
    note = describe_links(summary)
    return PhaseFinished(phase, seconds, items=len(request.link), bytes=summary.bytes, note=note)


def describe_links(summary: LinkSummary) -> str:
    """How files came to be, for the line about linking."""
    kinds = (
        (summary.hardlinked, "hard links"),
        (summary.reflinked, "reflinks"),
        (summary.copied, "copies"),
        (summary.softlinked, "soft links"),
        (summary.rewritten, "rewritten"),
        (summary.compiled, "compiled"),
    )
    parts = ", ".join(f"{count} {name}" for count, name in kinds if count)
    return f"{summary.files} files" + (f" ({parts})" if parts else "")
