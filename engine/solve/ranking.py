"""The order of the candidates of one name, best first.

Rule of this file: the order, and nothing of how it is kept. The candidates are ranked by, in order:

    1. what is installed and shall be kept,
    2. the channel (where it counts before the version),
    3. none of track_features before any (not so for packages that were asked for), then the newest version, and of
       one version the fewest track_features,
    4. the highest build number, 5. the newest timestamp, 6. the platform's own before noarch,
    7. the channel where it did not count before, the file name and the order of the subdirs, so that it is total.

How many features a candidate tracks counts only within a version: conda-forge lets a variant track two where another
tracks one so that it comes after that (``blas_mkl``, ``blas_mkl_2``), and began with it at some version; so across
versions the number would say no more than that the older is older.

Two candidates are of one *version class* if they differ only in the number of features and from 4 on, of one *build
class* if they differ only from 5 on. "Best" means the best version class first and the best build class within it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from engine.errors import InvalidVersion
from engine.model.records import PrefixRecord, RecordHead, RepoDataRecord
from engine.model.version import key_of
from engine.model.version_key import Key

_PLACE_BITS = 40
"""Of the number that stands for a candidate: its place in its source; above them stands the source."""
_PLACE_MASK = (1 << _PLACE_BITS) - 1


Same: TypeAlias = "list[tuple[Key, str, list[int]]]"
"""A version class: equal versions, newest text first as they came, each with the numbers of its candidates."""
Row: TypeAlias = "tuple[int, int, int, bool, int, str, int]"
"""What ranks a candidate within its version class; its first two tell the build class, the last is its number."""


class Source(NamedTuple):
    """Candidates of one subdir that are not ranked yet."""

    records: Sequence[RepoDataRecord]
    heads: Sequence[RecordHead]
    fns: Sequence[str]
    channel: int
    """The rank of its channel."""
    usable: Sequence[int]
    """The places, in all three, of those that count."""


def located(sources: Sequence[Source], code: int) -> tuple[Source, int]:
    """Where the candidate of a number is: its source and its place there."""
    return sources[code >> _PLACE_BITS], code & _PLACE_MASK


def version_classes(
    sources: Sequence[Source], *, kept: PrefixRecord | None, asked: bool, by_channel: bool
) -> Iterator[Same]:
    """The version classes, best first (1 to 3). ``by_channel``: whether the channel counts before the version.

    Records whose version is no version are left out: nothing can ask for them, and they can't be ranked.
    """
    for _, versions in sorted(_by_version(sources, kept, asked, by_channel).items()):
        same: Same = []
        for row in _newest_first(versions):
            if same and same[0][0] != row[0]:
                yield same
                same = []
            same.append(row)
        if same:
            yield same


def class_row(sources: Sequence[Source], code: int) -> Row:
    """What ranks a candidate within its version class (from the number of features on): the less, the better."""
    source, place = located(sources, code)
    head = source.heads[place]
    features = len(head.feature_names) if head.track_features else 0
    numbers = (features, -head.build_number, -head.timestamp_ms)
    return (*numbers, bool(head.noarch), source.channel, source.fns[place], code)


_Bucket: TypeAlias = "tuple[bool, int, bool]"
"""What counts before the version: not kept, channel, features."""


def _by_version(
    sources: Sequence[Source], kept: PrefixRecord | None, asked: bool, by_channel: bool
) -> dict[_Bucket, dict[str, list[int]]]:
    """Candidates by what counts before the version, then by the version's text.

    A hundred thousand candidates pass through here in a deep channel, of which few are ever looked at.
    """
    found: dict[_Bucket, dict[str, list[int]]] = {}
    for number, (_, heads, _, rank, usable) in enumerate(sources):
        channel, base = (rank if by_channel else 0), number << _PLACE_BITS
        plain = found.setdefault((True, channel, False), {})
        for place in usable:
            head = heads[place]
            versions = plain
            if head is kept:
                versions = found.setdefault((False, channel, False), {})
            elif head.track_features and not asked and head.feature_names:
                versions = found.setdefault((True, channel, True), {})
            text = head.version
            if text in versions:
                versions[text].append(base + place)
            else:
                versions[text] = [base + place]
    return found


def _newest_first(versions: dict[str, list[int]]) -> Iterable[tuple[Key, str, list[int]]]:
    rows = []
    for text, codes in versions.items():
        try:
            rows.append((key_of(text), text, codes))
        except InvalidVersion:
            continue
    rows.sort(key=itemgetter(0), reverse=True)
    return rows
