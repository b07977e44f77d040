"""Are the files of a cached package still those of its list? Asked before the first of them is linked.

Rule: kind and size of every file, by looking at each, as when the package was unpacked (`engine.fetch.verify`). The
list is the one that linking has read anyway, and the files are those that it touches next. It is what notices a file
that was lost in a power cut, cut short by a full disk, or taken by a cleaner.
"""

from __future__ import annotations

import os
import stat

from engine.link.plan import Group, PackagePlan
from engine.model.records import PathEntry

_BY_HANDLE = os.stat in os.supports_dir_fd


def damage(plan: PackagePlan, directory: str) -> str | None:
    """The first path of the unpacked package in ``directory`` that is not as its list says; None if all are."""
    for group in plan.groups:
        name = _damaged_in(group, f"{directory}/{group.source}" if group.source else directory)
        if name is not None:
            return f"{group.source}/{name}" if group.source else name
    for paths in (plan.rewrites, plan.copies, plan.softlinks):
        for path in paths:
            if not _is_sound(path.entry, directory):
                return path.entry.path
    return next(
        (
            path.entry.path
            for path in plan.paths
            if path.entry.path_type == "directory" and not os.path.isdir(f"{directory}/{path.entry.path}")
        ),
        None,
    )


def _damaged_in(group: Group, directory: str) -> str | None:
    """Of many files of one directory, relative to a handle where the system can."""
    look, regular = os.stat, stat.S_IFREG
    handle = None
    name = group.names[0]
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY) if _BY_HANDLE else None
        start = "" if _BY_HANDLE else f"{directory}/"
        for name, size in zip(group.names, group.sizes, strict=True):
            facts = look(start + name, dir_fd=handle, follow_symlinks=False)
            if (facts.st_size != size and size is not None) or facts.st_mode & 0o170000 != regular:
                return name
    except OSError:
        return name
    finally:
        if handle is not None:
            os.close(handle)
    return None


def _is_sound(entry: PathEntry, directory: str) -> bool:
    """Whether one file is as it should be. The size of a soft link is that of its target (CEP 34) and says nothing of
    the link, but a file that stands in for one must have it."""
    try:
        facts = os.lstat(f"{directory}/{entry.path}")
    except OSError:
        return False
    if stat.S_ISLNK(facts.st_mode):
        return entry.path_type == "softlink"
    return stat.S_ISREG(facts.st_mode) and entry.size_in_bytes in (None, facts.st_size)
