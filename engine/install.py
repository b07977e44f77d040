"""The flow: from a request to an environment. Every command that makes or changes one is a few lines around this.

    request → repodata → solve → transaction → (the caller agrees) → packages → prefix

Rule of this file: it only joins the parts. `engine.planning.planner` decides, `engine.delivery.carry_out` fetches and
links; the prefix itself changes in one step at the end, or not at all.
"""

from __future__ import annotations

from functools import partial

import anyio.to_thread

from engine.delivery.carry_out import carry_out, fetch_all
from engine.environment.requested import with_requested
from engine.errors import HttpStatusError, VerificationError
from engine.events import Notice
from engine.fetch.archive.verify import FilesDiffer
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.flow import first_error, in_thread
from engine.link.prefix.lock import prefix_lock
from engine.link.prefix.present import PrefixData, check_frozen, check_new_prefix, read_prefix
from engine.link.transaction.recover import recover
from engine.planning.planner import Planner
from engine.request import Accept, InstallRequest, Outcome, Plan, Services
from engine.settings import link_options, transport_settings


async def install(request: InstallRequest, services: Services, accept: Accept) -> Outcome:
    """Bring ``request.prefix`` to what is asked for. Raises the errors of every part; then nothing has changed."""
    config = services.config
    if config.no_cache and services.cache_told is None:
        from engine.delivery.cacheless import without_cache  # rarely asked for

        async with without_cache(services, request.prefix) as cacheless:
            return await install(request, cacheless, accept)
    if request.mode == "create":
        check_new_prefix(request.prefix, replace=request.replace or config.dry_run or config.download_only)
        return await _install(request, services, accept, PrefixData(request.prefix, (), ()))
    options = link_options(config, services.environ)
    async with prefix_lock(request.prefix, options, services.report):
        note = await anyio.to_thread.run_sync(recover, request.prefix)
        if note:
            services.report(Notice("warning", note))
        if not config.dry_run:
            await in_thread(partial(check_frozen, request.prefix, override=options.override_frozen))
        present = await anyio.to_thread.run_sync(read_prefix, request.prefix)
        records = with_requested(present.records, present.history)
        outcome = await _install(request, services, accept, PrefixData(request.prefix, records, present.history))
        if outcome.summary is not None and config.prefix_data_interoperability:
            await _drop_replaced(outcome.plan, services)
        return outcome


async def _install(request: InstallRequest, services: Services, accept: Accept, present: PrefixData) -> Outcome:
    config = services.config
    cache = PackageCache(config.pkgs_dirs)
    async with Transport(transport_settings(config, services.environ), services.report) as transport:
        plan = await Planner(request, services, present, transport, cache).plan()
        if not await accept(plan) or config.dry_run:
            return Outcome(plan)
        if config.download_only:
            await fetch_all(plan.transaction.link, services, transport, cache)
            return Outcome(plan)
        if plan.transaction.is_empty and not plan.news and request.mode != "create":
            return Outcome(plan)
        try:
            return Outcome(plan, await carry_out(plan, services, transport, cache))
        except Exception as raised:
            if config.offline or not _may_be_of_an_old_index(first_error(raised)):
                raise
            planner = Planner(request, services, present, transport, cache, refresh=True)
            fresh = await _other_plan(planner, plan, raised)
        if not await accept(fresh):
            return Outcome(fresh)
        return Outcome(fresh, await carry_out(fresh, services, transport, cache))


def _may_be_of_an_old_index(error: BaseException) -> bool:
    """Whether a package is gone from where the index said, or another one is in its place: the index that we had in
    the cache, or that a cache on the way gave us, may be of yesterday."""
    if isinstance(error, HttpStatusError):
        return error.status in (404, 410)
    return isinstance(error, VerificationError) and not isinstance(error, FilesDiffer)


async def _other_plan(planner: Planner, plan: Plan, raised: Exception) -> Plan:
    """The plan by a fresh index. Raises what was ``raised`` if that asks for the very same packages."""
    planner.report(Notice("warning", f"{first_error(raised)}\nThe index is fetched anew: it may be an old one."))
    fresh = await planner.plan()
    if _archives(fresh) == _archives(plan):
        raise raised
    return fresh


def _archives(plan: Plan) -> set[tuple[str, str | None, str | None]]:
    return {(record.url, record.sha256, record.md5) for record in plan.transaction.link}


async def _drop_replaced(plan: Plan, services: Services) -> None:
    """What pip had installed goes where a package of the same name came."""
    from engine.environment.pip_replaced import drop_replaced_in  # rarely asked for

    names = {record.name for record in plan.transaction.link}
    for dropped in await anyio.to_thread.run_sync(drop_replaced_in, plan.request.prefix, names):
        services.report(Notice("info", f"{dropped.name} {dropped.version} from pip was replaced."))
