"""Files whose content is changed for one prefix. Rule: what was written is noted, with its digest, for conda-meta."""

from __future__ import annotations

import hashlib
import os

from engine.errors import PlaceholderError
from engine.link.files import placeholder
from engine.link.files.linked import Linked, Written
from engine.link.files.modes import create
from engine.link.plan.package_plan import PlannedPath
from engine.link.request import PrefixTarget
from engine.system.file_io import write_all
from engine.system.writing import TIMES_BY_HANDLE

SECOND = 1_000_000_000


class Rewriter:
    """Of one package; what it writes is noted in ``done``."""

    def __init__(self, dist: str, target: PrefixTarget, done: Linked) -> None:
        self._dist, self._target, self._done = dist, target, done

    def signed_again(self, target: str, before: bytes, data: bytes) -> bytes:
        """For Apple Silicon, where nothing with a void signature runs: the new content with a right one."""
        if self._target.platform != "osx-arm64":
            return data
        from engine.link.files import mach_o

        if not mach_o.is_mach_o(data):
            return data
        signed = mach_o.resigned(data) if len(before) == len(data) else None
        if signed is None:
            self._done.unsigned.append(target)
        return data if signed is None else signed

    def replaced(self, path: PlannedPath, data: bytes) -> bytes:
        """The content with the prefix in place of the placeholder. Raises `PlaceholderError`."""
        entry, prefix = path.entry, self._target.baked_prefix
        old = entry.prefix_placeholder or ""
        try:
            binary = entry.file_mode == "binary"
            return placeholder.replace(data, old, prefix, binary=binary, platform=self._target.platform)
        except placeholder.PrefixTooLong:
            raise PlaceholderError(
                f"Could not link {self._dist} into {prefix}: its file {entry.path} has room for a prefix of "
                f"{len(old.encode())} bytes, but this one has {len(prefix.encode())}",
                hint=f"Choose a prefix with a path of at most {len(old.encode())} bytes.",
                data={"package": self._dist, "file": entry.path, "room": len(old.encode())},
            ) from None

    def write(self, target: str, data: bytes, mode: int, mtime_ns: int | None, kind: str = "") -> None:
        """Make a file of this content."""
        end = f"{self._target.staging}/{target}"
        file = create(end, mode)
        try:
            write_all(file, data)
            if mtime_ns is not None and TIMES_BY_HANDLE:
                os.utime(file, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(file)
        if mtime_ns is not None and not TIMES_BY_HANDLE:
            os.utime(end, ns=(mtime_ns, mtime_ns))
        self._done.written[target] = Written(hashlib.sha256(data).hexdigest(), len(data), kind)
