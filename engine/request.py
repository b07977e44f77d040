"""What the flow is asked, what it plans and what it did: the values that pass between it and the commands.

Rule of this file: values only. `engine.install` joins the parts, `planning` decides, `delivery` does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from engine.config import Config
from engine.events import Report
from engine.inputs import Asked
from engine.link.request import LinkSummary
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import CachedPackage, PrefixRecord, RepoDataRecord
from engine.system.machine import Machine

if TYPE_CHECKING:
    from engine.solve.transaction import Transaction
    from engine.solve.why import WhyVersion

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
    update: frozenset[str] = frozenset()
    """Installed packages to bring to their newest version."""
    update_all: bool = False
    update_deps: bool = False
    """Bring what the packages asked for need to its newest version too."""
    skip_satisfied: bool = False
    """Do nothing if what is installed is what is asked for."""
    prune: bool = False
    """Whether what nobody needs any more goes along."""
    only_asked: bool = False
    """Whether everything goes that is neither asked for now nor needed by that (``env update --prune``)."""
    exact: tuple[RepoDataRecord, ...] | None = None
    """What the prefix shall hold, if that is decided already."""
    revision: int | None = None
    """The state in the prefix's history that shall come back."""
    exact_requested: Mapping[str, tuple[str, ...]] = {}
    """Of ``exact``: package name → the specs that once asked for it."""
    clone_of: str = ""
    """The environment that a new one is a copy of: what belongs to no package is copied from there."""
    moves: bool = False
    """Whether ``clone_of`` goes when the new one is there (``rename``)."""
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
    cache_told: tuple[str, str] | None = None
    """Without a cache: the directory that stands in for it until the command ends, and the one it stands for."""


class Held(msgspec.Struct, frozen=True):
    """A package that stays older than the newest there is."""

    record: PrefixRecord
    newest: RepoDataRecord
    why: WhyVersion | None = None
    """The reason, where it was looked for."""


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
    kept: Mapping[str, tuple[str, ...]] = {}
    """Package name → the specs that asked for it earlier, and go on counting."""
    neutered: tuple[str, ...] = ()
    """Names whose earlier specs could not be kept to."""
    forgotten: tuple[str, ...] = ()
    """Names that count as not asked for any more."""
    relocated: frozenset[str] = frozenset()
    """Names of packages that are taken from the environment that is cloned, since the cache has lost them."""
    held: tuple[Held, ...] = ()
    """Packages that were to be updated, and are not the newest."""
    news: bool = False
    """Whether the history has something to note even if no package changes: specs that nobody had given before."""

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
