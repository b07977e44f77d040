"""Paths of Windows as the bash of Git, MSYS2 and Cygwin want them. Pure.

Such a shell hands us PATH in Windows' form (it converts it for every program that is not its own), but what it is
told to do it takes as it is: a ``;`` would be a single odd directory to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.shell.operations import Export, Operation, Source

_DRIVE = re.compile(r"([A-Za-z]):(?=[/\\]|$)")


def posix_path(path: str) -> str:
    """``C:\\x\\y`` as ``/c/x/y``; a share (``\\\\server\\x``) keeps its two slashes."""
    drive = _DRIVE.match(path)
    if drive:
        path = f"/{drive[1].lower()}{path[2:]}"
    return path.replace("\\", "/")


def posix_path_list(value: str) -> str:
    """A list as Windows has it in PATH, as POSIX has it."""
    return ":".join(posix_path(entry) for entry in value.split(";") if entry)


def for_msys(operations: Sequence[Operation]) -> list[Operation]:
    """The same operations with PATH and scripts in that form. Other variables are for programs of Windows."""
    found: list[Operation] = []
    for operation in operations:
        if isinstance(operation, Export) and operation.name == "PATH":
            found.append(Export("PATH", posix_path_list(operation.value)))
        elif isinstance(operation, Source):
            found.append(Source(posix_path(operation.path)))
        else:
            found.append(operation)
    return found
