"""What is measured: each scenario says how the place looks before, and what is then done and timed.

    cold     nothing cached, no environment       create
    warm     packages and index cached            create
    direct   nothing cached, nothing may stay     create without a cache (others: create, then clean)
    no-op    all is there                         install what is there
    update   the environment of version 1         install version 2 (a fifth of the packages changes)
    remove   all is there                         remove ``science``, and with it all that nobody needs any more

"update" starts with all packages in the cache: it measures changing, not fetching.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perf.contenders import Contender, Job, with_action

Execute = Callable[[list[str]], object]
"""Runs a command that is not timed."""
OLD, NEW = ("python", "science=1.0"), ("python", "science=2.0")
_META = "science"


@dataclass(frozen=True)
class Scenario:
    """One kind of measurement."""

    name: str
    what: str
    prepare: Callable[[Contender, Job, Execute], None]
    job: Callable[[Job], Job]


def _bring(contender: Contender, job: Job, execute: Execute) -> None:
    command = contender.command(job)
    assert command is not None, f"{contender.name} can't create"
    execute(command)


def _empty(contender: Contender, job: Job, execute: Execute) -> None:
    shutil.rmtree(job.cache, ignore_errors=True)
    shutil.rmtree(job.prefix, ignore_errors=True)


def _filled(contender: Contender, job: Job, execute: Execute) -> None:
    """The cache has all; the prefix is not there. (A run before filled the cache, unless this is the first.)"""
    if not job.cache.exists():
        _bring(contender, job, execute)
    shutil.rmtree(job.prefix, ignore_errors=True)


def _there(contender: Contender, job: Job, execute: Execute) -> None:
    if not (job.prefix / "conda-meta" / "history").exists() or not _holds(job.prefix, "2.0"):
        shutil.rmtree(job.prefix, ignore_errors=True)
        _bring(contender, with_action(job, "create", *NEW), execute)


def _there_old(contender: Contender, job: Job, execute: Execute) -> None:
    _filled(contender, job, execute)
    _bring(contender, with_action(job, "create", *OLD), execute)


def _holds(prefix: Path, version: str) -> bool:
    return any(prefix.glob(f"conda-meta/{_META}-{version}-*.json"))


SCENARIOS = (
    Scenario("cold", "nothing cached", _empty, lambda job: job),
    Scenario("warm", "all cached", _filled, lambda job: job),
    Scenario("no-op", "install what is there", _there, lambda job: with_action(job, "install", *NEW)),
    Scenario("remove", "remove all but python", _there, lambda job: with_action(job, "remove", _META)),
    Scenario("update", "a fifth of the packages changes", _there_old, lambda job: with_action(job, "install", *NEW)),
    Scenario("direct", "nothing cached before or after", _empty, lambda job: with_action(job, "direct", *job.specs)),
)
"""In the order in which a round goes: what one leaves, the next can use."""
