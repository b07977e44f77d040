"""What the flow is asked, what it plans and what it did: the values that pass between it and the commands.

Rule of this file: values only. `engine.install` joins the parts, `planning` decides, `delivery` does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec

from engine.config import Config
from engine.events import Report
from engine.inputs import Asked
from engine.link.request import LinkSummary
from engine.machine import Machine
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import CachedPackage, RepoDataRecord
from engine.solve.transaction import Transaction

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
