"""Several subdirs seen as one: names → records, newest first.

Rule of this file: a name is decoded when somebody asks for it, and then once. At the size of conda-forge that is the
difference between an answer at once and one after half a minute.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from engine.errors import InvalidVersion
from engine.model.match_spec import MatchSpec
from engine.model.records import RecordHead, RecordNeeds, RepoDataRecord
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows, with_json
from engine.model.version import key_of
from engine.model.version_key import Key
from engine.solve.fits import spec_matches
from engine.solve.matching import matches_name
from engine.solve.task import Rows

FEW = 4
"""Searches of all rows that cost less than the index of words."""
_WORD = re.compile(r"[0-9a-z_][0-9a-z_.-]*")


@runtime_checkable
class Mentions(Protocol):
    """Rows that can tell, without decoding, which names may be of interest."""

    def mentioning(self, text: str) -> Collection[str]:
        """The names some of whose records have ``text`` anywhere in them; too many is fine, too few is not."""
        ...

    def needed_words(self, name: str) -> Collection[str]:
        """The words in what the records of a name depend on, in lower case; here too, more than names is fine."""
        ...


Place: TypeAlias = "tuple[int, str | int]"
"""Where a record is: the number of its subdir, and its file name or its place among the records of its name."""


def newness(record: RecordHead) -> tuple[bool, Key, int, int]:
    """What to sort by so that the newest comes last: version, build number, timestamp. No version is the oldest."""
    try:
        return True, key_of(record.version), record.build_number, record.timestamp_ms
    except InvalidVersion:
        return False, key_of("0"), record.build_number, record.timestamp_ms


def meets(spec: MatchSpec, record: RepoDataRecord) -> bool:
    """Whether a spec matches, whatever is in the record."""
    if spec.license is not None or spec.license_family is not None:
        record = with_json(record)  # a licence stands nowhere but in the index's own text
    return spec_matches(spec, record)


class Catalog:
    """Subdirs, in the order of their channels."""

    def __init__(self, repodata: Sequence[Rows]) -> None:
        self._repodata = repodata
        self._searchable = [rows for rows in repodata if isinstance(rows, Mentions)]
        self._others = [rows for rows in repodata if not isinstance(rows, Mentions)]
        self._found: dict[str, tuple[RepoDataRecord, ...]] = {}
        self._searches = 0
        self._by_word: dict[str, list[str]] | None = None

    def names(self) -> set[str]:
        """All names."""
        return {name for rows in self._repodata for name in rows.names()}

    def newest_first(self, name: str) -> tuple[RepoDataRecord, ...]:
        """The records of a name; of equally new ones, those of earlier channels first."""
        found = self._found.get(name)
        if found is None:
            records = [record for rows in self._repodata for record in rows.records(name)]
            found = self._found[name] = tuple(sorted(records, key=newness, reverse=True))
        return found

    def skim(self, name: str) -> list[tuple[RecordNeeds, Place]]:
        """What the records of a name need, in the order of `newest_first`; each with its place, for `at`. Who looks at
        the names of a whole channel has to do with this, for nothing is kept."""
        found: list[tuple[RecordNeeds, Place]] = []
        for number, rows in enumerate(self._repodata):
            if isinstance(rows, RepoData | ShardRows):
                found += [(row, (number, fn)) for fn, row in rows.skim(name).items()]
            else:
                found += [(row, (number, place)) for place, row in enumerate(rows.records(name))]
        if len(found) > 1:
            found.sort(key=lambda entry: newness(entry[0]), reverse=True)
        return found

    def at(self, name: str, place: Place) -> RepoDataRecord:
        """The record of a name that is at a place."""
        number, within = place
        rows = self._repodata[number]
        if isinstance(rows, RepoData | ShardRows):
            return rows.record(name, str(within))
        return rows.records(name)[int(within)]

    def matching(self, spec: MatchSpec) -> Iterator[RepoDataRecord]:
        """The records that a spec matches: by name, newest first."""
        for name in self.names_for(spec):
            for record in self.newest_first(name):
                if meets(spec, record):
                    yield record

    def names_for(self, spec: MatchSpec) -> Sequence[str]:
        """The names that a spec may mean."""
        if spec.exact_name is not None:
            return (spec.exact_name,)
        return sorted(name for name in self.names() if matches_name(spec, name))

    def mentioning(self, name: str) -> Sequence[str]:
        """The names whose records may depend on ``name``. Who asks for many gets an index of the words of all."""
        self._searches += 1
        if self._searches > FEW:
            return self._words().get(name.lower(), ())
        found = {other for rows in self._searchable for other in rows.mentioning(name)}
        return sorted(found.union(*(rows.names() for rows in self._others)))

    def _words(self) -> dict[str, list[str]]:
        if self._by_word is None:
            self._by_word = {}
            for name in sorted(self.names()):
                for word in self._words_of(name):
                    self._by_word.setdefault(word, []).append(name)
        return self._by_word

    def _words_of(self, name: str) -> set[str]:
        found = {word for rows in self._searchable for word in rows.needed_words(name)}
        texts = {text for rows in self._others for record in rows.records(name) for text in record.depends}
        return found.union(*(_WORD.findall(text.lower()) for text in texts))
