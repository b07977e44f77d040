"""The files of one archive are made in a prefix, each once: values in, files and values out.

Rule of this file: it decides nothing about whose a path is; `Making` says what becomes of each. So it runs as well in
a process that shares nothing with the one that links.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec

from engine.link.files.modes import NO_LINK_ERRORS, Mode
from engine.link.files.special import SECOND
from engine.link.linked import Linked, Written, missing_file
from engine.link.packages.rewriting import Rewriter
from engine.link.plan.package_plan import PlannedPath
from engine.link.request import PrefixTarget
from engine.model.payload import Payload, PayloadMember
from engine.system.writing import package_mode, possible_time, write_new

_BETWEEN_CHECKPOINTS = 64


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the files of one archive. The directories of the prefix are there."""

    dist: str
    target: PrefixTarget
    aside: str
    """The directory for what another package has, until it is settled whose it is."""
    umask: int
    plain: dict[str, str]
    """Path in the package → the file to make (absolute)."""
    special: dict[str, PlannedPath]
    """Path in the package → soft links, and files that are rewritten or copied."""
    lost: set[str]
    """Paths in the package that another one has in the prefix."""


class Made(msgspec.Struct, tag=True):
    """What was made."""

    unpacked: int = 0
    softlinked: int = 0
    written: dict[str, Written] = {}
    """Rewritten files, by path in the prefix."""
    unsigned: list[str] = []
    """As in `Linked`."""
    contested: list[str] = []
    """Paths in the prefix that the package has twice there, in two cases of letters."""


class Maker:
    """Makes the files of one payload. ``done`` notes what is rewritten."""

    def __init__(self, making: Making, payload: Payload) -> None:
        self._making, self._payload = making, payload
        self._plain, self._special = making.plain, making.special
        done = Linked(0, making.aside, Mode.HARD, written={}, unsigned=[])
        self._rewriter, self._made = Rewriter(making.dist, making.target, done), Made(contested=[])
        self._made.written, self._made.unsigned = done.written, done.unsigned
        self._ends: dict[str, str] = {}
        """Path in the package → the file that was made of it as it is; empty if it was changed."""

    def run(self, checkpoint: Callable[[], None] = lambda: None) -> Made:
        """Make everything. ``checkpoint`` is called often and may raise to stop. Raises `OSError`, what the payload
        raises, `PlaceholderError`, and `LinkError` where a file is missing."""
        for number, member in enumerate(self._payload.members()):
            if not number % _BETWEEN_CHECKPOINTS:
                checkpoint()
            if member.kind != "directory":
                self._member(member)
        self._check_made()
        return self._made

    def _member(self, member: PayloadMember) -> None:
        if member.kind == "hardlink":
            if self._linked_again(member):
                return
            path, member = member.path, self._payload.raw(member.target)
            member.path = path
        path, end = member.path, self._plain.get(member.path)
        if end is not None:
            self._put(member, end)
        elif (planned := self._special.get(path)) is not None:
            end = f"{self._making.target.staging}/{planned.target}"
            if planned.entry.prefix_placeholder and planned.entry.path_type == "hardlink" and member.kind == "file":
                self._rewritten(member, planned, end)
            else:
                self._put(member, end)
        elif path in self._making.lost:
            self._aside(member)

    def _linked_again(self, member: PayloadMember) -> bool:
        """Make a hard link within the archive one within the prefix, where both of its ends are plain files."""
        source, end = self._ends.get(member.target), self._plain.get(member.path)
        if not source or not end:
            return False
        try:
            os.link(source, end)
        except OSError as error:
            if error.errno not in NO_LINK_ERRORS:
                raise
            return False
        self._ends[member.path] = end
        self._made.unpacked += 1
        return True

    def _put(self, member: PayloadMember, end: str) -> None:
        """A file or link as it is."""
        if member.path in self._ends:  # named twice: the later one counts, as in every tar
            os.unlink(end)
        elif member.kind == "softlink":
            self._made.softlinked += 1
        else:
            self._made.unpacked += 1
        if member.kind == "softlink":
            os.symlink(member.target, end)
        else:
            umask = self._making.umask
            try:
                write_new(end, member.data, package_mode(member.mode, umask), member.mtime, umask)
            except FileExistsError:  # the package names it in two cases of letters
                self._made.contested.append(end[len(self._making.target.staging) + 1 :])
                self._aside(member)
        self._ends[member.path] = end

    def _rewritten(self, member: PayloadMember, planned: PlannedPath, end: str) -> None:
        """A file with a placeholder. Where none is found it is a file like others."""
        data = b"".join(member.data)
        changed = self._rewriter.changed(planned, data)
        member.data = (memoryview(data),)
        if changed is data or changed == data:
            self._put(member, end)
            return
        if member.path in self._ends:
            os.unlink(end)
        mode = package_mode(member.mode, self._making.umask)
        self._rewriter.write(planned.target, changed, mode, possible_time(member.mtime) * SECOND + SECOND)
        self._ends[member.path] = ""

    def _aside(self, member: PayloadMember) -> None:
        """Keep what another package has, until it is settled whose it is."""
        end = f"{self._making.aside}/{member.path}"
        os.makedirs(os.path.dirname(end), exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(end)
        if member.kind == "softlink":
            os.symlink(member.target, end)
        else:
            umask = self._making.umask
            write_new(end, member.data, package_mode(member.mode, umask), member.mtime, umask)
        self._ends.setdefault(member.path, "")

    def _check_made(self) -> None:
        """Everything that was to be made must have come (the archive itself was compared with its list before)."""
        expected: Iterable[str] = (*self._plain, *self._special)
        missing = next((path for path in expected if path not in self._ends), None)
        if missing is not None:
            raise missing_file(self._making.dist, missing, "the archive")
