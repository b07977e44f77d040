"""Which channel an installed package belongs to, where its own is not among those that are asked.

Rule of this file: the same archive is the same package, wherever it came from. Who now reads conda-forge from another
address (a mirror, another alias) has what conda-forge has; taken for strangers of the lowest rank, those packages would
give way to older ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.model.lazy_records import heads_of
from engine.model.records import PrefixRecord
from engine.solve.index import lazy_rows, same_package
from engine.solve.task import Rows


def at_home(installed: Sequence[PrefixRecord], repodata: Sequence[Rows]) -> tuple[PrefixRecord, ...]:
    """The installed packages; one of a channel that ``repodata`` does not have is of the first that has its archive."""
    known = {rows.channel.public_url for rows in repodata}
    return tuple(record if record.channel in known else _moved(record, repodata) for record in installed)


def _moved(record: PrefixRecord, repodata: Sequence[Rows]) -> PrefixRecord:
    for rows in repodata:
        if _has(rows, record):
            return msgspec.structs.replace(record, channel=rows.channel.public_url)
    return record


def _has(rows: Rows, record: PrefixRecord) -> bool:
    """Whether a subdir has the archive of an installed package. Only those of the same build are looked at whole."""
    records, dist = lazy_rows(rows, record.name), record.dist
    return any(
        head.dist == dist and same_package(records[number], record) for number, head in enumerate(heads_of(records))
    )
