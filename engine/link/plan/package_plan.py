"""What one package puts where. Pure: the package's lists and the facts of the target → a plan to carry out dumbly.

Files without a placeholder, which are nearly all, are grouped by directory and kept as bare names: they are linked
by thousands and never looked at. All paths are relative, with forward slashes.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

from collections.abc import Sequence

import msgspec

from engine.errors import LinkError
from engine.link.plan.entry_points import EntryPoint, parse_entry_point
from engine.link.plan.noarch import PythonInfo, noarch_target
from engine.model.records import PathEntry, RepoDataRecord


class Group(msgspec.Struct, frozen=True, array_like=True):
    """Files of one directory of the package that go, under their own names, into one directory of the prefix."""

    source: str
    """Empty for the top."""
    target: str
    names: list[str]
    sizes: list[int | None] = []
    """Of the files, as far as the package tells."""


class PlannedPath(msgspec.Struct, frozen=True, gc=False):
    """One entry of the package and where it goes."""

    entry: PathEntry
    target: str


class Layout(msgspec.Struct, frozen=True):
    """What follows from the package and the kind of place alone: of all prefixes with such a Python the same."""

    groups: list[Group]
    rewrites: list[PlannedPath]
    """Files with a placeholder."""
    copies: list[PlannedPath]
    """Files that must not be linked (``no_link``)."""
    softlinks: list[PlannedPath]
    directories: list[str]
    """Directories that are entries themselves, as empty ones are."""
    listed_dirs: list[str]
    """The same, in the package."""
    scripts: list[EntryPoint]
    needed_dirs: list[str]
    """Every directory that must exist, parents before children; the prefix itself is not listed."""
    size: int
    """Of all files, in bytes, as far as the package tells."""


class PackagePlan(Layout, frozen=True):
    """All that linking a package makes in the prefix, byte-compiled files apart."""

    index: int
    """Place in the link order: where two packages bring the same path, the higher one wins."""
    record: RepoDataRecord
    paths: list[PlannedPath]
    """Every entry, in the package's order."""
    plain: list[str]
    """Where the files of all groups go."""
    sources: list[str]
    """``.py`` files (in the prefix) that get a byte-compiled companion."""
    stale: list[tuple[str, str]]
    """(``.py``, its shipped ``.pyc``): the rewriting makes the second out of date, so it is compiled anew."""


def plan_package(
    index: int,
    record: RepoDataRecord,
    entries: tuple[PathEntry, ...],
    entry_points: tuple[str, ...],
    python: PythonInfo | None,
) -> PackagePlan:
    """The plan of one package; raises `LinkError` if it needs a Python that the environment has not."""
    noarch = record.noarch_type == "python"
    if noarch and python is None and (entry_points or _needs_python(entries)):
        raise LinkError(
            f"Could not link {record.dist}: it is a Python package (noarch: python), but there is no python in the "
            "environment",
            hint="Ask for python too.",
        )
    moved = python if noarch else None
    sorted_out = _SortedOut(entries, moved)
    paths, groups, special = sorted_out.paths, list(sorted_out.groups.values()), sorted_out.special
    scripts = [parse_entry_point(text, record.dist) for text in entry_points] if moved else []
    return PackagePlan(
        index=index,
        record=record,
        paths=paths,
        groups=groups,
        plain=sorted_out.plain,
        rewrites=special["rewrite"],
        copies=special["copy"],
        softlinks=special["softlink"],
        directories=[path.target for path in special["directory"]],
        listed_dirs=[path.entry.path for path in special["directory"]],
        scripts=scripts,
        needed_dirs=_needed_dirs(groups, special, moved.scripts if moved and scripts else ""),
        sources=sorted_out.sources,
        size=sum(filter(None, [entry.size_in_bytes for entry in entries])),
        stale=_stale(paths, special["rewrite"]),
    )


def _needs_python(entries: tuple[PathEntry, ...]) -> bool:
    return any(entry.path.startswith(("site-packages/", "python-scripts/")) for entry in entries)


class _SortedOut:
    """All paths in one pass (packages have thousands): plain files by directory, others by what is to be done."""

    def __init__(self, entries: tuple[PathEntry, ...], moved: PythonInfo | None) -> None:
        sources = [entry.path for entry in entries]
        targets = [noarch_target(source, moved) for source in sources] if moved else sources
        self.paths: list[PlannedPath] = list(map(PlannedPath, entries, targets))
        self.sources = _sources(sources, targets) if moved else []
        self.plain: list[str] = []
        self.groups: dict[str, Group] = {}
        """By directory in the package, in order of appearance: each goes as a whole to one of the prefix."""
        self.special: dict[str, list[PlannedPath]] = {"rewrite": [], "copy": [], "softlink": [], "directory": []}
        special = [
            number
            for number, entry in enumerate(entries)
            if entry.prefix_placeholder or entry.no_link or entry.path_type != "hardlink"
        ]
        if special:
            for number in special:
                self.special[_kind(entries[number])].append(self.paths[number])
            left_out = frozenset(special)
            targets = [target for number, target in enumerate(targets) if number not in left_out]
            entries = tuple(entry for number, entry in enumerate(entries) if number not in left_out)
        self.plain = targets
        self._group(entries, targets)

    def _group(self, entries: Sequence[PathEntry], targets: Sequence[str]) -> None:
        groups, current = self.groups, None
        names: list[str] = []
        sizes: list[int | None] = []
        for entry, target in zip(entries, targets, strict=True):
            directory, _, name = entry.path.rpartition("/")
            if directory != current:  # most packages list a directory's files one after the other
                current, group = directory, groups.get(directory)
                if group is None:
                    group = groups[directory] = Group(directory, target.rpartition("/")[0], [], [])
                names, sizes = group.names, group.sizes
            names.append(name)
            sizes.append(entry.size_in_bytes)


def _kind(entry: PathEntry) -> str:
    """What is to be done with an entry that is no plain file."""
    if entry.path_type != "hardlink":
        return entry.path_type
    return "rewrite" if entry.prefix_placeholder else "copy"


def _needed_dirs(groups: list[Group], special: dict[str, list[PlannedPath]], scripts_dir: str) -> list[str]:
    wanted = {group.target for group in groups}
    wanted.update(path.target.rpartition("/")[0] for paths in special.values() for path in paths)
    wanted.update(path.target for path in special["directory"])
    wanted.add(scripts_dir)
    found: set[str] = {""}
    for directory in wanted:
        while directory not in found:
            found.add(directory)
            directory = directory.rpartition("/")[0]  # noqa: PLW2901 - walks up
    found.discard("")
    return sorted(found)


def _sources(paths: list[str], targets: list[str]) -> list[str]:
    """What conda and mamba compile: the package's Python files below site-packages."""
    pairs = zip(paths, targets, strict=True)
    return [target for path, target in pairs if target.endswith(".py") and path.startswith("site-packages/")]


def _stale(paths: list[PlannedPath], rewrites: list[PlannedPath]) -> list[tuple[str, str]]:
    rewritten = {path.target for path in rewrites if path.target.endswith(".py")}
    if not rewritten:
        return []
    found = []
    for path in paths:
        source = pyc_source(path.target)
        if source in rewritten:
            found.append((source, path.target))
    return found


def pyc_source(path: str) -> str:
    """The ``.py`` that an unoptimised ``.pyc`` is made from, by its name; empty if it is none."""
    if not path.endswith(".pyc"):
        return ""
    directory, _, name = path.rpartition("/")
    parent, _, last = directory.rpartition("/")
    if last != "__pycache__":
        return path[:-1]
    stem, dot, tag = name[:-4].rpartition(".")
    if not dot or tag.startswith("opt-"):
        return ""
    return f"{parent}/{stem}.py" if parent else f"{stem}.py"
