"""``why``: why a package is installed, and why in this version and no newer one."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from engine.commands.options import (
    add_channel_options,
    add_general_options,
    add_network_options,
    add_prefix_options,
    add_switch,
)
from engine.commands.report import record_json
from engine.commands.rows import installed_records, remote_rows
from engine.config.channels import channel_names, configured_channels
from engine.errors import FetchError, InvalidChannel, PackagesNotFound, ParseError, RepodataError
from engine.link.prefix.history import read_history, requested_specs
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import PrefixRecord
from engine.model.shards import with_json
from engine.query.chains import Standing, standing
from engine.solve.missing import did_you_mean
from engine.ui.text import one_line
from engine.ui.why import standing_lines, version_lines

if TYPE_CHECKING:
    from engine.commands.app import App
    from engine.solve.task import Rows, SolveTask
    from engine.solve.why import WhyVersion

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}


def arguments(parser: ArgumentParser) -> None:
    """Which package of which environment; where newer ones are looked for."""
    parser.add_argument("package", metavar="PACKAGE", help="the name of an installed package")
    add_general_options(parser)
    add_prefix_options(parser)
    add_network_options(parser)
    add_channel_options(parser)
    group = parser.add_argument_group("solver options")
    add_switch(group, ["--no-pin"], ["--pin"], dest="no_pin", help="ignore pinned packages")
    add_switch(group, ["--no-py-pin"], ["--py-pin"], dest="no_py_pin", help="let python's minor version change")


def run(args: Namespace, app: App) -> int:
    """Tell both, the second as far as the channels' indexes can be had."""
    app.config  # noqa: B018 - read before the first word is printed
    prefix, records = installed_records(app)
    installed = tuple(record for record in records if isinstance(record, PrefixRecord))
    record = _named(args.package.lower(), installed, prefix)
    asked = _requested(prefix, installed)
    stands = standing(_with_pip(installed, app), asked, record.name)
    name = channel_names([record.channel], app.config)[record.channel]
    app.out.result(package=record_json(record), prefix=prefix, **_standing_json(stands, asked))
    lines = [f"{record.name} {record.version} {record.build} ({name})", "", *standing_lines(stands)]
    app.out.data("\n".join(map(one_line, lines)))
    _tell_version(record, _Place(prefix, installed, tuple(_specs(asked)), app))
    return 0


def _named(name: str, installed: Sequence[PrefixRecord], prefix: str) -> PrefixRecord:
    found = next((record for record in installed if record.name == name), None)
    if found is not None:
        return found
    near = did_you_mean(name, [record.name for record in installed])
    hint = f"Did you mean {' or '.join(near)}?" if near else f"`whipsnake search {name}` shows whether there is one."
    raise PackagesNotFound(f"There is no package {name!r} in {prefix}.", hint=hint, data={"did_you_mean": near})


def _requested(prefix: str, installed: Sequence[PrefixRecord]) -> dict[str, tuple[str, ...]]:
    """Name → the specs that asked for it: what the records say, else (conda, old ones) what the history says."""
    history = requested_specs(read_history(prefix))
    found = {}
    for record in installed:
        said = record.requested_specs or (record.requested_spec or "",)
        texts = [text for text in said if text not in ("", "None")]  # conda writes None as a text
        if not texts and record.name in history:
            texts = [history[record.name]]
        if texts:
            found[record.name] = tuple(texts)
    return found


def _with_pip(installed: Sequence[PrefixRecord], app: App) -> list[PrefixRecord]:
    """As installed; python needs the pip that came with it, where the configuration says that it brings one along."""
    if not app.config.add_pip_as_python_dependency:
        return list(installed)
    replace = msgspec.structs.replace
    return [
        replace(record, depends=(*record.depends, "pip")) if record.name == "python" else record for record in installed
    ]


def _standing_json(stands: Standing, asked: Mapping[str, Sequence[str]]) -> dict[str, object]:
    chains = [
        [{**msgspec.structs.asdict(step), "requested": list(asked.get(step.name, ()))} for step in chain]
        for chain in stands.chains
    ]
    return {
        "requested": list(stands.requested),
        "needed_by": [msgspec.structs.asdict(step) for step in stands.needed_by],
        "chains": chains,
        "orphan": stands.is_orphan,
    }


class _Place(NamedTuple):
    """An environment and what was asked for in it."""

    prefix: str
    installed: tuple[PrefixRecord, ...]
    specs: tuple[MatchSpec, ...]
    app: App


def _tell_version(record: PrefixRecord, place: _Place) -> None:
    out = place.app.out
    channels, rows = _channel_rows(place)  # says what it loads, which must not stand in the middle of an answer
    out.data("\nWhy this version:")
    if isinstance(rows, str):
        out.result(version={"verdict": "unknown", "message": rows})
        out.data(f"  Whether there is a newer one is not known, for there is no channel data: {rows}")
        return
    from engine.solve.why import why_version

    answer = why_version(_task(place, channels, rows), record.name)
    out.result(version=_version_json(answer))
    out.data("\n".join(f"  {one_line(line)}".rstrip() for line in version_lines(record, answer)))


def _task(place: _Place, channels: Sequence[Channel], rows: Sequence[Rows]) -> SolveTask:
    """What was asked for, as a command would ask for it now."""
    from engine.planning.pins import pins_of
    from engine.planning.solving import addresses, channels_of_specs, cutoffs
    from engine.solve.task import SolveTask
    from engine.system.machine import assumed_machine

    config = place.app.config
    machine, _ = assumed_machine(place.app.machine, place.app.environ, config.override_virtual_packages)
    pins = pins_of(config, place.prefix)
    return SolveTask(
        specs=place.specs,
        repodata=rows,
        virtual=machine.virtual,
        installed=place.installed,
        pinned=pins,
        channel_priority=config.channel_priority,
        channel_addresses=addresses(channels_of_specs((*pins, *place.specs), config)),
        exclude_newer=cutoffs(config, channels, (), time.time_ns() // 10**6),
        pin_python=not config.no_py_pin,
        add_pip=config.add_pip_as_python_dependency,
    )


def _specs(asked: Mapping[str, Sequence[str]]) -> Iterator[MatchSpec]:
    for texts in asked.values():
        for text in texts:
            try:
                spec = MatchSpec.parse(text)
            except ParseError:
                continue  # the history of another tool; shown as it is, but no solver can use it
            if spec.url is None:  # one that means an archive says nothing of what may take its place
                yield spec


def _channel_rows(place: _Place) -> tuple[Sequence[Channel], Sequence[Rows] | str]:
    """The indexes of the configured channels and of those that packages came from; or why there are none.

    A channel that can't be had is left out if others can. What is merely built in counts only if nothing else is known.
    """
    from engine.fetch.index.shard_walk import Wanted

    app, config = place.app, place.app.config
    configured = configured_channels(config)
    origins = () if config.override_channels else _origins(place.installed, configured, app)
    if origins and not config.sources.get("channels"):
        configured = ()
    wanted = Wanted.of(place.specs, place.installed, add_pip=config.add_pip_as_python_dependency)
    attempts = dict.fromkeys(channels for channels in ((*configured, *origins), configured, origins) if channels)
    problem = "no channel is configured, and none is known from the packages."
    for channels in attempts:
        try:
            return channels, remote_rows(app, channels, wanted)
        except (FetchError, RepodataError) as error:
            problem = f"{error.message.rstrip('.')}. {error.hint or ''}".rstrip()
    return (), problem


def _origins(installed: Sequence[PrefixRecord], known: Iterable[Channel], app: App) -> tuple[Channel, ...]:
    """The channels that packages came from and that are not among the known ones."""
    found: dict[str, Channel] = {}
    for url in dict.fromkeys(record.channel for record in installed if "://" in record.channel):
        try:
            found.update({channel.public_url: channel for channel in configured_channels(app.config, [url])})
        except InvalidChannel:
            continue  # another tool's way of writing "unknown"
    for channel in known:
        found.pop(channel.public_url, None)
    return tuple(found.values())


def _version_json(answer: WhyVersion) -> dict[str, object]:
    return {
        "verdict": answer.verdict,
        "newest": record_json(with_json(answer.newest)) if answer.newest else None,
        "held_by": list(answer.held_by),
        "remedies": list(answer.remedies),
        "explanation": {**answer.data, "lines": [line.strip() for line in answer.story]} if answer.story else None,
        "changes": [
            {
                "kind": change.kind,
                "name": change.name,
                "from": change.old.version if change.old else None,
                "to": change.new.version if change.new else None,
            }
            for change in answer.changes
        ],
        "left_out_channels": list(answer.left_out),
    }
