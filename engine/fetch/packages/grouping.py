"""Small packages go through the threads some at a time: what is done there for one takes less than the way to it.

Rule of this file: only who goes together. A small one is held in memory whole, and must have a digest to be checked by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from engine.model.records import RepoDataRecord

Item = TypeVar("Item")

SMALL = 256 << 10
"""Archives of fewer bytes are small."""
GROUP, GROUP_BYTES = 16, 1 << 20
"""So many go together at most, and so many bytes in sum."""


def is_small(record: RepoDataRecord) -> bool:
    """Whether a package may go together with others."""
    return bool(record.size and record.size < SMALL and (record.sha256 or record.md5))


def with_more(
    item: Item, items: MemoryObjectReceiveStream[Item], record_of: Callable[[Item], RepoDataRecord]
) -> tuple[list[Item], list[Item]]:
    """A package, and those that wait behind it as long as all are small: (what goes together, the one that goes
    alone, if there is one)."""
    found, size = [item], record_of(item).size or SMALL
    while is_small(record_of(found[-1])) and size < GROUP_BYTES and len(found) < GROUP:
        try:
            found.append(items.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            break
        size += record_of(found[-1]).size or 0
    if len(found) == 1:
        return [], found
    return (found, []) if is_small(record_of(found[-1])) else (found[:-1], found[-1:])
