"""What a package depends on, and who depends on it.

Rule of this file: one step in either direction. A dependency is answered by the newest record that meets all that the
dependent says about the name. That is a good guess and no more: only a solve knows what would be installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from engine.errors import InvalidVersion, ParseError
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, RepoDataRecord
from engine.query.catalog import Catalog, meets


class Need(msgspec.Struct, frozen=True):
    """A record that depends on something, and the words in which it does."""

    record: RepoDataRecord
    text: str


class Dependency(msgspec.Struct, frozen=True):
    """What a record says about one name, and what meets it; None where nothing does."""

    texts: tuple[str, ...]
    record: RepoDataRecord | None


def dependencies(catalog: Catalog, record: PackageRecord) -> Iterator[Dependency]:
    """What ``record`` depends on, in its own order; what it says about one name in several places is taken together."""
    groups: dict[str, dict[str, MatchSpec | None]] = {}
    for text in record.depends:
        spec = read_spec(text)
        name = (spec.exact_name if spec else None) or text
        groups.setdefault(name, {})[text] = spec
    for texts in groups.values():
        yield Dependency(tuple(texts), _newest(catalog, list(texts.values())))


def _newest(catalog: Catalog, specs: Sequence[MatchSpec | None]) -> RepoDataRecord | None:
    first, *rest = specs
    if first is None or None in rest:
        return None
    known = (spec for spec in rest if spec is not None)
    others = tuple(known)
    return next((found for found in catalog.matching(first) if all(meets(spec, found) for spec in others)), None)


def read_spec(text: str) -> MatchSpec | None:
    """The spec that a record's text means; None if it means nothing."""
    try:
        return MatchSpec.parse(text)
    except ParseError:
        return None


class Dependents:
    """Who depends on what in one catalog; each name is looked for once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._found: dict[str, tuple[Need, ...]] = {}

    def of_name(self, name: str) -> tuple[Need, ...]:
        """The records that depend on a name in any version: by name, newest first."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = tuple(self._look_for(name, ()))
        return found

    def of_spec(self, spec: MatchSpec) -> list[Need]:
        """The records that a package which ``spec`` matches can serve: by name, newest first."""
        names = self._catalog.names_for(spec)
        found = {need.record.url: need for name in names for need in self._serving(name, spec)}
        return sorted(found.values(), key=lambda need: need.record.name)

    def _serving(self, name: str, spec: MatchSpec) -> Iterable[Need]:
        wanted = wanted_by(self._catalog, name, spec)
        if wanted is None:
            return self.of_name(name)
        return self._look_for(name, wanted) if wanted else ()

    def _look_for(self, name: str, wanted: Sequence[RepoDataRecord]) -> Iterator[Need]:
        """Records that depend on ``name``; where ``wanted`` says something, on one of them."""
        answers: dict[str, bool] = {}
        for dependent in self._catalog.mentioning(name):
            for record in self._catalog.newest_first(dependent):
                for text in record.depends:
                    known = answers.get(text)
                    if known is None:
                        known = answers[text] = means(text, name, wanted)
                    if known:
                        yield Need(record, text)
                        break


def wanted_by(catalog: Catalog, name: str, spec: MatchSpec) -> list[RepoDataRecord] | None:
    """The records of a name that a spec means; None if it says no more than the name."""
    if spec == MatchSpec(name=spec.name, name_matcher=spec.name_matcher):
        return None
    return [record for record in catalog.newest_first(name) if meets(spec, record)]


def means(text: str, name: str, wanted: Sequence[RepoDataRecord] = ()) -> bool:
    """Whether a record's text is a spec of a name; where ``wanted`` says something, of one of these records."""
    spec = read_spec(text) if name in text.lower() else None
    if spec is None or spec.exact_name != name:
        return False
    return not wanted or any(_meets_version(spec, record) for record in wanted)


def _meets_version(spec: MatchSpec, record: RepoDataRecord) -> bool:
    try:
        return spec.matches_version_build(record)
    except InvalidVersion:
        return False
