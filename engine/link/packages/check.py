"""Are the files of a cached package still those of its list? Asked before the first of them is linked.

Rule: kind and size of every file, by looking at each, as when the package was unpacked (`engine.fetch.archive.verify`).
The list is the one that linking has read anyway, and the files are those that it touches next. It is what notices a
file that was lost in a power cut, cut short by a full disk, or taken by a cleaner. Plain files, which are nearly all,
are looked at by `engine.link.files.batch`, and the others here.
"""

from __future__ import annotations

import os
import stat

from engine.link.plan.package_plan import PackagePlan
from engine.model.records import PathEntry


def special_damage(plan: PackagePlan, directory: str) -> str | None:
    """The first path of the unpacked package in ``directory`` that is no plain file and not as its list says."""
    for paths in (plan.rewrites, plan.copies, plan.softlinks):
        for path in paths:
            if not _is_sound(path.entry, directory):
                return path.entry.path
    return next((path for path in plan.listed_dirs if not os.path.isdir(f"{directory}/{path}")), None)


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
