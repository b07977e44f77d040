"""What two environments, or an environment and a file, differ in. Pure.

An environment or a lock file says exactly what is there: all packages are compared. A file of specifications says
what must be there: packages that it does not name are no difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.solve.fits import spec_matches

Kind = Literal["removed", "added", "changed"]


class Difference(msgspec.Struct, frozen=True):
    """One package that differs. ``left`` and ``right`` say what each side has; empty: nothing."""

    kind: Kind
    name: str
    left: str
    right: str


def compare_packages(left: Mapping[str, str], right: Mapping[str, str]) -> list[Difference]:
    """Two whole sets, name → version and build; by name."""
    found: list[Difference] = []
    for name in sorted({*left, *right}):
        before, after = left.get(name, ""), right.get(name, "")
        if before != after:
            kind: Kind = "added" if not before else "removed" if not after else "changed"
            found.append(Difference(kind, name, before, after))
    return found


def compare_with_specs(records: Sequence[PackageRecord], specs: Sequence[MatchSpec]) -> list[Difference]:
    """What of ``specs`` the ``records`` don't fulfil, in the order of the specs."""
    by_name = {record.name: record for record in records}
    found: list[Difference] = []
    for spec in specs:
        record = by_name.get(spec.exact_name or "")
        if record is not None and spec_matches(spec, record):
            continue
        if record is None and any(spec_matches(spec, one) for one in records):
            continue  # a wildcard for a name
        name = spec.exact_name or str(spec)
        there = f"{record.version} {record.build}" if record is not None else ""
        found.append(Difference("changed" if there else "added", name, there, spec.to_conda_build_form()))
    return found
