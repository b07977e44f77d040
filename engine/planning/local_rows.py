"""Packages given by address, as the solver sees them: a channel of their own, before all others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord


class LocalRows:
    """A few records that no channel's index has (it follows `engine.solve.task.Rows`)."""

    def __init__(self, records: Sequence[RepoDataRecord]) -> None:
        self._records = list(records)
        self.channel = Channel("<given packages>", "file:///")
        self.subdir = "noarch"

    def names(self) -> Collection[str]:
        """The names of all of them."""
        return {record.name for record in self._records}

    def records(self, name: str) -> Sequence[RepoDataRecord]:
        """Those of one name."""
        return [record for record in self._records if record.name == name]


def spec_for(record: RepoDataRecord) -> MatchSpec:
    """The spec that only this very package fulfils."""
    quoted = record.url.replace("'", "%27")
    return MatchSpec.parse(f"{record.name}[url='{quoted}']")
