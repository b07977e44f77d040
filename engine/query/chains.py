"""Why an installed package is there: the shortest chains from what was asked for down to it.

Rule of this file: only what is installed counts. A package is needed by those whose dependencies it meets; virtual
packages need nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from engine.model.records import PackageRecord
from engine.query.needs import read_spec


class Step(msgspec.Struct, frozen=True):
    """One package of a chain, and how it speaks of the next one ("" for the last)."""

    name: str
    version: str
    needs: str = ""


class Standing(msgspec.Struct, frozen=True):
    """What keeps a package in its environment."""

    requested: tuple[str, ...]
    """The specs that asked for it."""
    needed_by: tuple[Step, ...]
    """The installed packages that depend on it by themselves, by name."""
    chains: tuple[tuple[Step, ...], ...]
    """From a package that was asked for down to it; for each of ``needed_by`` that has any, the shortest; short ones
    first."""

    @property
    def is_orphan(self) -> bool:
        """Whether nobody asked for it, neither by name nor through others."""
        return not self.requested and not self.chains


def standing(records: Sequence[PackageRecord], requested: Mapping[str, Sequence[str]], name: str) -> Standing:
    """Why ``name`` is among the installed ``records``; ``requested``: package name → the specs that asked for it."""
    needs = {record.name: _needs(record) for record in records}
    versions = {record.name: record.version for record in records}
    direct = sorted(other for other in needs if name in needs[other] and other != name)
    above = _parents(needs, [asked for asked in sorted(requested) if asked in versions], avoid=name)
    chains = [_chain(above, other, name, needs, versions) for other in direct if other in above]
    return Standing(
        requested=tuple(requested.get(name, ())),
        needed_by=tuple(Step(other, versions[other], needs[other][name]) for other in direct),
        chains=tuple(sorted(chains, key=lambda chain: (len(chain), [step.name for step in chain]))),
    )


def _needs(record: PackageRecord) -> dict[str, str]:
    """Name → what the record says about it."""
    found: dict[str, str] = {}
    for text in record.depends:
        spec = read_spec(text)
        if spec is not None and spec.exact_name and spec.when is None:
            found[spec.exact_name] = _joined(found.get(spec.exact_name), text, spec.exact_name)
    return found


def _joined(before: str | None, text: str, name: str) -> str:
    """What is said about a name in two places, the name only once."""
    if before is None:
        return text
    more = text.removeprefix(name).strip()
    return f"{before}, {more}" if more else before


def _parents(needs: Mapping[str, Mapping[str, str]], roots: Sequence[str], *, avoid: str) -> dict[str, str | None]:
    """Each package within reach of the roots → the package that leads to it on a shortest way; None for a root.

    Ways through ``avoid`` don't count: they begin where the chain is to end.
    """
    found: dict[str, str | None] = {root: None for root in roots if root != avoid}
    queue = deque(found)
    while queue:
        name = queue.popleft()
        for other in sorted(needs.get(name, ())):
            if other in needs and other not in found and other != avoid:
                found[other] = name
                queue.append(other)
    return found


def _chain(
    above: Mapping[str, str | None],
    last: str,
    target: str,
    needs: Mapping[str, Mapping[str, str]],
    versions: Mapping[str, str],
) -> tuple[Step, ...]:
    names = [target, last]
    while (parent := above[names[-1]]) is not None:
        names.append(parent)
    names.reverse()
    steps = [Step(name, versions[name], needs[name][below]) for name, below in pairwise(names)]
    return (*steps, Step(target, versions[target]))
