"""What users asked for in an environment: the specs that installed packages owe their being there to.

Rule of this file: pure; records and history in, records out. conda and micromamba keep the specs in the history,
we in the records too; each is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.errors import ParseError
from engine.link.prefix.history import Revision, requested_specs
from engine.model.match_spec import MatchSpec
from engine.model.needs import needed_names, reach
from engine.model.records import PrefixRecord
from engine.solve.fits import spec_matches


def texts_by_name(specs: Iterable[MatchSpec]) -> dict[str, tuple[str, ...]]:
    """Package name → the specs that ask for it, as records and history keep them."""
    found: dict[str, tuple[str, ...]] = {}
    for spec in specs:
        name = spec.exact_name or ""
        found[name] = (*found.get(name, ()), str(spec))
    return found


def with_requested(records: Sequence[PrefixRecord], history: Sequence[Revision]) -> tuple[PrefixRecord, ...]:
    """The records, each with the specs that asked for it, by its own word and the history's; the latter is newer."""
    told = requested_specs(history)
    return tuple(_with_specs(record, specs_of(record), told.get(record.name)) for record in records)


def specs_of(record: PrefixRecord) -> tuple[str, ...]:
    """What a record itself says. (conda writes that nobody asked as the text ``None``.)"""
    said = record.requested_specs or (record.requested_spec or "",)
    return tuple(text for text in said if text not in ("", "None"))


def _with_specs(record: PrefixRecord, said: tuple[str, ...], told: str | None) -> PrefixRecord:
    specs = said if told is None or told in said else (told,)
    return msgspec.structs.replace(record, requested_specs=specs, requested_spec=None)


def without_requested(records: Iterable[PrefixRecord]) -> tuple[PrefixRecord, ...]:
    """The records as if nobody had asked for any: what is to stay must be asked for now."""
    return tuple(msgspec.structs.replace(record, requested_specs=(), requested_spec=None) for record in records)


def protected(records: Sequence[PrefixRecord]) -> tuple[PrefixRecord, ...]:
    """The records, as pruning may see them: what is superfluous already counts as asked for.

    Other tools leave no word of what was asked for; whatever nothing needs was. So a change takes along only what it
    makes superfluous itself, as libsolv's ``CLEANDEPS`` does (ISS-46).
    """
    needed = _reach(records, [record.name for record in records if specs_of(record)])
    while True:
        rest = [record.name for record in records if record.name not in needed]
        if not rest:
            break
        below = _reach(records, [name for record in records if record.name in rest for name in _needs(record)])
        tops = [name for name in rest if name not in below] or rest
        needed |= _reach(records, tops) | set(tops)
        records = [_asked(record) if record.name in tops else record for record in records]
    return tuple(records)


def _asked(record: PrefixRecord) -> PrefixRecord:
    return msgspec.structs.replace(record, requested_specs=(record.name,))


def _reach(records: Sequence[PrefixRecord], names: Iterable[str]) -> set[str]:
    """The named packages and all that they need."""
    return reach({record.name: record for record in records}, names, _needs)


def _needs(record: PrefixRecord) -> list[str]:
    pip = ["pip"] if record.name == "python" else []  # which came along with it
    return [*needed_names(record), *pip]


def dependencies(records: Sequence[PrefixRecord], names: Iterable[str]) -> frozenset[str]:
    """The installed packages that the named ones need, directly or not (``--update-deps``)."""
    return frozenset(_reach(records, names))


def earlier_specs(records: Iterable[PrefixRecord], besides: Iterable[str | None]) -> tuple[MatchSpec, ...]:
    """Earlier requests that limit what a package may be, and are kept to now; without those for names in ``besides``.

    What can't be read any more (another tool wrote it) limits nothing.
    """
    passed = set(besides)
    found: list[MatchSpec] = []
    for record in records:
        for text in () if record.name in passed else specs_of(record):
            try:
                spec = MatchSpec.parse(text)
            except ParseError:
                continue
            if spec != MatchSpec(name=record.name) and spec.exact_name == record.name and spec_matches(spec, record):
                found.append(spec)
    return tuple(found)
