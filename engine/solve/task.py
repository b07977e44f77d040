"""What a solver is asked, and what it answers: `SolveTask` → `Solution`.

Rule of this file: one value holds everything that the answer may depend on. A task says nothing of files, clocks or
configuration; whoever builds it has resolved those.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from engine.model.channel import Channel
from engine.model.cutoff import Cutoffs
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, PrefixRecord, RepoDataRecord

ChannelPriority = Literal["strict", "flexible", "disabled"]
Keep = Literal["freeze", "prefer", "ignore"]


class Rows(Protocol):
    """One subdir of one channel, as `engine.model.repodata.RepoData` is."""

    @property
    def channel(self) -> Channel:
        """Where the rows are from."""
        ...

    @property
    def subdir(self) -> str:
        """Their platform, or ``noarch``."""
        ...

    def names(self) -> Collection[str]:
        """The names of all packages."""
        ...

    def records(self, name: str) -> Sequence[RepoDataRecord]:
        """All candidates of a name, in any order."""
        ...


def never() -> bool:
    """The `SolveTask.stop` of those who have time."""
    return False


class SolveTask(msgspec.Struct, frozen=True, kw_only=True):
    """A request and all facts that its answer depends on.

    The answer holds every package of ``specs``, nothing of ``remove``, and of ``installed`` what ``keep`` and
    ``update`` leave in place. The order of ``specs`` and of ``repodata`` counts: earlier matters more.
    """

    specs: tuple[MatchSpec, ...] = ()
    repodata: Sequence[Rows] = ()
    virtual: tuple[PackageRecord, ...] = ()
    """Facts of the machine (CEP 30) that dependencies on ``__name`` are held against."""
    installed: tuple[PrefixRecord, ...] = ()
    pinned: tuple[MatchSpec, ...] = ()
    """What a package must be if it is in the answer at all."""
    channel_priority: ChannelPriority = "strict"
    channel_addresses: Mapping[str, tuple[str, ...]] = {}
    """What the channel of a spec means: its text → addresses without secrets. A text that is not here is a name or an
    address itself (see `MatchSpec.matches`)."""
    exclude_newer: Cutoffs = Cutoffs()
    """Candidates that came later are passed over; what is installed stays."""
    keep: Keep = "prefer"
    """Whether installed packages that are not asked for must stay as they are ("freeze"), should ("prefer"), or
    are not looked at ("ignore"; they go unless needed)."""
    update: frozenset[str] = frozenset()
    """Installed packages to bring to the newest version (empty: none), after ``specs`` in order of name."""
    update_all: bool = False
    remove: tuple[MatchSpec, ...] = ()
    """Installed packages to take away, with those that need them."""
    prune: bool = False
    """Whether installed packages go that nobody asked for (`PrefixRecord.requested_specs`) and nothing needs."""
    pin_python: bool = True
    """Whether the minor version of an installed python stays, unless a spec is about python itself."""
    allow_uninstall: bool = True
    """Whether installed packages may go because of what is asked for; what ``remove`` and ``prune`` name may always."""
    allow_downgrade: bool = True
    """Whether installed packages may get older. A spec that they don't match says that its package may."""
    add_pip: bool = True
    """Whether python brings pip along, as micromamba's ``add_pip_as_python_dependency`` does."""
    no_deps: bool = False
    only_deps: bool = False
    ignore_needs: bool = False
    """Take every candidate for one that needs and excludes nothing (for ``no_deps`` where its needs can't be met)."""
    stop: Callable[[], bool] = never
    """Asked now and then; the search ends with an error when it says True."""


class Solution(msgspec.Struct, frozen=True, kw_only=True):
    """The best answer. ``records`` are what the prefix shall hold, dependencies before those that need them."""

    records: tuple[RepoDataRecord, ...]
    requested: tuple[str, ...] = ()
    """The names that the specs asked for."""
    decisions: int = 0
    conflicts: int = 0
    sat_calls: int = 0
    work: int = 0
    """Clauses written and conclusions drawn."""
