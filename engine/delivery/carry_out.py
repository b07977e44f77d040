"""From a plan to what is on disk: packages are fetched and linked at the same time, and the prefix changes at the end.

Rule of this file: it carries out what was decided. Where fetching or linking fails, the other stops too, and the
first error is the one that comes out.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio
import msgspec
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine.events import Phase, PhaseFinished, PhaseStarted
from engine.fetch.cache.bytecode import BytecodeCache
from engine.fetch.cache.kept_plans import KeptPlans
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.fetch.packages.order import Rank
from engine.fetch.packages.prepare import prepare
from engine.flow import feed, in_thread
from engine.link.plan.needs import needed_by_python
from engine.link.request import LinkRequest, LinkSummary
from engine.model.records import CachedPackage, RepoDataRecord
from engine.request import Plan, Services
from engine.settings import fetch_settings, link_options

if TYPE_CHECKING:
    from engine.delivery.direct_hands import DirectHands

_WAITING = 32
"""Packages that may be ready before they are linked: small ones are linked several at once."""


async def carry_out(plan: Plan, services: Services, transport: Transport, cache: PackageCache) -> LinkSummary:
    """Do what the plan says. On any failure or cancellation the prefix is as it was."""
    send, receive = anyio.create_memory_object_stream[CachedPackage](_WAITING)

    async def heal(package: CachedPackage) -> CachedPackage:
        """A damaged package once more, sound."""
        return (await fetch_all((package.record,), services, transport, cache))[0]

    report = services.report
    request = msgspec.structs.replace(link_request(plan, services), heal=heal)
    phase = Phase.LINK if request.link or not request.remove else Phase.UNLINK
    began = time.monotonic()
    async with _direct_hands(plan, services) as hands, anyio.create_task_group() as group:
        if hands is not None:
            request = msgspec.structs.replace(request, make=hands.make)
        _start_fetching(group, plan, services, transport, cache, send, named=hands is not None)
        report(PhaseStarted(phase, items=len(request.link)))
        # Imported here, since who only looks at the plan need not wait for it.
        if plan.request.mode == "create":
            from engine.link.transaction.create import create_prefix

            summary = await create_prefix(request, receive, report, replace=plan.request.replace)
        else:
            from engine.link.transaction.change import change_prefix

            summary = await change_prefix(request, receive, report)
    report(_finished(phase, request, summary, time.monotonic() - began))
    return summary


@asynccontextmanager
async def _direct_hands(plan: Plan, services: Services) -> AsyncIterator[DirectHands | None]:
    """In direct mode, the processes that make files, where there is enough to do for them."""
    if services.cache_told is None:
        yield None
        return
    from engine.delivery.direct_hands import direct_hands

    hands = await in_thread(direct_hands, plan.transaction.link, fetch_settings(services.config))
    try:
        yield hands
    finally:
        if hands is not None:
            await in_thread(hands.close)


def _start_fetching(  # noqa: PLR0917 - each of its own type
    group: TaskGroup,
    plan: Plan,
    services: Services,
    transport: Transport,
    cache: PackageCache,
    sink: MemoryObjectSendStream[CachedPackage],
    *,
    named: bool,
) -> None:
    there = {package.record.fn for package in plan.packages}
    arriving = (record for record in plan.transaction.link if record.name not in plan.relocated)
    rest = [record for record in arriving if record.fn not in there]
    if plan.packages or not rest:
        feed(group, plan.packages, sink.clone() if rest else sink)
    if rest:
        settings = msgspec.structs.replace(fetch_settings(services.config), check_cached=False)
        rank = _rank(plan, services)
        if services.cache_told is not None:
            from engine.fetch.packages.direct import prepare_direct

            direct = partial(prepare_direct, named=named)
            group.start_soon(direct, rest, services.cache_told[0], transport, settings, services.report, sink, rank)
        else:
            group.start_soon(prepare, rest, cache, transport, settings, services.report, sink, rank)


def _rank(plan: Plan, services: Services) -> Rank:
    """What is to be byte-compiled comes before the rest, and Python before that: compiling takes longest, and can go on
    while others arrive."""
    needed = needed_by_python(plan.transaction.link)

    def rank(record: RepoDataRecord) -> int:
        if record.name in needed:
            return 0
        return 1 if services.config.compile_pyc and record.noarch_type == "python" else 2

    return rank


async def fetch_all(
    records: Sequence[RepoDataRecord], services: Services, transport: Transport, cache: PackageCache
) -> tuple[CachedPackage, ...]:
    """Fetch packages into the cache, and return them in the order of ``records``."""
    send, receive = anyio.create_memory_object_stream[CachedPackage](0)
    found: list[CachedPackage] = []
    async with anyio.create_task_group() as group:
        group.start_soon(prepare, records, cache, transport, fetch_settings(services.config), services.report, send)
        await _collect(receive, found)
    order = {record.fn: number for number, record in enumerate(records)}
    return tuple(sorted(found, key=lambda package: order.get(package.record.fn, 0)))


def link_request(plan: Plan, services: Services) -> LinkRequest:
    """What linking is asked to do for a plan."""
    options = link_options(services.config, services.environ)
    if services.cache_told is None:
        bytecode = BytecodeCache(PackageCache(services.config.pkgs_dirs))
        options = msgspec.structs.replace(options, bytecode=bytecode, plans=KeptPlans())
    return LinkRequest(
        prefix=plan.request.prefix,
        platform=services.machine.platform,
        baked_prefix=services.config.relocate_prefix or "",
        link=plan.transaction.link,
        remove=plan.transaction.remove,
        requested={**plan.kept, **plan.requested},
        command=plan.request.command,
        now=datetime.now(),
        update_specs=tuple(spec for specs in plan.requested.values() for spec in specs),
        remove_specs=(*map(str, plan.request.remove), *plan.forgotten),
        neutered_specs=plan.neutered,
        options=options,
        cache_told=services.cache_told,
        channel_names=plan.channel_names,
        extra_files=plan.request.files,
        clone_of=plan.request.clone_of,
        moves=plan.request.moves,
        relocated=plan.relocated,
    )


async def _collect(source: MemoryObjectReceiveStream[CachedPackage], found: list[CachedPackage]) -> None:
    async with source:
        async for package in source:
            found.append(package)


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
        (summary.unpacked, "unpacked"),
        (summary.rewritten, "rewritten"),
        (summary.compiled, "compiled"),
        (summary.bytecode, "byte-compiled before"),
    )
    parts = ", ".join(f"{count} {name}" for count, name in kinds if count)
    return f"{summary.files} files" + (f" ({parts})" if parts else "")
