"""What files with several names (hard links) take on the disk, and whether somebody else has one of the names.

Rule of this file: it only looks.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator


def _files(path: str) -> Iterator[os.stat_result]:
    facts = os.lstat(path)
    if not stat.S_ISDIR(facts.st_mode):
        yield facts
        return
    for base, _, names in os.walk(path):
        for name in names:
            yield os.lstat(os.path.join(base, name))


def size_given_back(path: str) -> int:
    """The bytes that removing ``path`` gives back."""
    inside = Counter[tuple[int, int]]()
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    for facts in _files(path):
        inode = (facts.st_dev, facts.st_ino)
        inside[inode] += 1
        sizes[inode] = (facts.st_size, facts.st_nlink)
    return sum(size for inode, (size, links) in sizes.items() if links <= inside[inode])


def has_links_outside(directory: str) -> bool:
    """Whether a file of the package is also somewhere else: an environment uses it."""
    inside = Counter[tuple[int, int]]()
    links: dict[tuple[int, int], int] = {}
    for facts in _files(directory):
        if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
            inside[facts.st_dev, facts.st_ino] += 1
            links[facts.st_dev, facts.st_ino] = facts.st_nlink
    return any(count > inside[inode] for inode, count in links.items())
