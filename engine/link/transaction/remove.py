"""Removes a whole environment: out of sight by one rename, then deleted."""

from __future__ import annotations

import os
from functools import partial

from engine.errors import PrefixError
from engine.events import Notice, Report
from engine.flow import in_thread
from engine.link.packages.scripts import pre_unlink
from engine.link.prefix.lock import prefix_lock
from engine.link.prefix.meta import is_environment
from engine.link.prefix.present import check_frozen
from engine.link.prefix.records import read_records
from engine.link.prefix.registry import unregister
from engine.link.request import LinkRequest
from engine.link.transaction.menus import change_menus, menus_to_remove
from engine.link.transaction.recover import recover
from engine.link.transaction.restore import link_order
from engine.link.transaction.vanish import vanish


async def remove_prefix(request: LinkRequest, report: Report) -> None:
    """Remove ``request.prefix`` and take it out of the registry.

    Pre-unlink scripts run first, those of dependents before those of what they need; their failures are warnings.
    Raises `PrefixError` for the root prefix and for what is no environment, `FrozenError`, `LockError`.
    """
    prefix = request.prefix
    await in_thread(_check, prefix, request.options.root_prefix)
    async with prefix_lock(prefix, request.options, report):
        await in_thread(recover, prefix)
        await in_thread(partial(check_frozen, prefix, override=request.options.override_frozen))
        records = await in_thread(read_records, prefix)
        await pre_unlink(request, list(reversed(link_order(records))), report)
        menus = await in_thread(menus_to_remove, request)
        await in_thread(vanish, prefix)
    await in_thread(change_menus, request, menus, report)
    registry = request.options.registry
    problem = await in_thread(unregister, registry, prefix) if registry else None
    if problem:
        report(Notice("warning", problem))


def _check(prefix: str, root_prefix: str) -> None:
    if root_prefix and os.path.realpath(prefix) == os.path.realpath(root_prefix):
        raise PrefixError(f"Could not remove {prefix}: it is the root prefix, which other environments need")
    if not is_environment(prefix):
        raise PrefixError(
            f"Could not remove {prefix}: it is no environment (it has no conda-meta/history)",
            hint="If it is to go all the same, remove the directory yourself.",
        )
