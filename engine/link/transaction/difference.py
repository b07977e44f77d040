"""Which renames turn an environment into what is staged. Looks at the disk, changes nothing.

What goes: the files of removed packages that no other package has, what Python compiled from them, and whatever is in
the way of a staged file. What comes: every staged file. A path that can't be where a staged file needs a directory
goes as well.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence

import msgspec

from engine.errors import LinkError
from engine.link.plan.package_plan import pyc_source
from engine.link.prefix.disk import leads_inside, storage
from engine.link.prefix.meta import META
from engine.link.prefix.records import record_name
from engine.link.transaction.journal import Journal
from engine.model.records import PrefixRecord


class Difference(msgspec.Struct, frozen=True):
    """The plan of a change."""

    journal: Journal
    warnings: tuple[str, ...]
    """Files of others that are in the way of new ones."""


def plan_change(
    prefix: str,
    staging: str,
    removed: Sequence[PrefixRecord],
    survivors: Sequence[PrefixRecord],
    restored: Iterable[str] = (),
) -> Difference:
    """The plan; ``staging`` (relative to the prefix) holds the new files below ``new/``.

    ``restored`` are those among them that a survivor gets back from a removed package: in nobody's way.
    """
    with storage(f"plan the change of {prefix}"):
        new = os.path.join(prefix, staging, "new")
        links = set[str]()
        come = sorted(_files_below(new, links))
        owner = {path: record.dist for record in survivors for path in record.files}
        gone = _gone(prefix, removed, owner)
        planner = _Planner(prefix, owner, gone, frozenset(restored))
        for path in come:
            planner.make_way(path)
    journal = Journal(
        kind="change",
        old="",
        staging=staging,
        away=(*planner.away, *planner.whole_dirs),
        come=tuple(path for path in come if path not in links),
        links=tuple(sorted(links)),
        dirs=tuple(planner.dirs),
    )
    return Difference(journal, tuple(planner.warnings))


def _files_below(top: str, links: set[str]) -> Iterable[str]:
    """Files and links, relative, and empty directories as nothing: those that packages list are made as needed.

    Links are noted in ``links`` too.
    """
    stack = [""]
    while stack:
        inner = stack.pop()
        with os.scandir(os.path.join(top, inner)) as entries:
            for entry in entries:
                path = f"{inner}/{entry.name}" if inner else entry.name
                if entry.is_dir(follow_symlinks=False):
                    stack.append(path)
                else:
                    if entry.is_symlink():
                        links.add(path)
                    yield path


def _gone(prefix: str, removed: Sequence[PrefixRecord], owner: dict[str, str]) -> list[str]:
    """Files of removed packages that are there and nobody else's, with the compiled files nobody recorded."""
    listed = {path for record in removed for path in record.files if path not in owner and _is_safe(path)}
    listed |= {f"{META}/{record_name(record)}" for record in removed}
    found = {path for path in listed if _is_file(os.path.join(prefix, path))}
    for directory, stems in _sources_by_cache(listed).items():
        for name in _names(os.path.join(prefix, directory)):
            path = f"{directory}/{name}"
            if _stem(name) in stems and path not in owner:
                found.add(path)
    return sorted(found, reverse=True)  # what is below a soft link goes before the link


def _is_safe(path: str) -> bool:
    """A record is a file that others may have written: nothing outside the prefix is touched on its word."""
    return not path.startswith("/") and ".." not in path.split("/")


def _sources_by_cache(paths: Iterable[str]) -> dict[str, set[str]]:
    """``__pycache__`` directory → stems of the sources beside it that go (ISS-49)."""
    found: dict[str, set[str]] = {}
    for path in paths:
        if path.endswith(".py"):
            parent, _, name = path.rpartition("/")
            found.setdefault(f"{parent}/__pycache__" if parent else "__pycache__", set()).add(name[:-3])
    return found


def _stem(name: str) -> str:
    """``mod.cpython-312.opt-1.pyc`` → ``mod``; empty for other names."""
    if not name.endswith(".pyc"):
        return ""
    base = name[:-4]
    return base.rpartition(".opt-")[0].rpartition(".")[0] if ".opt-" in base else base.rpartition(".")[0]


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_file(path: str) -> bool:
    """Something that is no directory (a soft link counts as itself)."""
    try:
        return not stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


class _Planner:
    """Collects what must go and be made so that new files find their places free."""

    def __init__(self, prefix: str, owner: dict[str, str], gone: list[str], restored: frozenset[str]) -> None:
        self.prefix, self.owner, self.restored = prefix, owner, restored
        self.away = list(gone)
        self.whole_dirs: list[str] = []
        self.dirs: list[str] = []
        self.warnings: list[str] = []
        self._away = set(gone)
        self._ready: set[str] = {""}
        self._fresh: set[str] = set()
        """Directories that will be new, and so empty, whatever is seen through a link of their name now."""

    def make_way(self, path: str) -> None:
        """Let there be the directory of ``path``, and nothing at ``path``."""
        parent = path.rpartition("/")[0]
        self._need_dir(parent)
        if path in self._away or parent in self._fresh:
            return
        full = os.path.join(self.prefix, path)
        if _is_file(full):
            self._send_away(path)
        elif os.path.isdir(full):
            self._warn(path)
            self.whole_dirs.append(path)

    def _need_dir(self, directory: str) -> None:
        if directory in self._ready:
            return
        parent = directory.rpartition("/")[0]
        self._need_dir(parent)
        full = os.path.join(self.prefix, directory)
        if directory in self._away or parent in self._fresh or not os.path.isdir(full):
            if directory not in self._away and parent not in self._fresh and _is_file(full):
                self._send_away(directory)
            self.dirs.append(directory)
            self._fresh.add(directory)
        elif directory in self.owner and not leads_inside(full, self.prefix):
            owner = self.owner[directory]
            raise LinkError(
                f"Could not change {self.prefix}: a new package has files in {directory}, which {owner} brought as a "
                "soft link to where no package may write",
                hint="This is a fault of the packages, or an attack: don't install them together.",
            )
        self._ready.add(directory)

    def _send_away(self, path: str) -> None:
        if not path.startswith(f"{META}/") and path not in self.restored:
            self._warn(path)
        self.away.append(path)
        self._away.add(path)

    def _warn(self, path: str) -> None:
        who = self.owner.get(path) or self.owner.get(pyc_source(path))
        whose = f"which {who} brought" if who else "which belongs to no package"
        self.warnings.append(f"{path}, {whose}, is replaced by a file of a new package.")
