"""The packages of one environment: `engine.planning.planner.Planner` over rows that were loaded before, once for
all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.bulk.indexes import Indexes, Need
from engine.bulk.messages import Solved, SolveJob
from engine.bulk.orders import Order
from engine.events import Report
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.transport import Transport
from engine.link.prefix.present import PrefixData
from engine.model.records import CachedPackage, RepoDataRecord
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows
from engine.planning.planner import Planner
from engine.request import InstallRequest, Services
from engine.settings import transport_settings
from engine.solve.task import Solution


class SharedPlanner(Planner):
    """Plans a new environment without touching the network: rows and packages are given."""

    def __init__(
        self,
        order: Order,
        services: Services,
        indexes: Indexes,
        known: Sequence[CachedPackage] = (),
    ) -> None:
        """``known`` are the packages that the order has by address."""
        request = InstallRequest(
            mode="create",
            prefix=order.prefix,
            asked=order.asked,
            channels=order.channels,
            no_deps=order.no_deps,
            only_deps=order.only_deps,
        )
        transport = Transport(transport_settings(services.config, services.environ))  # nothing opens it
        super().__init__(request, services, PrefixData(order.prefix, (), ()), transport, PackageCache(()))
        self._indexes, self._known = indexes, {package.record.fn: package for package in known}

    async def _solve(self, explicit: Sequence[RepoDataRecord]) -> Solution:
        return await self._solve_once(explicit, refresh=False)  # what was loaded for all is not fetched again for one

    async def _load(self, explicit: Sequence[RepoDataRecord], *, refresh: bool) -> Sequence[RepoData | ShardRows]:
        return self._indexes.rows(self.machine.platform, self.channels)

    def need(self) -> Need:
        """What must be loaded before `plan`."""
        asked = self.request.asked
        wanted = None if asked.explicit else self.wanted(())  # what those need is known only once they are there
        return Need(self.machine.platform, self.channels, wanted)

    async def _fetch(self, records: Sequence[RepoDataRecord]) -> tuple[CachedPackage, ...]:
        return tuple(self._known[record.fn] for record in records if record.fn in self._known)

    def _cached(self, records: Sequence[RepoDataRecord]) -> frozenset[str]:
        return frozenset()  # whoever fetches will look


def services_of(order: Order, environ: Mapping[str, str], report: Report) -> Services:
    """What planning and linking need for one environment."""
    return Services(order.config, environ, order.machine, report)


async def answer(job: SolveJob, order: Order, indexes: Indexes, environ: Mapping[str, str], report: Report) -> Solved:
    """Solve for an order. Raises `SolveError`, and `RepodataError` for a cached index that is damaged."""
    services = services_of(order, environ, report)
    plan = await SharedPlanner(order, services, indexes, job.known).plan()
    return Solved(job.number, plan.transaction.link, plan.requested, plan.channel_names)
