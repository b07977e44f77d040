"""No shell: the operations as JSON, for editors and other programs (conda's ``shell.posix+json``).

Rule of this file: values only; whoever reads them needs no quoting rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.errors import UsageError
from engine.shell.dialect import Dialect, Program
from engine.shell.operations import Assign, Export, Operation, Source, Unset


def render(operations: Sequence[Operation]) -> str:
    """One object: ``export`` and ``set`` (name → value), ``unset`` (names), ``deactivate`` and ``activate`` scripts."""
    exports = [place for place, item in enumerate(operations) if isinstance(item, Export) and item.name != "PATH"]
    border = exports[0] if exports else 0
    scripts = [(place, item.path) for place, item in enumerate(operations) if isinstance(item, Source)]
    found: dict[str, Any] = {
        "export": {item.name: item.value for item in operations if isinstance(item, Export)},
        "set": {item.name: item.value for item in operations if isinstance(item, Assign)},
        "unset": [item.name for item in operations if isinstance(item, Unset)],
        "deactivate": [path for place, path in scripts if place < border],
        "activate": [path for place, path in scripts if place > border],
    }
    return msgspec.json.encode(found).decode() + "\n"


def _refuse(program: Program) -> str:
    raise UsageError("JSON is no shell: there is nothing to hook into.", hint="Say --shell with the name of a shell.")


DIALECT = Dialect(".sh", render, _refuse, _refuse)
