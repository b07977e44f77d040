"""What passes between the run and those who solve and link for it. Rule: small plain values; environments have numbers.

A worker knows all orders and all rows from its start, so a message says only what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from engine.errors import WhipsnakeError
from engine.events import Notice
from engine.link.request import LinkSummary
from engine.model.records import CachedPackage, RepoDataRecord
from engine.system.failure import Failure

How = Literal["create", "recreate", "update", "finish"]
"""``finish``: the packages are there already, the rest is to be done."""
Step = Literal["link", "compile", "scripts", "pip"]


class SolveJob(msgspec.Struct, frozen=True, tag=True):
    """Find the packages of an environment; ``known`` are those given by address, which are fetched already."""

    number: int
    known: tuple[CachedPackage, ...] = ()


class MakeJob(msgspec.Struct, frozen=True, tag=True):
    """Make an environment of ``records``; those of ``link`` (file names) will be announced one by one."""

    number: int
    how: How
    records: tuple[RepoDataRecord, ...]
    link: tuple[str, ...]
    requested: Mapping[str, tuple[str, ...]]
    channel_names: Mapping[str, str]


class Arrived(msgspec.Struct, frozen=True, tag=True):
    """Packages that are ready: file name, unpacked directory, archive."""

    number: int
    packages: tuple[tuple[str, str, str], ...]


class Abandon(msgspec.Struct, frozen=True, tag=True):
    """Stop making an environment, and put back what there was."""

    number: int


Job: TypeAlias = SolveJob | MakeJob | Arrived | Abandon


class BulkError(WhipsnakeError):
    """A `Failure` on its way through the run."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, hint=failure.hint, data=failure.data)
        self.failure = failure


class Solved(msgspec.Struct, frozen=True, tag=True):
    """The packages of an environment, in link order."""

    number: int
    records: tuple[RepoDataRecord, ...]
    requested: Mapping[str, tuple[str, ...]]
    channel_names: Mapping[str, str]


class Made(msgspec.Struct, frozen=True, tag=True):
    """An environment is there, whole."""

    number: int
    summary: LinkSummary


class Failed(msgspec.Struct, frozen=True, tag=True):
    """What was asked for by a job could not be done; nothing of it is left."""

    number: int
    failure: Failure


class Progressed(msgspec.Struct, frozen=True, tag=True):
    """``done`` packages have gone through a step."""

    number: int
    step: Step
    done: int


class Said(msgspec.Struct, frozen=True, tag=True):
    """Something worth reading."""

    number: int
    notice: Notice


Answer: TypeAlias = Solved | Made | Failed | Progressed | Said
