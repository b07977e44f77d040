"""Why a clause holds: one type for each kind of rule. The search never formats text, the writer never searches.

Packages stand for their names here, candidates for their ranks (see `engine.solve.index`).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec


class Requested(msgspec.Struct, frozen=True, tag=True):
    """The user asked for it."""

    spec: str
    target: str


class Pinned(msgspec.Struct, frozen=True, tag=True):
    """A pin limits what the package may be if it is there."""

    spec: str
    target: str
    python: bool = False
    """Whether it is the pin that keeps an installed python's minor version."""


class Frozen(msgspec.Struct, frozen=True, tag=True):
    """It is installed and must stay as it is."""

    target: str
    dist: str


class Removed(msgspec.Struct, frozen=True, tag=True):
    """The user asked to take it away, or allowed nothing else to change."""

    spec: str
    target: str


class Bounded(msgspec.Struct, frozen=True, tag=True):
    """It is installed, and not everything may become of it."""

    target: str
    dist: str
    rule: Literal["uninstall", "downgrade"]
    """What must not happen."""


class Relation(msgspec.Struct, frozen=True, tag=True):
    """The candidates of ``name`` from rank ``start`` to ``stop - 1`` depend on, or constrain, something."""

    kind: Literal["depends", "constrains"]
    name: str
    start: int
    stop: int
    spec: str
    target: str
    """The package that ``spec`` is about."""
    group: str = ""
    """The group of optional dependencies that ``spec`` is in (CEP 44)."""


class Meaning(msgspec.Struct, frozen=True, tag=True):
    """What a condition means. It is true in itself, so nobody needs to be told."""

    condition: str


class Unreadable(msgspec.Struct, frozen=True, tag=True):
    """Candidates of ``name`` say something that is no valid specification, so they can't be used."""

    name: str
    start: int
    stop: int
    spec: str


RULES = (Requested, Pinned, Frozen, Bounded, Removed)
"""What the request says, not a record."""

Reason: TypeAlias = Requested | Pinned | Frozen | Bounded | Removed | Relation | Meaning | Unreadable
