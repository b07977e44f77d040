"""``search --envs``: which of this user's environments have a package (conda's).

Rule of this file: conda's JSON, a list of environments with the records that fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.report import record_json
from engine.commands.rows import names_of_channels, resolve_spec
from engine.environment.environments import known_environments
from engine.errors import LinkError, PackagesNotFound
from engine.link.prefix.present import read_prefix
from engine.model.records import RepoDataRecord
from engine.solve.fits import spec_matches
from engine.ui.query import ruled_table

if TYPE_CHECKING:
    from engine.commands.app import App

_HEADER = ("Name", "Version", "Build", "Channel", "Location")


def search_environments(words: Sequence[str], app: App) -> int:
    """Print them. Raises `PackagesNotFound` if nothing fits."""
    specs = [resolve_spec(text, app) for text in words]
    found: list[tuple[str, list[RepoDataRecord]]] = []
    for prefix in known_environments(app.config):
        fitting = [record for record in _records(prefix, app) if any(spec_matches(spec, record) for spec in specs)]
        if fitting:
            found.append((prefix, sorted(fitting, key=lambda record: record.name)))
    if not found:
        raise PackagesNotFound(f"No environment has {', '.join(words)}.", data={"packages": list(words)})
    names = names_of_channels(app, [record for _, records in found for record in records])
    groups = [
        {"location": prefix, "package_records": [record_json(record, names) for record in records]}
        for prefix, records in found
    ]
    app.out.document(groups)
    rows = [
        (record.name, record.version, record.build, names.get(record.channel, record.channel), prefix)
        for prefix, records in found
        for record in records
    ]
    app.out.data("\n".join(ruled_table([_HEADER, *rows], frozenset())))
    return 0


def _records(prefix: str, app: App) -> Sequence[RepoDataRecord]:
    try:
        return read_prefix(prefix).records
    except LinkError as error:  # one damaged environment must not hide the others
        app.out.warning(error.message)
        return ()
