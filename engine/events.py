"""What the engine reports while it works. Plain values only: nothing here draws, formats or knows a clock.

Whoever starts the engine passes a `Report`, a callable that takes one event. It may be called from worker
threads, so it must be quick and safe to call from several at once.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Literal, TypeAlias

import msgspec


class Phase(str, Enum):
    """The steps that a user sees, in their order."""

    REPODATA = "repodata"
    SOLVE = "solve"
    FETCH = "fetch"
    """Download, verify and extract, which overlap."""
    LINK = "link"
    UNLINK = "unlink"
    """Packages only go."""
    COMPILE = "compile"
    SCRIPTS = "scripts"
    PIP = "pip"


class PhaseStarted(msgspec.Struct, frozen=True):
    """A phase begins; ``items`` and ``bytes`` are what lies ahead of it, as far as known."""

    phase: Phase
    items: int = 0
    bytes: int = 0


class PhaseFinished(msgspec.Struct, frozen=True):
    """A phase ended well after ``seconds``; ``items``, ``bytes`` and ``note`` say what it did."""

    phase: Phase
    seconds: float
    items: int = 0
    bytes: int = 0
    note: str = ""


class TransferStarted(msgspec.Struct, frozen=True):
    """A download begins. ``key`` names it in later events; ``total`` is its size in bytes if known."""

    key: str
    name: str
    kind: Literal["repodata", "package"]
    total: int | None = None


class TransferAdvanced(msgspec.Struct, frozen=True):
    """``amount`` more bytes of a download arrived."""

    key: str
    amount: int


class TransferFinished(msgspec.Struct, frozen=True):
    """A download ended; ``note`` is set where its bytes did not come from the network ("cached", "not modified")."""

    key: str
    note: str = ""


class WorkStarted(msgspec.Struct, frozen=True):
    """A worker took up a package."""

    stage: Literal["extract", "link", "compile", "script"]
    name: str


class WorkFinished(msgspec.Struct, frozen=True):
    """A worker is done with a package; ``files`` and ``bytes`` are what it made."""

    stage: Literal["extract", "link", "compile", "script"]
    name: str
    files: int = 0
    bytes: int = 0


class Notice(msgspec.Struct, frozen=True):
    """Something worth reading that is no failure."""

    level: Literal["debug", "info", "warning"]
    text: str


class Output(msgspec.Struct, frozen=True):
    """A line that a child process (pip, a link script) printed."""

    source: str
    line: str


Event: TypeAlias = (
    PhaseStarted
    | PhaseFinished
    | TransferStarted
    | TransferAdvanced
    | TransferFinished
    | WorkStarted
    | WorkFinished
    | Notice
    | Output
)
Report: TypeAlias = Callable[[Event], None]


def silent(event: Event) -> None:
    """A `Report` for those who don't want to know."""


def both(first: Report, second: Report) -> Report:
    """A report to two."""

    def report(event: Event) -> None:
        first(event)
        second(event)

    return report
