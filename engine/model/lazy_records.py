"""The records of one name, each decoded when it is looked at.

A solve ranks all candidates of a name, for which their heads will do, and then looks at a few of them: three of a
hundred where a channel is deep. Decoding heads alone takes a quarter of the time, and of the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import overload

from engine.model.records import RecordHead, RepoDataRecord


class LazyRecords(Sequence[RepoDataRecord]):
    """Records that are known by their heads."""

    def __init__(
        self,
        heads: Mapping[str, RecordHead],
        read: Callable[[str], RepoDataRecord],
    ) -> None:
        """``heads``: by file name. ``read``: the record of a file name."""
        self.fns = tuple(heads)
        self.heads = tuple(heads.values())
        """What is known of each without decoding it."""
        self._read = read
        self._found: dict[int, RepoDataRecord] = {}

    def __len__(self) -> int:
        return len(self.fns)

    @overload
    def __getitem__(self, place: int) -> RepoDataRecord: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[RepoDataRecord, ...]: ...

    def __getitem__(self, place: int | slice) -> RepoDataRecord | tuple[RepoDataRecord, ...]:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self.fns))))
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = self._read(self.fns[place])
        return found


def heads_of(records: Sequence[RepoDataRecord]) -> Sequence[RecordHead]:
    """What ranks the records, without decoding any that is not decoded yet."""
    return records.heads if isinstance(records, LazyRecords) else records


def fns_of(records: Sequence[RepoDataRecord]) -> Sequence[str]:
    """The file names of the records, in the same way."""
    return records.fns if isinstance(records, LazyRecords) else [record.fn for record in records]
