"""Whether an environment is already as it is asked to be: seen from its own records, without an index or a solver.

Rule of this file: a yes must be what the solver would say. It keeps what is installed wherever that fulfils all specs,
needs and bounds; so if everything there does, nothing changes. Whatever is not plain gets a no, and is solved.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.config import Config
from engine.environment.requested import specs_of, texts_by_name, with_requested
from engine.errors import ParseError
from engine.inputs import Asked
from engine.link.prefix.meta import META, is_in_work
from engine.link.prefix.present import read_prefix
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, PrefixRecord
from engine.model.version import Version
from engine.planning.pins import pins_of
from engine.solve.fits import spec_matches
from engine.system.machine import Machine

Facts = Callable[[], Machine]
"""Looks at the machine; only asked if a package needs something of it."""


def is_settled(asked: Asked, prefix: str, config: Config, machine: Facts) -> bool:
    """Whether ``install`` of ``asked`` into an environment would change neither a package nor the history.

    Only for a request that lets what is installed stay. Raises `LinkError` and `StorageError` for records that can't
    be read, `ConfigError` for pins that can't be.
    """
    if not asked.specs or asked.explicit or asked.pip_parts or asked.variables:
        return False
    before = _state(prefix)
    if before is None:
        return False
    present = read_prefix(prefix)
    records = with_requested(present.records, present.history)
    if _state(prefix) != before:  # somebody changed it while we read
        return False
    by_name: dict[str, PackageRecord] = {record.name: record for record in records}
    return (
        len(by_name) == len(records)
        and not _is_news(asked.specs, records)
        and all(_is_met(spec, by_name) for spec in asked.specs)
        and not _brings_pip(asked.specs, by_name, config)
        and all(_is_kept_to(spec, by_name) for spec in pins_of(config, prefix))
        and _is_whole(records, by_name, machine)
    )


def _state(prefix: str) -> int | None:
    """Tells two states of an environment apart; None if it is being changed, or must not be (CEP 22)."""
    meta = os.path.join(prefix, META)
    if is_in_work(prefix) or os.path.lexists(os.path.join(meta, "frozen")):
        return None
    return os.stat(meta).st_mtime_ns


def _is_news(specs: Sequence[MatchSpec], records: Iterable[PrefixRecord]) -> bool:
    """Whether the history has to note that somebody asks for this; or groups were asked for, which need more."""
    before = {record.name: specs_of(record) for record in records}
    grouped = any("extras" in text for texts in before.values() for text in texts)
    return grouped or any(texts != before.get(name) for name, texts in texts_by_name(specs).items())


def _is_plain(spec: MatchSpec) -> bool:
    """Whether a spec means the same whatever the user's channels, and needs nothing besides the package."""
    return spec.exact_name is not None and spec.channel is None and not spec.extras and spec.when is None


def _is_met(spec: MatchSpec, by_name: Mapping[str, PackageRecord]) -> bool:
    found = by_name.get(spec.exact_name or "")
    return found is not None and _is_plain(spec) and spec_matches(spec, found)


def _is_kept_to(spec: MatchSpec, by_name: Mapping[str, PackageRecord]) -> bool:
    """Whether a bound holds: a package of the name need not be there."""
    return _is_plain(spec) and (spec.exact_name not in by_name or _is_met(spec, by_name))


def _brings_pip(specs: Sequence[MatchSpec], by_name: Mapping[str, PackageRecord], config: Config) -> bool:
    """Whether to ask for python is to ask for a pip that is not there."""
    asks = any(spec.exact_name == "python" for spec in specs)
    return asks and config.add_pip_as_python_dependency and "pip" not in by_name


def _is_whole(records: Sequence[PrefixRecord], by_name: Mapping[str, PackageRecord], machine: Facts) -> bool:
    """Whether every package has what it needs, and none has what it forbids."""
    needs = {text for record in records for text in record.depends if text not in by_name}
    bounds = {text for record in records for text in record.constrains}
    if any(text.startswith("__") for text in (*needs, *bounds)):
        by_name = {**by_name, **{fact.name: fact for fact in machine().virtual}}
    try:
        for record in records:
            Version.parse(record.version)
        return all(_is_met(MatchSpec.parse(text), by_name) for text in needs) and all(
            _is_kept_to(MatchSpec.parse(text), by_name) for text in bounds
        )
    except ParseError:
        return False
