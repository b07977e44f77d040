"""What linking a package came to, kept for the next prefix: its plan, sorted out, and the text of its record's lists.

Rule of this file: values and words, no files. What is kept follows from the package and from the place that Python
looks in; it is believed no more than the package itself, so its paths are looked at as those of the package's own list
are. What differs between prefixes (rewritten files, scripts, records) is not here.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec

from engine.errors import LinkError
from engine.link.bytecode.compiled import Cached
from engine.link.files.batch import Files
from engine.link.linked import Linked
from engine.link.plan.entry_points import EntryPoint, parse_entry_point
from engine.link.plan.package_plan import Layout, PackagePlan
from engine.link.prefix.file_lists import Gaps, Lists
from engine.link.prefix.meta import META
from engine.model.records import Bytecode, CompiledFiles, RepoDataRecord

FORM = 2
"""Of what is written here: other forms are as if there were none. Raise it with every change of meaning."""

_NOWHERE = frozenset(("", ".", ".."))
_LEAD_OUT = ("//", "/./", "/../", "\0", "\\", ":")

WIDTH = 8
"""Bytes of the length that stands before a plan."""

Tie = tuple[int, int, int, str, str]
"""What a plan is for: `FORM`; size and time of change (ns) of the package's own list; where modules and scripts of
Python packages go (two empty texts for other packages)."""


class KeptPlan(Layout, frozen=True, array_like=True):
    """All that linking needs of a package, in the order in which it is written."""

    tie: Tie
    compiled: list[tuple[str, list[str], list[str], list[int | None]]]
    """Byte-compiled files by directory of the prefix: names in the cache, names there, sizes."""
    gaps: Gaps
    """Of the text of the record's lists, which stands behind the plan."""

    def plan(self, index: int, record: RepoDataRecord) -> PackagePlan:
        """The plan, without the entries one by one and without what is to be compiled."""
        plain = _paths((group.target, group.names) for group in self.groups)
        return PackagePlan(**_layout(self), index=index, record=record, paths=[], plain=plain, sources=[], stale=[])

    def cached(self, directory: str, staging: str) -> Cached | None:
        """The byte-compiled files, which are in ``directory``, on their way into a prefix; None if there are none."""
        if not self.compiled:
            return None
        files: list[Files] = [
            (directory, f"{staging}/{folder}", names, others, sizes) for folder, names, others, sizes in self.compiled
        ]
        paths = _paths((folder, others) for folder, _, others, _ in self.compiled)
        return Cached(Bytecode(directory, CompiledFiles()), files, paths)


def _layout(of: Layout) -> dict[str, Any]:
    return {name: getattr(of, name) for name in Layout.__struct_fields__}


def keep_plan(plan: PackagePlan, linked: Linked, lists: Lists, tie: Tie, staging: str) -> bytes | None:
    """The text to keep of a package that was just linked below ``staging``; None where it would not serve others."""
    compiled = [
        (folder[len(staging) + 1 :], names, others or names, sizes) for _, folder, names, others, sizes in linked.placed
    ]
    made = _paths((folder, others) for folder, _, others, _ in compiled)
    rewritten = {path.target for path in plan.rewrites}
    if linked.lost or plan.stale or not rewritten.isdisjoint(plan.sources) or sorted(made) != linked.compiled:
        return None
    kept = KeptPlan(**_layout(plan), tie=tie, compiled=compiled, gaps=lists.gaps)
    if not _is_safe(kept):
        return None
    text = msgspec.msgpack.encode(kept)
    return len(text).to_bytes(WIDTH, "big") + text + lists.text


def read_plan(text: bytes, tie: Tie) -> KeptPlan | None:
    """The plan in what `keep_plan` wrote, where it stands between its length and the lists; None if it is broken,
    unsafe, or for something else."""
    try:
        kept = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return kept if kept.tie == tie and _is_safe(kept) else None


def _is_safe(kept: KeptPlan) -> bool:
    """Whether its lists fit together and all its paths may be joined to a prefix."""
    named = [(group.names, group.sizes) for group in kept.groups]
    for _, names, others, sizes in kept.compiled:
        named += [(names, sizes), (others, sizes)]
    targets, sources = [group.target for group in kept.groups], [group.source for group in kept.groups]
    folders = [*kept.needed_dirs, *kept.directories, *kept.listed_dirs, *[folder for folder, *_ in kept.compiled]]
    if sources != targets:
        folders += filter(None, sources)
    for path in chain(kept.rewrites, kept.copies, kept.softlinks):
        folders += (path.entry.path, path.target)
    folders += [name for group in kept.groups if not group.target for name in group.names]
    limits = [0, *kept.gaps.places, kept.gaps.size]
    return (
        all(len(some) == len(sizes) for some, sizes in named)
        and _are_names(list(chain.from_iterable([some for some, _ in named])))
        and {"", *kept.needed_dirs}.issuperset(targets)
        and _stay_inside(folders)
        and limits == sorted(limits)
        and len(limits) == len(kept.gaps.entries) + 2
        and all(map(_is_plain, kept.scripts))
    )


def _is_plain(entry: EntryPoint) -> bool:
    try:
        return parse_entry_point(f"{entry.command}={entry.module}:{entry.function}", "") == entry
    except LinkError:
        return False


def _are_names(names: Sequence[str]) -> bool:
    """Whether all are names of files, by one look at all of them. (There are thousands.)"""
    text = "".join(names)
    return not any(sign in text for sign in "/\\\0") and _NOWHERE.isdisjoint(names)


def _stay_inside(paths: Sequence[str]) -> bool:
    """Whether all may be joined to a prefix (`engine.link.plan.paths_json`), by one look. A few that may are
    doubted."""
    text = f"/{'/|/'.join(paths)}/"
    return not paths or not (any(sign in text for sign in _LEAD_OUT) or f"/{META}/" in text.lower())


def _paths(groups: Iterable[tuple[str, list[str]]]) -> list[str]:
    found: list[str] = []
    for folder, names in groups:
        start = f"{folder}/" if folder else ""
        found += [start + name for name in names]
    return found


_decode = msgspec.msgpack.Decoder(KeptPlan).decode
