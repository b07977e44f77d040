"""Where a query looks: the records of the channels, or of an environment, as rows and the names of their channels.

Rule of this file: it gets them and decides nothing about the query.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.config.channels import channel_names, configured_channels, terms_notice
from engine.environment.environments import existing_prefix
from engine.errors import UsageError
from engine.link.prefix.present import read_prefix
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord
from engine.planning.local_rows import LocalRows

if TYPE_CHECKING:
    from engine.commands.app import App
    from engine.fetch.index.shard_walk import Wanted
    from engine.model.repodata import RepoData
    from engine.model.shards import ShardRows
    from engine.solve.task import Rows
    from engine.system.machine import Machine


def remote_rows(app: App, channels: Sequence[Channel], wanted: Wanted | None = None) -> list[RepoData | ShardRows]:
    """The index of every subdir of the channels, as all commands load it; the loading is shown.

    Only what ``wanted`` leads to need be there; None: everything.
    """
    from engine import flow
    from engine.events import Phase, PhaseFinished, PhaseStarted
    from engine.fetch.http.transport import Transport
    from engine.fetch.index.load import load_subdirs
    from engine.settings import repodata_settings, transport_settings
    from engine.ui.progress import Progress

    config, out = app.config, app.out
    bars = out.is_terminal and not (config.ci or config.quiet or config.json)
    progress = Progress(out, bars=bars, verbose=config.verbose)
    notice = terms_notice(channels, config)
    if notice:
        out.warning(notice)

    async def load() -> list[RepoData | ShardRows]:
        began = time.monotonic()
        progress(PhaseStarted(Phase.REPODATA))
        async with Transport(transport_settings(config, app.environ)) as transport:
            settings = repodata_settings(config)
            rows = await load_subdirs(channels, config.platform, transport, settings, progress, wanted=wanted)
        progress(PhaseFinished(Phase.REPODATA, time.monotonic() - began, items=len(rows)))
        return rows

    try:
        return flow.run(load)
    finally:
        progress.close()


def installed_records(app: App) -> tuple[str, Sequence[RepoDataRecord]]:
    """The environment that is meant and what is in it. A root prefix that was never made is empty, not an error."""
    config = app.config
    prefix = config.target_prefix
    if prefix is None or prefix != config.root_prefix or os.path.isdir(prefix):
        prefix = existing_prefix(config, app.out.warning)
    return prefix, read_prefix(prefix).records


def virtual_rows(machine: Machine) -> LocalRows:
    """The virtual packages of the machine, so that what needs them finds them."""
    return LocalRows(
        [
            RepoDataRecord(
                name=fact.name,
                version=fact.version,
                build=fact.build,
                subdir=machine.platform,
                fn=fact.name,
                url=fact.name,
                channel="@",
            )
            for fact in machine.virtual
        ]
    )


def query_channels(app: App, specs: Iterable[MatchSpec]) -> tuple[Channel, ...]:
    """The channels to look in: those of the configuration; where all specs name one, those that they name (as conda).

    Raises `UsageError` if there are none.
    """
    config = app.config
    texts = [spec.channel for spec in specs]
    named = [text for text in texts if text is not None and "*" not in text]
    channels = configured_channels(config, named if named and len(named) == len(texts) else None)
    if not channels:
        raise UsageError(
            "Could not search: no channel is named or configured.", hint="Name a channel, as with `-c conda-forge`."
        )
    return channels


def resolve_spec(text: str, app: App) -> MatchSpec:
    """The spec of a text of the command line; a channel's name in it becomes the address that it means here."""
    spec = MatchSpec.parse(text)
    if spec.channel is None or "*" in spec.channel:
        return spec
    channels = configured_channels(app.config, [spec.channel])
    return spec.with_(channel=channels[0].base_url) if len(channels) == 1 else spec


def names_of_channels(app: App, records: Iterable[RepoDataRecord]) -> dict[str, str]:
    """Channel address → what it is called here, for all channels of some records."""
    return channel_names({record.channel for record in records}, app.config)


def as_rows(records: Sequence[RepoDataRecord], app: App) -> list[Rows]:
    """Installed records and virtual packages as something to look in."""
    return [LocalRows(records), virtual_rows(app.machine)]
