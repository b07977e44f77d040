"""What the environments of one run have in common: the plans of packages, and what records say of their files.

Rule of this file: what is here follows from the unpacked package and the kind of place that it goes to, and nobody
changes it. One environment by itself has no use for it. Threads may share it; when it is full, no more is remembered.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.link.linked import Linked
from engine.link.plan.noarch import PythonInfo
from engine.link.plan.package_plan import PackagePlan
from engine.link.prefix.file_lists import installed_paths, listed
from engine.model.records import CachedPackage, RepoDataRecord

MOST = 200_000
"""Files of all plans together; they take some 150 MB."""


class Shared:
    """The plans and lists of one process."""

    def __init__(self, most: int = MOST) -> None:
        self._left = most
        self._plans: dict[tuple[str, ...], PackagePlan] = {}
        self._lists: dict[int, tuple[list[str], bytes] | None] = {}
        """Of each plan here, by the identity of its paths: with which byte-compiled files they were made."""

    def plan(
        self, package: CachedPackage, record: RepoDataRecord, python: PythonInfo | None, make: Callable[[], PackagePlan]
    ) -> PackagePlan:
        """The plan of an unpacked package, if another environment has made it, else what ``make`` gives. Place in the
        order and record are those of whoever made it."""
        noarch = record.noarch_type or ""
        place = (python.site_packages, python.scripts) if python and noarch == "python" else ()
        found = self._plans.get(key := (package.directory, noarch, *place))
        if found is None:
            made = make()
            if self._left < len(made.paths):
                return made
            found = self._plans.setdefault(key, made)
            if found is made:  # no other thread was faster
                self._left -= len(made.paths)
                self._lists[id(made.paths)] = None
        return found

    def lists(self, plan: PackagePlan, linked: Linked) -> bytes | None:
        """What a record says of the files where all is as in other environments; None where it is not."""
        identity = id(plan.paths)
        if identity not in self._lists or linked.written or linked.lost:
            return None
        known = self._lists[identity]
        if known is None or known[0] != linked.compiled:
            known = self._lists[identity] = list(linked.compiled), listed(installed_paths(plan, linked))
        return known[1]
