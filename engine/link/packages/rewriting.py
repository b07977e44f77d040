"""Files whose content is changed for one prefix. Rule: what was written is noted, with its digest, for conda-meta."""

from __future__ import annotations

from engine.errors import PlaceholderError
from engine.link.files.placeholder import PrefixTooLong
from engine.link.files.special import changed, write
from engine.link.linked import Linked, Written
from engine.link.plan.package_plan import PlannedPath
from engine.link.request import PrefixTarget


class Rewriter:
    """Of one package; what it writes is noted in ``done``."""

    def __init__(self, dist: str, target: PrefixTarget, done: Linked) -> None:
        self._dist, self._target, self._done = dist, target, done

    def changed(self, path: PlannedPath, data: bytes) -> bytes:
        """The content with the prefix in place of the placeholder. Raises `PlaceholderError`."""
        entry, prefix, platform = path.entry, self._target.baked_prefix, self._target.platform
        old, binary = entry.prefix_placeholder or "", entry.file_mode == "binary"
        try:
            new, signed = changed(data, old, prefix, binary=binary, platform=platform)
        except PrefixTooLong:
            raise self.no_room(path) from None
        if not signed:
            self._done.unsigned.append(path.target)
        return new

    def no_room(self, path: PlannedPath) -> PlaceholderError:
        """The error where the prefix is longer than the placeholder in a binary file."""
        prefix, room = self._target.baked_prefix, len((path.entry.prefix_placeholder or "").encode())
        return PlaceholderError(
            f"Could not link {self._dist} into {prefix}: its file {path.entry.path} has room for a prefix of "
            f"{room} bytes, but this one has {len(prefix.encode())}",
            hint=f"Choose a prefix with a path of at most {room} bytes.",
            data={"package": self._dist, "file": path.entry.path, "room": room},
        )

    def write(self, target: str, data: bytes, mode: int, mtime_ns: int | None, kind: str = "") -> None:
        """Make a file of this content."""
        self.note(target, write(f"{self._target.staging}/{target}", data, mode, mtime_ns), len(data), kind)

    def note(self, target: str, sha256: str, size: int, kind: str = "") -> None:
        """A file of changed content is there."""
        self._done.written[target] = Written(sha256, size, kind)
