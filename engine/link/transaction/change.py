"""Changes an environment: packages go, packages come. Rule: the old state or the new one, at any instant (ISS-40).

Everything new is staged first, in ``conda-meta/.whipsnake-…/new``, with the final path baked in. Only then files are
moved: those that go into ``old``, those that come out of ``new``, by renames that a journal lists. Whatever fails
is undone at once; what was cut short is undone at the next opening (`recover`). That the journal is moved away is the
commit.
"""

from __future__ import annotations

import os
from functools import partial

import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream

from engine.errors import LinkError, PrefixError
from engine.events import Notice, Report
from engine.flow import in_thread
from engine.link.packages.scripts import ScriptPlace, pre_unlink, run_script
from engine.link.packages.settle import PREVENTED
from engine.link.plan.needs import needed_by_python
from engine.link.plan.noarch import PythonInfo
from engine.link.prefix.disk import remove_tree, storage
from engine.link.prefix.history import dist_string, format_block, history_path, history_to_continue
from engine.link.prefix.lock import make_held, prefix_lock
from engine.link.prefix.meta import META, own_name, takes_packages
from engine.link.prefix.present import check_frozen
from engine.link.prefix.records import read_records
from engine.link.prefix.removed import REMOVED, with_removed
from engine.link.request import LinkRequest, LinkSummary
from engine.link.transaction.apply import Filling
from engine.link.transaction.create import python_of, target_for, write_extra_files
from engine.link.transaction.difference import plan_change
from engine.link.transaction.journal import (
    Journal,
    commit_change,
    do_change,
    drop_journal,
    journal_path,
    undo_change,
    write_journal,
)
from engine.link.transaction.menus import change_menus, menus_to_remove
from engine.link.transaction.recover import recover, sweep
from engine.link.transaction.restore import restore
from engine.model.records import CachedPackage


async def change_prefix(
    request: LinkRequest, packages: MemoryObjectReceiveStream[CachedPackage], report: Report
) -> LinkSummary:
    """Remove ``request.remove`` from ``request.prefix`` and link the packages that arrive.

    Installed packages of the same name as one that arrives go too. Raises `PrefixError` if there is no environment,
    `FrozenError`, `LockError`, and what linking raises; after any failure or cancellation the environment is as
    it was. (What pre-unlink scripts did stays done.)
    """
    prefix = request.prefix
    with packages:
        if not takes_packages(prefix):
            raise PrefixError(f"Could not change {prefix}: it is no environment", hint="`whipsnake create` makes one.")
        return await _change_locked(request, packages, report)


async def _change_locked(
    request: LinkRequest, packages: MemoryObjectReceiveStream[CachedPackage], report: Report
) -> LinkSummary:
    prefix = request.prefix
    async with prefix_lock(prefix, request.options, report):
        await in_thread(recover, prefix)
        await in_thread(partial(check_frozen, prefix, override=request.options.override_frozen))
        change = await in_thread(_Change, request, report)
        try:
            return await change.run(packages)
        finally:
            await in_thread(change.close)


class _Change:
    """One change under way."""

    def __init__(self, request: LinkRequest, report: Report) -> None:
        self.request, self.report = request, report
        self.prefix = request.prefix
        names = {record.name for record in (*request.remove, *request.link)}
        installed = read_records(self.prefix)
        self.removed = [record for record in installed if record.name in names]
        self.survivors = [record for record in installed if record.name not in names]
        self.staging = f"{META}/{own_name()}"
        self.new = os.path.join(self.prefix, self.staging, "new")
        with storage(f"change the environment {self.prefix}"):
            self.holds = make_held(os.path.join(self.prefix, self.staging))
            os.makedirs(os.path.join(self.new, META))
            os.mkdir(os.path.join(self.prefix, self.staging, "old"))

    def close(self) -> None:
        """Remove the staging directory, done or not; but never while the journal may still need it."""
        while self.holds:
            os.close(self.holds.pop())
        if not os.path.lexists(journal_path(self.prefix)):
            remove_tree(os.path.join(self.prefix, self.staging))

    async def run(self, packages: MemoryObjectReceiveStream[CachedPackage]) -> LinkSummary:
        filling = self._filling()
        summary = await filling.run(packages)
        journal = await in_thread(self._prepare)
        menus = await in_thread(menus_to_remove, self.request, {record.name for record in self.removed})
        messages = await self._pre_unlink()
        try:
            await in_thread(write_journal, self.prefix, journal)
            await in_thread(do_change, self.prefix, journal)
            messages += await self._post_link()
            await in_thread(commit_change, self.prefix, journal)
        except BaseException:
            await in_thread(self._undo, journal)
            raise
        await in_thread(sweep, self.prefix, journal.away)
        await in_thread(change_menus, self.request, menus, self.report)
        return msgspec.structs.replace(summary, messages=(*summary.messages, *messages))

    def _filling(self) -> Filling:
        """Python may come with this change, or be there already."""
        request = self.request
        target = target_for(request, self.new, self._python())
        comes = any(record.name == "python" for record in request.link)
        if target.python is None:
            return Filling(request, target, self.report, python=None, needed=frozenset())
        home = self.new if comes else self.prefix
        needed = needed_by_python(request.link) if comes else frozenset[str]()
        # A new Python may need libraries that stay where they are; then it does not run from the staging directory,
        # which the compilers find out, and its packages are compiled when they are first used.
        python = os.path.join(home, target.python.executable)
        return Filling(request, target, self.report, python=python, needed=needed)

    def _python(self) -> PythonInfo | None:
        platform = self.request.platform
        return python_of(self.request.link, platform) or python_of(tuple(self.survivors), platform)

    def _prepare(self) -> Journal:
        """Stage what is left to stage, and plan the renames."""
        restored = restore(
            self.request,
            self.new,
            removed=self.removed,
            survivors=self.survivors,
            python=self._python(),
            report=self.report,
        )
        self._stage_history()
        self._stage_removed()
        write_extra_files(self.request, self.new)
        found = plan_change(self.prefix, self.staging, self.removed, self.survivors, restored)
        if found.warnings and self.request.options.prevent_conflicts:
            raise LinkError(found.warnings[0], hint=PREVENTED)
        for text in found.warnings:
            self.report(Notice("warning", text))
        return found.journal

    def _stage_history(self) -> None:
        names = self.request.channel_names
        block = format_block(
            now=self.request.now,
            command=self.request.command,
            unlinked=[dist_string(record, names) for record in self.removed],
            linked=[dist_string(record, names) for record in self.request.link],
            listed=[dist_string(record, names) for record in self.survivors],
            update_specs=self.request.update_specs,
            remove_specs=self.request.remove_specs,
            neutered_specs=self.request.neutered_specs,
        )
        with storage("write the history of the environment"):
            before = history_to_continue(self.prefix)
            with open(history_path(self.new), "wb") as file:
                file.write(before + block.encode())

    def _stage_removed(self) -> None:
        """Note the records of what goes, for those who want it back."""
        stay = {(record.dist, record.url) for record in self.request.link}
        content = with_removed(self.prefix, [one for one in self.removed if (one.dist, one.url) not in stay])
        if content is not None:
            with storage(f"write {REMOVED}"), open(os.path.join(self.new, REMOVED), "wb") as file:
                file.write(content)

    async def _pre_unlink(self) -> list[str]:
        """A failing one is only worth a warning: the package shall go in any case (as conda has it)."""
        return await pre_unlink(self.request, self.removed, self.report)

    async def _post_link(self) -> list[str]:
        place = ScriptPlace(self.prefix, self.prefix, self.request.platform)
        messages: list[str] = []
        for record in self.request.link:
            messages += await run_script(place, record, "post-link", self.request.options, self.report)
        return messages

    def _undo(self, journal: Journal) -> None:
        if os.path.lexists(journal_path(self.prefix)):
            undo_change(self.prefix, journal)
            drop_journal(self.prefix)
