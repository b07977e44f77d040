"""Real requests spoilt, so that mostly there is no answer, or one that is hard to find.

Rule of this file: what a request becomes follows from the instance, the way and the records alone, by a choice that is
seeded with the instance's id. So all figures about spoilt requests can be made again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.model.repodata import RepoData
from engine.model.version import Version
from perf.compare import requested_names
from perf.instances import Instance

Way = Callable[[Instance, Sequence[RepoData], random.Random], tuple[str, ...]]
"""From an instance to the specs that are asked for beside its own."""


def spoilt(instance: Instance, rows: Sequence[RepoData], way: str) -> Instance:
    """The instance with another request; the same one if nothing of it can be spoilt that way."""
    added = WAYS[way](instance, rows, random.Random(instance.id))
    return replace(instance, specs=(*instance.specs, *added), has_everything=False) if added else instance


def _oldest(instance: Instance, rows: Sequence[RepoData], chance: random.Random) -> tuple[str, ...]:
    """One dependency of the locked set at the oldest version that is there."""
    names = _dependencies(instance)
    versions = _versions(rows, chance.choice(names)) if names else []
    return (f"{versions[0].name} =={versions[0].version}",) if versions else ()


def _bounds(instance: Instance, rows: Sequence[RepoData], chance: random.Random) -> tuple[str, ...]:
    """Two packages bounded to the oldest quarter of their versions; for every other instance beside all names of the
    locked set, each third of them at its locked version."""
    names = sorted({text.split()[0] for text in instance.locked})
    added = []
    bounded = chance.sample(names, min(2, len(names)))
    for name in bounded:
        versions = _versions(rows, name)
        if versions:
            added.append(f"{name} <={versions[(len(versions) - 1) // 4].version}")
    if added and chance.random() < 0.5:
        for name, version, _ in (text.split() for text in instance.locked):
            if name not in bounded:
                added.append(f"{name} =={version}" if chance.random() < 1 / 3 else name)
    return tuple(added)


def _clash(instance: Instance, rows: Sequence[RepoData], chance: random.Random) -> tuple[str, ...]:
    """A requested package at a version all of whose builds exclude a version of another package, and that version."""
    asked = requested_names(instance.specs)
    for name in chance.sample(asked, len(asked)):
        family = _versions(rows, name)
        for one in chance.sample(family, min(5, len(family))):
            builds = [record for record in _family(rows, name) if record.version == one.version]
            for other, version in _excluded(builds, rows, chance):
                return f"{name} =={one.version}", f"{other} =={version}"
    return ()


WAYS: Final[Mapping[str, Way]] = {"oldest": _oldest, "bounds": _bounds, "clash": _clash}


def _excluded(
    builds: Sequence[PackageRecord], rows: Sequence[RepoData], chance: random.Random
) -> Iterator[tuple[str, str]]:
    """Versions of other packages that none of the builds can stand beside."""
    relations = [_specs_by_name(record) for record in builds]
    common = sorted(set(relations[0]).intersection(*relations[1:])) if relations else []
    for name in chance.sample(common, len(common)):
        versions = _versions(rows, name)
        for found in chance.sample(versions, min(20, len(versions))):
            version = Version.parse(found.version)
            if all(any(not _allows(spec, version) for spec in specs[name]) for specs in relations):
                yield name, found.version


def _specs_by_name(record: PackageRecord) -> dict[str, list[MatchSpec]]:
    found: dict[str, list[MatchSpec]] = {}
    for text in (*record.depends, *record.constrains):
        spec = MatchSpec.parse(text)
        if spec.exact_name is not None and not spec.exact_name.startswith("__") and spec.exact_name != record.name:
            found.setdefault(spec.exact_name, []).append(spec)
    return found


def _allows(spec: MatchSpec, version: Version) -> bool:
    return spec.version is None or spec.version.matches(version)


def _dependencies(instance: Instance) -> list[str]:
    """The names of the locked set that were not asked for."""
    return sorted({text.split()[0] for text in instance.locked} - set(requested_names(instance.specs)))


def _versions(rows: Sequence[RepoData], name: str) -> list[PackageRecord]:
    """A record of each version of a name, oldest first."""
    found: dict[Version, PackageRecord] = {}
    for record in _family(rows, name):
        try:
            found.setdefault(Version.parse(record.version), record)
        except ParseError:
            continue
    return [found[version] for version in sorted(found)]


def _family(rows: Sequence[RepoData], name: str) -> list[PackageRecord]:
    return [record for subdir in rows for record in subdir.records(name)]
