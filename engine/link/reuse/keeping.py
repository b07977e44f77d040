"""Finds plans that earlier environments kept of cached packages, and keeps new ones.

Rule of this file: a plan is tied to the package's own list by that file's size and time of change, which no archive can
choose, so that none can bring a plan of its own; and to the place where Python looks. Only what is plain is kept: all
of the package was linked, nothing of it is compiled for one prefix alone.
"""

from __future__ import annotations

import os
from io import FileIO

from engine.link.linked import Linked
from engine.link.plan.noarch import PythonInfo
from engine.link.plan.package_plan import PackagePlan
from engine.link.prefix.disk import copy_range
from engine.link.prefix.file_lists import Lists
from engine.link.request import PlanStore
from engine.link.reuse.kept import FORM, WIDTH, KeptPlan, Tie, keep_plan, read_plan
from engine.model.records import CachedPackage, RepoDataRecord
from engine.system.file_io import write_all

_NAME = "plan"
_AT_ONCE, _LIMIT = 1 << 16, 1 << 28
"""So many bytes hold nearly every plan; and more than this none."""


class Kept:
    """What was kept of one package: its plan, and an open file with the text of its record's lists."""

    def __init__(self, plan: KeptPlan, file: FileIO) -> None:
        self.plan, self._file = plan, file

    def copy_lists(self, record: FileIO, linked: Linked) -> None:
        """Write the lists, for a package that became what the plan says, to the end of its record."""
        start = self._file.tell()
        gaps = self.plan.gaps
        at = start
        for place, entry in zip(gaps.places, gaps.filled(linked), strict=True):
            copy_range(self._file, record, at, start + place)
            write_all(record.fileno(), entry)
            at = start + place
        copy_range(self._file, record, at, start + gaps.size)

    def close(self) -> None:
        """Nothing more is wanted of it. (Where an error was faster, it closes when it is let go.)"""
        self._file.close()

    __del__ = close


def _read(file: FileIO, tie: Tie | None) -> KeptPlan | None:
    """The plan in an open file, which stands at the lists then; None if the file is not as it was written."""
    text = file.read(_AT_ONCE)
    end = WIDTH + int.from_bytes(text[:WIDTH], "big")
    if len(text) < end < _LIMIT:
        text += file.read(end - len(text))
    if tie is None or len(text) < end:
        return None
    plan = read_plan(text[WIDTH:end], tie)
    whole = plan is not None and file.seek(0, os.SEEK_END) == end + plan.gaps.size
    file.seek(end)
    return plan if whole else None


class Keeping:
    """The kept plans for one prefix. Serves many threads."""

    def __init__(self, store: PlanStore, python: PythonInfo | None, staging: str, *, compiles: bool) -> None:
        """``compiles`` says whether Python packages get byte-compiled files."""
        self._store, self._python, self._staging, self._compiles = store, python, staging, compiles

    def find(self, package: CachedPackage, record: RepoDataRecord, kind: str | None) -> Kept | None:
        """What was kept of an unpacked package, to be closed; ``kind`` is that of Python
        (`engine.link.bytecode.kind`)."""
        name = self._name(record, kind)
        file = self._store.open(package, name) if name else None
        if file is None:
            return None
        try:
            plan = _read(file, self._tie(package, record))
        except OSError:
            plan = None
        if plan is None:
            file.close()
        return Kept(plan, file) if plan else None

    def keep(self, package: CachedPackage, plan: PackagePlan, linked: Linked, lists: Lists, kind: str | None) -> None:
        """Keep the plan of a package that was just linked, if it can serve others."""
        name, tie = self._name(plan.record, kind), self._tie(package, plan.record)
        own = self.bytecode(package, kind)
        if name is None or tie is None or any(files[0] != own for files in linked.placed):
            return
        text = keep_plan(plan, linked, lists, tie, self._staging)
        if text:
            self._store.write(package, name, text)

    def bytecode(self, package: CachedPackage, kind: str | None) -> str:
        """The directory of a package's byte-compiled files."""
        return f"{self._store.place(package)}/{kind}"

    def _name(self, record: RepoDataRecord, kind: str | None) -> str | None:
        if record.noarch_type != "python" or self._python is None:
            return _NAME
        if not self._compiles:
            return f"{_NAME}-{self._python.version}"
        return f"{_NAME}-{kind}" if kind else None

    def _tie(self, package: CachedPackage, record: RepoDataRecord) -> Tie | None:
        try:
            facts = os.stat(f"{package.directory}/info/paths.json")
        except OSError:
            return None
        python = self._python if record.noarch_type == "python" else None
        place = (python.site_packages, python.scripts) if python else ("", "")
        return FORM, facts.st_size, facts.st_ctime_ns, *place
