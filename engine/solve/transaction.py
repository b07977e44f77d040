"""What must change in a prefix to turn what is installed into an answer.

Rule of this file: a pure difference of two sets of records, as data that can be shown (``--dry-run``) and carried out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from engine.errors import InvalidVersion
from engine.model.records import PackageRecord, PrefixRecord, RepoDataRecord
from engine.model.version import Version
from engine.solve.index import same_package
from engine.solve.order import link_order

Kind = Literal["install", "upgrade", "downgrade", "change", "reinstall", "remove"]


class Change(msgspec.Struct, frozen=True):
    """What happens to one name. ``old`` is taken out, ``new`` is put in.

    "change" is another build or channel of the same version; "reinstall" is the same package put in again.
    """

    kind: Kind
    old: PrefixRecord | None
    new: RepoDataRecord | None

    @property
    def name(self) -> str:
        """The package."""
        record = self.new or self.old
        return record.name if record else ""


class Transaction(msgspec.Struct, frozen=True):
    """All changes, those that put something in first, in link order, then the removals."""

    changes: tuple[Change, ...]
    unchanged: tuple[PrefixRecord, ...]
    remove: tuple[PrefixRecord, ...]
    """What is taken out, dependents before what they depend on."""
    link: tuple[RepoDataRecord, ...]
    """What is put in, dependencies first."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes

    @classmethod
    def between(
        cls,
        installed: Sequence[PrefixRecord],
        solution: Sequence[RepoDataRecord],
        *,
        reinstall: Collection[str] = (),
    ) -> Transaction:
        """The difference. ``solution`` is in link order; packages named in ``reinstall`` are put in again.

        If python's minor version or its site-packages directory changes, noarch python packages that stay are put in
        again too, for their files must move (as micromamba does).
        """
        before = {record.name: record for record in installed}
        moved = _python_moves(before.get("python"), next((r for r in solution if r.name == "python"), None))
        changes, unchanged = [], []
        for new in solution:
            old = before.get(new.name)
            again = new.name in reinstall or (moved and new.noarch_type == "python")
            if old is not None and same_package(old, new) and not again:
                unchanged.append(old)
            else:
                changes.append(Change(_kind(old, new), old, new))
        names = {record.name for record in solution}
        gone = [record for record in link_order(installed) if record.name not in names]
        removals = [Change("remove", old, None) for old in reversed(gone)]
        replaced = {change.name for change in changes} | {record.name for record in gone}
        return cls(
            changes=(*changes, *removals),
            unchanged=tuple(unchanged),
            remove=tuple(record for record in reversed(link_order(installed)) if record.name in replaced),
            link=tuple(change.new for change in changes if change.new is not None),
        )


def _kind(old: PrefixRecord | None, new: RepoDataRecord) -> Kind:
    if old is None:
        return "install"
    if same_package(old, new):
        return "reinstall"
    before, after = _version(old), _version(new)
    if before is None or after is None or before == after:
        return "change"
    return "upgrade" if before < after else "downgrade"


def _version(record: PackageRecord) -> Version | None:
    try:
        return Version.parse(record.version)
    except InvalidVersion:
        return None


def _python_moves(old: PackageRecord | None, new: PackageRecord | None) -> bool:
    """Whether pure python packages must move to another directory."""
    if old is None or new is None:
        return False
    minors = [record.version.split(".")[:2] for record in (old, new)]
    return minors[0] != minors[1] or old.python_site_packages_path != new.python_site_packages_path
