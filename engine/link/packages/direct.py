"""Links one package straight out of its archive (direct mode): each file is made once, where it belongs.

Rule: the result is that of `engine.link.packages.linker`, byte for byte. All paths are claimed before the first file is
made. What another package has is put aside, as it is in the archive, for `engine.link.packages.settle`; so is, in the
end, what turns out to be contested later. The files themselves are made by `engine.link.packages.making`, here or by a
process that helps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from engine.link.files.modes import Mode
from engine.link.linked import Linked
from engine.link.packages.linker import PackageLinker
from engine.link.packages.making import Made, Maker, Making
from engine.link.plan.claims import Claims
from engine.link.plan.package_plan import PackagePlan, PlannedPath
from engine.link.request import PrefixTarget
from engine.model.payload import Payload
from engine.system.writing import umask_of

Make = Callable[[Payload, Making, Callable[[], None]], Made]
"""Makes the files of an archive; the last argument is called often and may raise to stop."""


def make_here(payload: Payload, making: Making, checkpoint: Callable[[], None]) -> Made:
    """In this thread."""
    return Maker(making, payload).run(checkpoint)


class DirectLinker(PackageLinker):
    """Carries out the plan of one package from its archive; ``directory`` is where things are put aside."""

    def __init__(self, plan: PackagePlan, directory: str, target: PrefixTarget, claims: Claims) -> None:
        super().__init__(plan, directory, target, claims, Mode.HARD)

    def unpack(self, payload: Payload, checkpoint: Callable[[], None], make: Make = make_here) -> Linked:
        """Make everything that isn't claimed by others. ``checkpoint`` is called often and may raise to stop."""
        try:
            blocked = self.claims.claim_dirs(self.plan.needed_dirs, self.plan.index)
            making = self._sort_out(blocked)
            self.make_dirs(self.new_dirs(blocked))
            self._take_in(make(payload, making, checkpoint))
            self.write_scripts(blocked)
            self.done.bytes = self.plan.size
        except OSError as error:
            raise self.failed(error) from error
        return self.done

    def _sort_out(self, blocked: set[str]) -> Making:
        """Claim all paths, and know what to do when each arrives."""
        plain: dict[str, str] = {}
        special: dict[str, PlannedPath] = {}
        home = len(self.directory) + 1
        for origin, end, names, _, _ in self.claimed(blocked):
            start = origin[home:] + "/" if len(origin) > home else ""
            for name in names:
                plain[start + name] = f"{end}/{name}"
        for path in (*self.plan.copies, *self.plan.softlinks, *self.plan.rewrites):
            if self.mine(path.target, blocked):
                special[path.entry.path] = path
        return Making(
            dist=self.plan.record.dist,
            target=self.target,
            aside=self.directory,
            umask=umask_of(os.stat(f"{self.target.staging}/conda-meta").st_mode),
            plain=plain,
            special=special,
            lost={path.entry.path for path in self.plan.paths if path.target in self.done.lost}
            if self.done.lost
            else set(),
        )

    def _take_in(self, made: Made) -> None:
        for path in made.contested:
            self.claims.contest(self.claims.folded(path), self.plan.index)
        self.done.unpacked += made.unpacked
        self.done.softlinked += made.softlinked
        self.done.written = {**self.done.written, **made.written}
        self.done.unsigned = [*self.done.unsigned, *made.unsigned]


class AsideLinker(PackageLinker):
    """The linker of a package that was made directly, once more, for `engine.link.packages.settle`: its files are those
    that were put aside."""

    def set_aside(self, keys: Iterable[str]) -> None:
        """Take everything of this package at or below ``keys`` (as folded) out of the prefix, to be put back."""
        import shutil  # hardly ever needed

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

    def make_special(self, path: PlannedPath) -> None:
        """What was rewritten before it was put aside is so for good."""
        if path.target in self.done.written:
            self.place(path.entry.path, path.target)
        else:
            super().make_special(path)
