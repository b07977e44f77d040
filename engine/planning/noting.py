"""What records and history will say of who asked for what.

Rule of this file: pure; it decides about words and not about packages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from engine.environment.requested import specs_of, texts_by_name
from engine.environment.revisions import Past
from engine.model.records import PrefixRecord, RepoDataRecord
from engine.request import InstallRequest


class Notes(msgspec.Struct, frozen=True):
    """The fields of a `Plan` of the same names."""

    requested: dict[str, tuple[str, ...]]
    kept: dict[str, tuple[str, ...]]
    forgotten: tuple[str, ...]
    news: bool


def notes_on(
    request: InstallRequest,
    installed: Sequence[PrefixRecord],
    past: Past | None,
    explicit: Sequence[RepoDataRecord],
    neutered: Collection[str],
) -> Notes:
    """``past`` is the state that comes back, if one does; ``explicit`` are packages given by address."""
    before = {record.name: specs_of(record) for record in installed if specs_of(record)}
    requested = _asked_now(request, explicit) if past is None else _asked_again(past, before)
    forgotten = _forgotten(request, before, requested if past is None else past.requested)
    gone = {*requested, *forgotten}
    kept = {name: (name,) if name in neutered else specs for name, specs in before.items() if name not in gone}
    if past is not None:
        kept = {name: (spec,) for name, spec in past.requested.items()}
    news = any(specs != before.get(name) for name, specs in requested.items()) or bool(forgotten)
    return Notes(requested, kept, forgotten, news)


def _asked_now(request: InstallRequest, explicit: Sequence[RepoDataRecord]) -> dict[str, tuple[str, ...]]:
    if request.exact is not None:
        return dict(request.exact_requested)
    found: dict[str, tuple[str, ...]] = {record.name: (record_spec(record),) for record in explicit}
    for name, texts in texts_by_name(request.asked.specs).items():
        found[name] = (*found.get(name, ()), *texts)
    return found


def _asked_again(past: Past, before: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: (spec,) for name, spec in past.requested.items() if spec not in before.get(name, ())}


def _forgotten(request: InstallRequest, before: Collection[str], counts: Collection[str]) -> tuple[str, ...]:
    """Names that were asked for, where only what is asked for now (or was at some time) counts."""
    if not request.only_asked and request.revision is None:
        return ()
    return tuple(name for name in before if name not in counts)


def record_spec(record: RepoDataRecord) -> str:
    """A spec that means this package, for the history of packages given by address."""
    return f"{record.name}=={record.version}={record.build}"
