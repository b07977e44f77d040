"""The operations that activation is made of, and how they are put in order.

Rule of this file: plain values. The order is that of conda's `activate.py` and mamba's `activation.cpp`: on
deactivation PATH; deactivate scripts of the old environment; unset; prompt; exports; activate scripts of the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec


class Export(msgspec.Struct, frozen=True):
    """Set a variable, for this shell and all that it starts."""

    name: str
    value: str


class Assign(msgspec.Struct, frozen=True):
    """Set a variable of the shell itself (its prompt), which is not passed on."""

    name: str
    value: str


class Unset(msgspec.Struct, frozen=True):
    """Forget a variable, which may not be there."""

    name: str


class Source(msgspec.Struct, frozen=True):
    """Run a script in this very shell."""

    path: str


Operation: TypeAlias = Export | Assign | Unset | Source


class Change:
    """What is to be done, collected out of order."""

    def __init__(self) -> None:
        self.path_first: str | None = None
        self.deactivate_scripts: tuple[str, ...] = ()
        self.variables: dict[str, str | None] = {}
        self.prompt: Assign | None = None
        self.activate_scripts: tuple[str, ...] = ()

    def set_all(self, variables: Mapping[str, str | None]) -> None:
        """Later values win; None unsets."""
        self.variables.update(variables)

    def operations(self) -> list[Operation]:
        """In their order."""
        found: list[Operation] = []
        if self.path_first is not None:
            found.append(Export("PATH", self.path_first))
        found += map(Source, self.deactivate_scripts)
        found += (Unset(name) for name, value in self.variables.items() if value is None)
        if self.prompt is not None:
            found.append(self.prompt)
        found += (Export(name, value) for name, value in self.variables.items() if value is not None)
        found += map(Source, self.activate_scripts)
        return found


def applied(operations: Iterable[Operation], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables after ``operations``, of which scripts and prompts are left out."""
    after = dict(environ)
    for operation in operations:
        if isinstance(operation, Export):
            after[operation.name] = operation.value
        elif isinstance(operation, Unset):
            after.pop(operation.name, None)
    return after
