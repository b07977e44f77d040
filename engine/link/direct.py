"""Links one package straight out of its archive (direct mode): each file is made once, where it belongs.

Rule: the result is that of `engine.link.package`, byte for byte. All paths are claimed before the first file is made.
What another package has is put aside, as it is in the archive, for `engine.link.settle`; so is, in the end, what turns
out to be contested later.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress

from engine.link.claims import Claims
from engine.link.linked import Linked, missing_file
from engine.link.modes import NO_LINK_ERRORS, Mode
from engine.link.package import SECOND, PackageLinker
from engine.link.plan import PackagePlan, PlannedPath
from engine.link.request import PrefixTarget
from engine.model.payload import Payload, PayloadMember
from engine.writing import package_mode, umask_of, write_new

_BETWEEN_CHECKPOINTS = 64


class DirectLinker(PackageLinker):
    """Carries out the plan of one package from its archive; ``directory`` is where things are put aside."""

    def __init__(self, plan: PackagePlan, directory: str, target: PrefixTarget, claims: Claims) -> None:
        super().__init__(plan, directory, target, claims, Mode.HARD)
        self._plain: dict[str, str] = {}
        """Path in the package → the file to make."""
        self._special: dict[str, PlannedPath] = {}
        self._lost: set[str] = set()
        """Paths in the package that another one has in the prefix."""
        self._made: dict[str, str] = {}
        """Path in the package → the file that was made of it as it is; empty if it was changed."""
        self._umask = 0

    def unpack(self, payload: Payload, checkpoint: Callable[[], None]) -> Linked:
        """Make everything that isn't claimed by others. ``checkpoint`` is called often and may raise to stop."""
        try:
            self._umask = umask_of(os.stat(f"{self.target.staging}/conda-meta").st_mode)
            blocked = self.claims.claim_dirs(self.plan.needed_dirs, self.plan.index)
            self._sort_out(blocked)
            self.make_dirs(self.new_dirs(blocked))
            for number, member in enumerate(payload.members()):
                if not number % _BETWEEN_CHECKPOINTS:
                    checkpoint()
                if member.kind != "directory":
                    self._member(member, payload)
            self._check_made()
            self.write_scripts(blocked)
            self.done.bytes = sum(filter(None, [path.entry.size_in_bytes for path in self.plan.paths]))
        except OSError as error:
            raise self.failed(error) from error
        return self.done

    def _sort_out(self, blocked: set[str]) -> None:
        """Claim all paths, and know what to do when each arrives."""
        home = len(self.directory) + 1
        for origin, end, names, _, _ in self.claimed(blocked):
            start = origin[home:] + "/" if len(origin) > home else ""
            for name in names:
                self._plain[start + name] = f"{end}/{name}"
        for path in (*self.plan.copies, *self.plan.softlinks, *self.plan.rewrites):
            if self.mine(path.target, blocked):
                self._special[path.entry.path] = path
        if self.done.lost:
            self._lost = {path.entry.path for path in self.plan.paths if path.target in self.done.lost}

    def _member(self, member: PayloadMember, payload: Payload) -> None:
        if member.kind == "hardlink":
            if self._linked_again(member):
                return
            path, member = member.path, payload.raw(member.target)
            member.path = path
        path, end = member.path, self._plain.get(member.path)
        if end is not None:
            self._put(member, end)
        elif (planned := self._special.get(path)) is not None:
            end = f"{self.target.staging}/{planned.target}"
            if planned.entry.prefix_placeholder and planned.entry.path_type == "hardlink" and member.kind == "file":
                self._rewritten(member, planned, end)
            else:
                self._put(member, end)
        elif path in self._lost:
            self._aside(member)

    def _linked_again(self, member: PayloadMember) -> bool:
        """Make a hard link within the archive one within the prefix, where both of its ends are plain files."""
        source, end = self._made.get(member.target), self._plain.get(member.path)
        if not source or not end:
            return False
        try:
            os.link(source, end)
        except OSError as error:
            if error.errno not in NO_LINK_ERRORS:
                raise
            return False
        self._made[member.path] = end
        self.done.unpacked += 1
        return True

    def _put(self, member: PayloadMember, end: str) -> None:
        """A file or link as it is."""
        if member.path in self._made:  # named twice: the later one counts, as in every tar
            os.unlink(end)
        elif member.kind == "softlink":
            self.done.softlinked += 1
        else:
            self.done.unpacked += 1
        if member.kind == "softlink":
            os.symlink(member.target, end)
        else:
            mode = package_mode(member.mode, self._umask)
            try:
                write_new(end, member.data, mode, member.mtime, self._umask)
            except FileExistsError:  # the package names it in two cases of letters
                self.claims.contest(self.claims.folded(end[len(self.target.staging) + 1 :]), self.plan.index)
                self._aside(member)
        self._made[member.path] = end

    def _rewritten(self, member: PayloadMember, planned: PlannedPath, end: str) -> None:
        """A file with a placeholder. Where none is found it is a file like others."""
        data = b"".join(member.data)
        changed = self.replaced(planned, data)
        member.data = (memoryview(data),)
        if changed is data or changed == data:
            self._put(member, end)
            return
        if member.path in self._made:
            os.unlink(end)
        changed = self.signed_again(planned.target, data, changed)
        mode = package_mode(member.mode, self._umask)
        self.write(planned.target, changed, mode, member.mtime * SECOND + SECOND)
        self._made[member.path] = ""

    def _aside(self, member: PayloadMember) -> None:
        """Keep what another package has, until it is settled whose it is."""
        end = f"{self.directory}/{member.path}"
        os.makedirs(os.path.dirname(end), exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(end)
        if member.kind == "softlink":
            os.symlink(member.target, end)
        else:
            write_new(end, member.data, package_mode(member.mode, self._umask), member.mtime, self._umask)
        self._made.setdefault(member.path, "")

    def _check_made(self) -> None:
        """Everything that was to be made must have come (the archive itself was compared with its list before)."""
        expected: Iterable[str] = (*self._plain, *self._special)
        missing = next((path for path in expected if path not in self._made), None)
        if missing is not None:
            raise missing_file(self.plan.record.dist, missing, "the archive")


class AsideLinker(PackageLinker):
    """The linker of a package that was made directly, once more, for `engine.link.settle`: its files are those that
    were put aside."""

    def set_aside(self, keys: Iterable[str]) -> None:
        """Take everything of this package at or below ``keys`` (as folded) out of the prefix, to be put back."""
        for path in self.plan.paths:
            target = path.target
            if path.entry.path_type == "directory" or target in self.done.lost:
                continue
            folded = self.claims.folded(target)
            if any(folded == key or folded.startswith(f"{key}/") for key in keys):
                end = f"{self.directory}/{path.entry.path}"
                os.makedirs(os.path.dirname(end), exist_ok=True)
                with suppress(FileNotFoundError):  # put aside already, or a script that will be written again
                    shutil.move(f"{self.target.staging}/{target}", end)

    def rewrite(self, path: PlannedPath) -> None:
        """What was rewritten before it was put aside is so for good."""
        if path.target in self.done.written:
            self.place(path.entry.path, path.target)
        else:
            super().rewrite(path)
