"""Makes an environment. Rule: it appears at once and whole, or nothing is left (NEW-3).

Files are written into a staged prefix beside the final place, with the final path baked in; conda-meta and history
are in it too. One rename makes it appear. Only post-link scripts come after that, because they need the final path;
a mark in conda-meta covers that tail, so that `recover` can undo it if the process dies there.
"""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager, nullcontext

import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream

from engine.events import Notice, Report
from engine.flow import in_thread
from engine.link.packages.scripts import ScriptPlace, has_script, pre_unlink, run_script
from engine.link.plan.needs import needed_by_python
from engine.link.plan.noarch import PythonInfo, python_info
from engine.link.prefix.disk import storage
from engine.link.prefix.history import dist_string, format_block, history_path
from engine.link.prefix.lock import place_lock, prefix_lock
from engine.link.prefix.meta import is_environment
from engine.link.prefix.present import check_frozen
from engine.link.prefix.records import read_records
from engine.link.prefix.registry import register
from engine.link.request import LinkRequest, LinkSummary, PrefixTarget
from engine.link.transaction.apply import Filling
from engine.link.transaction.journal import Journal, drop_journal, write_journal
from engine.link.transaction.menus import change_menus, menus_to_remove
from engine.link.transaction.moving import begin_move, commit_move, end_move, undo_move
from engine.link.transaction.recover import recover
from engine.link.transaction.restore import link_order
from engine.link.transaction.staging import (
    Staging,
    close,
    discard,
    finish,
    open_staging,
    publish,
    take_back,
)
from engine.model.records import CachedPackage, RepoDataRecord


async def create_prefix(
    request: LinkRequest,
    packages: MemoryObjectReceiveStream[CachedPackage],
    report: Report,
    *,
    replace: bool = False,
) -> LinkSummary:
    """Make ``request.prefix`` from the packages that arrive, in any order, and register it.

    ``replace`` allows to put it in the place of an environment, which is gone in the end, or untouched on failure.
    Raises `PrefixError` if the place is taken, `PlaceholderError`, `ScriptError`, `StorageError` and other
    `LinkError` as they come; after any failure or cancellation nothing is left of the attempt.
    """
    with packages:
        async with (
            place_lock(request.prefix, request.options, report),
            _lock_of_source(request, report),
            _lock_of_present(request, report),
        ):
            await in_thread(recover, request.prefix)
            replaces = replace and is_environment(request.prefix)
            if replaces:
                check_frozen(request.prefix, override=request.options.override_frozen)
            return await _create(request, packages, report, replaces)


def _lock_of_present(request: LinkRequest, report: Report) -> AbstractAsyncContextManager[None]:
    """The lock of an environment that is there, and may have to be healed and replaced."""
    if is_environment(request.prefix):
        return prefix_lock(request.prefix, request.options, report)
    return nullcontext()


def _lock_of_source(request: LinkRequest, report: Report) -> AbstractAsyncContextManager[None]:
    """The lock of the environment that gets another place."""
    return prefix_lock(request.clone_of, request.options, report) if request.moves else nullcontext()


async def _create(
    request: LinkRequest, packages: MemoryObjectReceiveStream[CachedPackage], report: Report, replace: bool
) -> LinkSummary:
    menus = await in_thread(menus_to_remove, request) if replace else []
    if request.moves:
        menus += await in_thread(menus_to_remove, msgspec.structs.replace(request, prefix=request.clone_of))
        check_frozen(request.clone_of, override=request.options.override_frozen)
    staging = await in_thread(_open, request.prefix, replace)
    try:
        summary = await _build(request, staging, packages, report)
    except BaseException:
        await in_thread(_give_up, request, staging)
        raise
    messages = await _post_link(request, staging, report)
    if request.moves:
        await in_thread(end_move, request, report)
    await in_thread(finish, staging)
    await in_thread(_register, request, report)
    await in_thread(change_menus, request, menus, report)
    return msgspec.structs.replace(summary, messages=(*summary.messages, *messages))


def _give_up(request: LinkRequest, staging: Staging) -> None:
    discard(staging)
    if request.moves:
        undo_move(request)


def _open(prefix: str, replace: bool) -> Staging:
    return open_staging(prefix, replace=replace)


async def _build(
    request: LinkRequest, staging: Staging, packages: MemoryObjectReceiveStream[CachedPackage], report: Report
) -> LinkSummary:
    """Everything up to and including the rename."""
    target = target_for(request, staging.path, python_of(request.link, request.platform))
    python = os.path.join(staging.path, target.python.executable) if target.python else None
    arriving = tuple(record for record in request.link if record.name not in request.relocated)
    filled = msgspec.structs.replace(request, link=arriving) if request.relocated else request
    python = None if "python" in request.relocated else python  # it is not there before all is
    filling = Filling(filled, target, report, python=python, needed=needed_by_python(arriving))
    summary = await filling.run(packages)
    if request.moves:
        records = await in_thread(read_records, request.clone_of)
        place = msgspec.structs.replace(request, prefix=request.clone_of)
        messages = await pre_unlink(place, list(reversed(link_order(records))), report)
        summary = msgspec.structs.replace(summary, messages=(*summary.messages, *messages))
    await in_thread(_finish_files, request, staging)
    return summary


def target_for(request: LinkRequest, staging: str, python: PythonInfo | None) -> PrefixTarget:
    """The facts of the staged prefix."""
    return PrefixTarget(request.prefix, staging, request.baked, request.platform, python)


def python_of(records: tuple[RepoDataRecord, ...], platform: str) -> PythonInfo | None:
    """The facts of the ``python`` among some records."""
    return next((python_info(record, platform) for record in records if record.name == "python"), None)


def _finish_files(request: LinkRequest, staging: Staging) -> None:
    block = format_block(
        now=request.now,
        command=request.command,
        linked=[dist_string(record, request.channel_names) for record in request.link],
        update_specs=request.update_specs,
        remove_specs=request.remove_specs,
    )
    with (
        storage("write the history of the environment"),
        open(history_path(staging.path), "w", encoding="utf-8") as file,
    ):
        file.write(block)
    write_extra_files(request, staging.path)
    if request.clone_of:
        from engine.link.packages.relocate import relocate
        from engine.link.prefix.untracked import copy_untracked

        records = read_records(request.clone_of)
        for record in records:
            if record.name in request.relocated:
                relocate(record, request, staging.path)
        copy_untracked(request.clone_of, staging.path, request.baked, records, share=request.moves)
    source = request.clone_of if request.moves else ""
    if _with_scripts(request, staging.path):
        old = staging.path if staging.replaces else ""
        write_journal(staging.path, Journal(kind="create", old=old, source=source))
    elif request.moves:
        write_journal(staging.path, Journal(kind="moved", source=source))
    if request.moves:
        begin_move(request)
    publish(staging)


def write_extra_files(request: LinkRequest, staging: str) -> None:
    """Stage the files that come from no package."""
    with storage(f"write the files of {request.prefix}"):
        for path, content in request.extra_files.items():
            place = os.path.join(staging, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(content)


def _with_scripts(request: LinkRequest, directory: str) -> list[RepoDataRecord]:
    """The packages with a post-link script, in link order."""
    place = ScriptPlace(directory, request.prefix, request.platform)
    return [record for record in request.link if has_script(place, record.name, "post-link")]


async def _post_link(request: LinkRequest, staging: Staging, report: Report) -> list[str]:
    """Run the scripts; if one fails (or we are stopped), the environment disappears again."""
    place = ScriptPlace(request.prefix, request.prefix, request.platform)
    messages: list[str] = []
    try:
        for record in _with_scripts(request, request.prefix):
            messages += await run_script(place, record, "post-link", request.options, report)
        await in_thread(commit_move if request.moves else _commit, request)
    except BaseException:
        await in_thread(_undo, request, staging)
        raise
    return messages


def _commit(request: LinkRequest) -> None:
    drop_journal(request.prefix)


def _undo(request: LinkRequest, staging: Staging) -> None:
    try:
        take_back(staging)
        _give_up(request, staging)
    finally:
        close(staging)


def _register(request: LinkRequest, report: Report) -> None:
    registry = request.options.registry
    problem = register(registry, request.prefix) if registry else None
    if problem:
        report(Notice("warning", problem))
