"""What linking keeps of cached packages: plans, so that the next environment need not make them again.

    <package>/info/whipsnake/<name>           one plan (`engine.link.reuse.kept`)

Rule of this file: it is a cache and no more. What can't be read is as if it were not there, and what can't be written
is not kept. It lies in the package, beside byte-compiled files (`engine.fetch.cache.bytecode`), and goes with it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO

from engine.fetch.cache.bytecode import PLACE
from engine.model.records import CachedPackage
from engine.system.file_io import write_atomic

_READING = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class KeptPlans:
    """The plans beside all packages."""

    def place(self, package: CachedPackage) -> str:
        """The directory of a package's plans, and of its byte-compiled files."""
        return f"{package.directory}/{PLACE}"

    def open(self, package: CachedPackage, name: str) -> FileIO | None:
        """One plan; None where there is none."""
        try:
            file = os.open(f"{self.place(package)}/{name}", _READING)
        except OSError:
            return None
        return FileIO(file)

    def write(self, package: CachedPackage, name: str, data: bytes) -> None:
        """Keep a plan, in place of another of that name."""
        place = self.place(package)
        with suppress(OSError):
            os.makedirs(place, exist_ok=True)
            write_atomic(f"{place}/{name}", [data])
