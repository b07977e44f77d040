"""Which packages there are: specs → records, grouped as lists of them are shown.

Rule of this file: what ``search`` finds, in what order, and what to suggest where it finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord
from engine.query.catalog import Catalog, newness
from engine.solve.missing import MAX_SUGGESTIONS, did_you_mean

Versions = tuple[tuple[RepoDataRecord, ...], ...]
"""The builds of each version of one name, newest first."""


def search(catalog: Catalog, specs: Iterable[MatchSpec]) -> list[RepoDataRecord]:
    """The records that any of the specs matches, each once: by name, newest first."""
    found = {(record.url, record.fn): record for spec in specs for record in catalog.matching(spec)}
    newest_first = sorted(found.values(), key=newness, reverse=True)
    return sorted(newest_first, key=lambda record: record.name)


def grouped(records: Sequence[RepoDataRecord]) -> dict[str, Versions]:
    """Name → versions → builds, newest first. An archive that several channels have counts once."""
    distinct = list({_identity(record): record for record in reversed(records)}.values())[::-1]
    ordered = sorted(sorted(distinct, key=newness, reverse=True), key=lambda record: record.name)
    return {name: _versions(list(group)) for name, group in groupby(ordered, key=lambda record: record.name)}


def _versions(records: Sequence[RepoDataRecord]) -> Versions:
    return tuple(tuple(group) for _, group in groupby(records, key=lambda record: newness(record)[:2]))


def _identity(record: RepoDataRecord) -> tuple[str, str]:
    return record.name, record.sha256 or record.url or record.fn


def suggestions(catalog: Catalog, specs: Iterable[MatchSpec]) -> list[str]:
    """Names that may have been meant where nothing was found: near ones, else ones that have the name in them."""
    known: set[str] | None = None
    found: dict[str, None] = {}
    for spec in specs:
        name = spec.exact_name
        if name is None or catalog.newest_first(name):
            continue
        known = catalog.names() if known is None else known
        near = did_you_mean(name, known)
        inside = sorted((other for other in known if name in other), key=lambda other: (len(other), other))
        found.update(dict.fromkeys((near or inside)[:MAX_SUGGESTIONS]))
    return list(found)
