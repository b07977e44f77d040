"""What became of each environment, and how a run tells of its course. Rule: values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from engine.bulk.messages import How
from engine.bulk.orders import Order
from engine.config import Config
from engine.events import Event, Notice
from engine.link.request import LinkSummary
from engine.model.records import RepoDataRecord
from engine.system.failure import Failure

State = Literal["created", "recreated", "updated", "unchanged", "planned", "fetched", "failed", "stopped"]
"""``planned``: a dry run; ``fetched``: only the packages are there; ``stopped``: given up because others failed."""
STATES: tuple[State, ...] = (
    "created", "recreated", "updated", "unchanged", "planned", "fetched", "failed", "stopped",
)  # fmt: skip


class Task(msgspec.Struct, frozen=True):
    """An order that there is something to do for; ``number`` is its place in the run."""

    number: int
    order: Order
    how: How


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to run."""

    config: Config
    """What is the same for all: cache, network, threads."""
    environ: Mapping[str, str]
    command: str
    """The command line, for histories."""
    jobs: int = 0
    """Workers; 0: as many as help."""
    fail_fast: bool = False


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One environment at the end."""

    label: str
    prefix: str
    source: str
    state: State
    records: tuple[RepoDataRecord, ...] = ()
    """What it holds; empty where that was not looked into."""
    linked: int = 0
    """How many packages were linked."""
    solve_seconds: float = 0.0
    """Of solving, waiting for a worker included; 0 for those who got the answer of another one."""
    make_seconds: float = 0.0
    summary: LinkSummary = LinkSummary()
    failure: Failure | None = None


class Totals(msgspec.Struct, frozen=True):
    """What was done for all together."""

    seconds: float = 0.0
    solves: int = 0
    fetched: int = 0
    """Packages that were downloaded (or unpacked from archives in the cache)."""
    fetched_bytes: int = 0


class Watch(Protocol):
    """Who is told of the course of a run. Called from the thread of the event loop, but for `event`."""

    def stage(self, number: int, stage: str, done: int = 0, total: int = 0) -> None:
        """An environment has come to a stage, and ``done`` of ``total`` packages through it."""

    def finished(self, number: int, result: Result) -> None:
        """Nothing more will happen to an environment."""

    def notice(self, number: int, notice: Notice) -> None:
        """Something worth reading about an environment."""

    def event(self, event: Event) -> None:
        """What loading and fetching report, from any thread."""
