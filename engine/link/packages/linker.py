"""Links one package: a synchronous job of a worker thread. Rule: no look at a file that only has to be linked.

For a plain file that is a single system call, relative to two open directories, for all files of some packages at once
(`engine.link.files.batch`). Only files with a placeholder are read. Whatever is in the way was claimed by another
package and is left to `engine.link.packages.settle`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from engine.errors import LinkError, StorageError
from engine.link.files.batch import LINK_AT, Done, Files, Made, Part, find_damage
from engine.link.files.modes import NO_LINK_ERRORS, Mode, copy_file
from engine.link.files.special import BINARY, FAILED, LINK, LINKED, NO_ROOM, SAME, TEXT, UNSIGNED, Special, make
from engine.link.linked import Damaged, Linked, missing_file
from engine.link.packages.check import special_damage
from engine.link.packages.rewriting import Rewriter
from engine.link.plan.claims import Claims
from engine.link.plan.entry_points import EntryPoint, script_body, unix_script
from engine.link.plan.package_plan import Group, PackagePlan, PlannedPath
from engine.link.request import PrefixTarget
from engine.model.platform import is_windows
from engine.system.writing import package_mode, umask_of


class PackageLinker:
    """Carries out the plan of one package below ``target.staging``."""

    def __init__(self, plan: PackagePlan, directory: str, target: PrefixTarget, claims: Claims, mode: Mode) -> None:
        self.plan, self.directory, self.target, self.claims = plan, directory, target, claims
        self.done = Linked(plan.index, directory, mode, written={}, unsigned=[], lost=set(), compiled=[])
        self.directories: list[str] = []
        """Those that have to be made, absolute."""
        self.specials: list[Special] = []
        """What is to be made once they are there, by who links the files."""
        self._special: list[PlannedPath] = []
        """The same, as planned."""
        self._index = plan.index
        self._blocked: set[str] = set()
        """Directories that can't be had."""

    @property
    def rewriter(self) -> Rewriter:
        """Who makes files of changed content, and notes them in `done`."""
        return Rewriter(self.plan.record.dist, self.target, self.done)

    def begin(self, checkpoint: Callable[[], None], *, check: bool) -> Part | None:
        """Claim everything; what is left to others is not ours to make. Returns what is to be linked, once
        `directories` are there; None where files are not hard-linked: then they are placed now.

        ``checkpoint`` is called often and may raise to stop. With ``check``, the files in the cache are compared with
        the package's list first: raises `Damaged`.
        """
        try:
            damaged = special_damage(self.plan, self.directory) if check else None
            if damaged is not None:
                raise Damaged(damaged)
            checkpoint()
            self._blocked = blocked = self.claims.claim_dirs(self.plan.needed_dirs, self._index)
            files = self.claimed(blocked)
            planned = (*self.plan.softlinks, *self.plan.rewrites)
            # Of what the package names twice the later counts, as it does for who reads lists into a table.
            special = list({path.target: path for path in planned if self.mine(path.target, blocked)}.values())
            if self.done.mode is Mode.HARD and LINK_AT:
                staging = self.target.staging
                self.directories = [f"{staging}/{path}" for path in self.new_dirs(blocked)]
                self._special, self.specials = special, [self._as_special(path) for path in special]
                return check, files
            self._place_all(files, self.new_dirs(blocked), checkpoint, check)
            for path in special:
                checkpoint()
                self.make_special(path)
        except OSError as error:
            raise self.failed(error) from error
        return None

    def end(self, checkpoint: Callable[[], None], linked: Done | None = None, made: Sequence[Made] = ()) -> Linked:
        """Make the rest, once that is ``linked`` which `begin` returned, and `specials` are ``made``.

        Raises `Damaged` as that does, and where a file is gone from the cache meanwhile: then `take_back` is due.
        """
        try:
            if linked is not None:
                self._note(linked)
            checkpoint()
            for path, done in zip(self._special, made, strict=False):  # shorter where the last of them says why
                self._note_special(path, done)
            self._link_others(self._blocked, checkpoint)
            self.done.bytes = self.plan.size
        except OSError as error:
            if error.errno == errno.ENOENT and (gone := self._in_cache(error)):
                raise Damaged(gone) from error
            raise self.failed(error) from error
        return self.done

    def _in_cache(self, error: OSError) -> str:
        """The file of the package that an error names; empty if it names none."""
        name, home = error.filename, f"{self.directory}/"
        return name[len(home) :] if isinstance(name, str) and name.startswith(home) else ""

    def take_back(self, parts: Iterable[Part]) -> None:
        """Remove what was made of a package that turned out to be `Damaged` while it was linked; ``parts`` are what
        was to be linked."""
        groups = [group for _, groups in parts for group in groups]
        made = [f"{place}/{name}" for _, place, names, others, _ in groups for name in others or names]
        made += [special[2] for special in self.specials]
        copies = [path.target for path in self.plan.copies if path.target not in self.done.lost]
        made += [_join(self.target.staging, target) for target in copies]
        for path in made:
            with suppress(FileNotFoundError):
                os.unlink(path)

    def claimed(self, blocked: set[str]) -> list[Files]:
        """The plain files that are ours to make."""
        groups = self.plan.groups
        if not blocked and self.claims.claim_all(self.plan.plain, self._index):
            return [self._files(group, group.names, group.sizes) for group in groups]
        found = []
        for group in groups:
            start = f"{group.target}/" if group.target else ""
            mine = (
                self.claims.claim_names(group.target, group.names, self._index) if group.target not in blocked else []
            )
            if len(mine) < len(group.names):
                kept = set(mine)
                self.done.lost.update(start + name for name in group.names if name not in kept)
                sizes = [size for name, size in zip(group.names, group.sizes, strict=True) if name in kept]
            else:
                sizes = group.sizes
            if mine:
                found.append(self._files(group, mine, sizes))
        return found

    def _files(self, group: Group, names: list[str], sizes: list[int | None]) -> Files:
        staging = self.target.staging
        return _join(self.directory, group.source), _join(staging, group.target), names, None, sizes

    def failed(self, error: OSError) -> LinkError | StorageError:
        """The error for the user."""
        if error.errno == errno.ENOENT and (path := self._in_cache(error)):
            return missing_file(self.plan.record.dist, path, self.directory)
        return StorageError.from_os_error(f"link {self.plan.record.dist} into {self.target.prefix}", error)

    def new_dirs(self, blocked: set[str]) -> list[str]:
        """The needed directories that nobody made yet."""
        made = self.claims.made
        return [path for path in self.plan.needed_dirs if path not in made and path not in blocked]

    def make_dirs(self, directories: Iterable[str]) -> None:
        """Make directories, parents first."""
        for directory in directories:
            with suppress(FileExistsError):  # made by another thread
                os.mkdir(f"{self.target.staging}/{directory}")
            self.claims.made.add(directory)

    def _note(self, linked: Done) -> None:
        damaged, done, problems = linked
        if damaged is not None:
            raise Damaged(damaged[len(self.directory) + 1 :])
        staging = len(self.target.staging) + 1
        self.claims.made.update([path[staging:] for path in self.directories])
        self.done.hardlinked += done
        for number, source, target in problems:
            error = OSError(number, os.strerror(number), source or target)
            if not source:
                raise error
            self._not_linked(error, source[len(self.directory) + 1 :], target[staging:])

    def _place_all(
        self, files: list[Files], directories: list[str], checkpoint: Callable[[], None], check: bool
    ) -> None:
        """Where files are copied or soft-linked: one after the other."""
        damaged = next(filter(None, map(find_damage, files)), None) if check else None
        if damaged is not None:
            raise Damaged(damaged[len(self.directory) + 1 :])
        self.make_dirs(directories)
        home, staging = len(self.directory) + 1, len(self.target.staging) + 1
        for origin, end, names, _, _ in files:
            checkpoint()
            for name in names:
                self.place(f"{origin}/{name}"[home:], f"{end}/{name}"[staging:])

    def _not_linked(self, error: OSError, source: str, target: str) -> None:
        """One file could not be hard-linked: say why, or copy it."""
        if error.errno == errno.EEXIST:  # the package names a path twice, perhaps in two cases of letters
            self.claims.contest(self.claims.folded(target), self._index)
        elif error.errno in NO_LINK_ERRORS:
            self._copy(source, target)
        else:
            raise error

    def place(self, source: str, target: str) -> None:
        """Put one plain file there in the package's mode; the target must be free."""
        mode, origin, end = self.done.mode, _join(self.directory, source), _join(self.target.staging, target)
        if mode is Mode.HARD:
            try:
                os.link(origin, end, follow_symlinks=False) if LINK_AT else os.link(origin, end)
                self.done.hardlinked += 1
            except OSError as error:
                if error.errno == errno.ENOENT:
                    raise missing_file(self.plan.record.dist, source, self.directory) from error
                self._not_linked(error, source, target)
        elif mode is Mode.SOFT:
            os.symlink(origin, end)
            self.done.softlinked += 1
        else:
            self._copy(source, target)

    def _copy(self, source: str, target: str) -> None:
        origin, end = _join(self.directory, source), _join(self.target.staging, target)
        if copy_file(origin, end, reflink=self.done.mode is Mode.REFLINK):
            self.done.reflinked += 1
        else:
            self.done.copied += 1

    def _link_others(self, blocked: set[str], checkpoint: Callable[[], None]) -> None:
        for path in self.plan.copies:
            checkpoint()
            if self.mine(path.target, blocked):
                self.copy(path)
        self.write_scripts(blocked)

    def set_aside(self, keys: Iterable[str]) -> None:
        """Keep what is at or below ``keys`` for later: nothing to do, where it can be made again from the cache."""

    def write_scripts(self, blocked: set[str]) -> None:
        """The files of entry points."""
        for entry in self.plan.scripts:
            for target, text in self.script_files(entry):
                if self.mine(target, blocked):
                    self.write_script(target, text)

    def mine(self, target: str, blocked: set[str]) -> bool:
        if target.rpartition("/")[0] not in blocked and self.claims.claim_file(target, self._index):
            return True
        self.done.lost.add(target)
        return False

    def copy(self, path: PlannedPath) -> None:
        """A file that must not share its blocks' owner with the cache (``no_link``)."""
        self._copy(path.entry.path, path.target)

    def make_special(self, path: PlannedPath) -> None:
        """A link of the package, with its target as it is, or a file with the prefix in place of the placeholder."""
        self._note_special(path, make([self._as_special(path)], self.target.baked_prefix, self.target.platform)[0])

    def _as_special(self, path: PlannedPath) -> Special:
        entry = path.entry
        kind = LINK if entry.path_type == "softlink" else BINARY if entry.file_mode == "binary" else TEXT
        ends = _join(self.directory, entry.path), _join(self.target.staging, path.target)
        return kind, *ends, entry.prefix_placeholder or ""

    def _note_special(self, path: PlannedPath, done: Made) -> None:
        """Take in what became of one; what was no link, or had no placeholder, is linked like other files."""
        what, text, number = done
        if what == LINKED:
            self.done.softlinked += 1
        elif what == SAME:
            self.place(path.entry.path, path.target)
        elif what == NO_ROOM:
            raise self.rewriter.no_room(path)
        elif what == FAILED:
            raise OSError(number, os.strerror(number), text)
        else:
            self.rewriter.note(path.target, text, number)
            if what == UNSIGNED:
                self.done.unsigned.append(path.target)

    def script_files(self, entry: EntryPoint) -> list[tuple[str, bytes]]:
        """The files of one entry point: path in the prefix, content."""
        python = self.target.python
        if python is None:
            return []
        start = f"{python.scripts}/{entry.command}"
        if is_windows(self.target.platform):
            from engine.link.files.launcher import SHEBANG, windows_launcher

            launcher = windows_launcher(self.target.platform, self.plan.record.dist)
            return [(f"{start}-script.py", SHEBANG + script_body(entry).encode()), (f"{start}.exe", launcher)]
        interpreter = f"{self.target.baked_prefix}/{python.executable}"
        return [(start, unix_script(entry, interpreter, self.target.platform).encode())]

    def write_script(self, target: str, data: bytes) -> None:
        """One file of an entry point, executable, named in conda-meta by its kind.

        Others may write it no more than the umask lets them, as with the files of packages: it is what people run.
        """
        kind = "unix_python_entry_point"
        if is_windows(self.target.platform):
            kind = f"windows_python_entry_point_{'exe' if target.endswith('.exe') else 'script'}"
        umask = umask_of(os.stat(f"{self.target.staging}/conda-meta").st_mode)
        self.rewriter.write(target, data, package_mode(0o775, umask), None, kind)


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory and name else directory or name
