"""From solved packages to an environment that is there whole: files, then the pip part, then its mark.

Rule of this file: one environment, by the public ways of `engine.link`. What fails leaves the place as it was; a pip
part that fails takes a new environment away again.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping

import anyio.to_thread
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream

from engine.bulk.mark import NAME, finish, first_mark
from engine.bulk.messages import MakeJob
from engine.bulk.orders import Order
from engine.bulk.solving import services_of
from engine.delivery.carry_out import link_request
from engine.environment.pip import PipRequest, install_requirements
from engine.environment.state import new_files, read_state, state_file
from engine.errors import LinkError
from engine.events import Report
from engine.link.prefix.disk import write_atomic
from engine.link.prefix.lock import prefix_lock
from engine.link.prefix.present import read_prefix
from engine.link.request import LinkRequest, LinkSummary
from engine.link.reuse.sharing import Shared
from engine.link.transaction.change import change_prefix
from engine.link.transaction.create import create_prefix
from engine.link.transaction.recover import recover
from engine.link.transaction.remove import remove_prefix
from engine.model.records import CachedPackage
from engine.request import InstallRequest, Mode, Plan
from engine.settings import link_options
from engine.solve.transaction import Transaction

Packages = MemoryObjectReceiveStream[CachedPackage]


class Making:
    """One environment in work. Make one, `run` it once."""

    def __init__(
        self,
        order: Order,
        job: MakeJob,
        environ: Mapping[str, str],
        command: str,
        report: Report,
        *,
        threads: int = 0,
        shared: Shared | None = None,
    ) -> None:
        """``command`` is the command line, for the history; ``threads`` link, where the configuration leaves it open
        (0: as many as help); ``shared`` is what the environments of one worker have in common."""
        config = order.config
        order = msgspec.structs.replace(
            order, config=msgspec.structs.replace(config, link_threads=config.link_threads or threads)
        )
        self._order, self._job, self._environ, self._command, self._report = order, job, environ, command, report
        self._services, self._shared = services_of(order, environ, report), shared

    async def run(self, packages: Packages) -> LinkSummary:
        """Make it, or bring it up to date. Raises what linking and pip raise."""
        match self._job.how:
            case "create" | "recreate":
                return await self._create(packages)
            case "update":
                return await self._update(packages)
            case "finish":
                packages.close()
                await self._finish()
                return LinkSummary()

    async def _create(self, packages: Packages) -> LinkSummary:
        transaction = Transaction.between((), self._job.records)
        request = self._request(transaction, "create", self._new_files())
        summary = await create_prefix(request, packages, self._report, replace=self._job.how == "recreate")
        try:
            await self._finish()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await remove_prefix(self._removal(), self._report)
            raise
        return summary

    def _new_files(self) -> dict[str, bytes]:
        order = self._order
        files = new_files(order.asked.variables, order.config.platform if order.pins_platform else "")
        return {**files, NAME: first_mark(order.digest, self._job.records)}

    async def _update(self, packages: Packages) -> LinkSummary:
        """Change what differs from a new environment, and nothing else."""
        prefix = self._order.prefix
        options = link_options(self._order.config, self._environ)
        async with prefix_lock(prefix, options, self._report):
            await anyio.to_thread.run_sync(recover, prefix)
            present = await anyio.to_thread.run_sync(read_prefix, prefix)
            transaction = Transaction.between(present.records, self._job.records)
            self._check_unchanged(transaction)
            summary = LinkSummary()
            if transaction.is_empty:
                packages.close()
            else:
                request = self._request(transaction, "install", {})
                summary = await change_prefix(request, packages, self._report)
            await self._finish()
        return summary

    def _check_unchanged(self, transaction: Transaction) -> None:
        lacking = {record.fn for record in transaction.link}.difference(self._job.link)
        if lacking:
            raise LinkError(
                f"Could not update {self._order.prefix}: another process has changed it since it was looked at",
                hint="Run the command again.",
            )

    def _request(self, transaction: Transaction, mode: Mode, files: Mapping[str, bytes]) -> LinkRequest:
        order, job = self._order, self._job
        request = InstallRequest(
            mode=mode,
            prefix=order.prefix,
            asked=order.asked,
            channels=order.channels,
            command=self._command,
            files=files,
        )
        plan = Plan(request, transaction, frozenset(), job.requested, (), job.channel_names)
        return msgspec.structs.replace(link_request(plan, self._services), shared=self._shared)

    async def _finish(self) -> None:
        """What comes after the packages: variables, the pip part, the mark that says that all is done."""
        order = self._order
        if order.asked.variables and self._job.how == "update":
            await anyio.to_thread.run_sync(self._set_variables)
        for part in order.asked.pip_parts:
            request = PipRequest(
                prefix=order.prefix,
                requirements=part.lines,
                directory=part.directory,
                environ=self._environ,
                platform=order.config.platform,
                use_uv=order.asked.use_uv,
            )
            await install_requirements(request, self._report)
        await anyio.to_thread.run_sync(finish, order.prefix, order.digest)

    def _set_variables(self) -> None:
        prefix = self._order.prefix
        state = state_file(read_state(prefix), self._order.asked.variables)
        write_atomic(os.path.join(prefix, "conda-meta", "state"), state)

    def _removal(self) -> LinkRequest:
        return LinkRequest(
            prefix=self._order.prefix,
            platform=self._order.config.platform,
            now=datetime.datetime.now(),
            options=link_options(self._order.config, self._environ),
        )
