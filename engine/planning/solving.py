"""From the configuration to what a solver must be told: channels that specs name, how new packages may be, bounds.

Rule of this file: it only translates; what the words mean to the search is in `engine.solve.task`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.config import Config
from engine.config.channels import configured_channels
from engine.errors import ConfigError, InvalidMatchSpec
from engine.model.channel import Channel
from engine.model.cutoff import Cutoffs, parse_cutoffs
from engine.model.match_spec import MatchSpec
from engine.model.text_match import TextMatcher, is_pattern

_NOT_SET = frozenset({"", "true"})
"""Values of an override that say nothing (conda reads null and true so)."""


def channels_of_specs(specs: Iterable[MatchSpec], config: Config) -> dict[str, tuple[Channel, ...]]:
    """What the channels that specs name mean to this user: text → channels. Patterns mean no channel of their own.

    Raises `ConfigError` for a channel that the configuration forbids, `InvalidChannel` for what can be none.
    """
    texts = dict.fromkeys(spec.channel for spec in specs if spec.channel and not is_pattern(spec.channel))
    return {text: configured_channels(config, [text]) for text in texts}


def parse_pins(texts: Iterable[str], source: str) -> tuple[MatchSpec, ...]:
    """Pins, one a text. Raises `ConfigError` naming ``source``: a pin that is passed over would not be missed."""
    pins = []
    for text in texts:
        try:
            pins.append(MatchSpec.parse(text))
        except InvalidMatchSpec as error:
            raise ConfigError(
                f"{source}: the pin {text!r} can't be read: {error.reason}",
                hint="Correct it, or use --no-pin.",
            ) from error
    return tuple(pins)


def with_channels(channels: Sequence[Channel], named: Iterable[Sequence[Channel]]) -> tuple[Channel, ...]:
    """The channels of a request, and behind them those that only specs name (as conda and micromamba do)."""
    known = {channel.public_url for channel in channels}
    added: dict[str, Channel] = {}
    for group in named:
        for channel in group:
            if channel.public_url not in known:
                added.setdefault(channel.public_url, channel)
    return (*channels, *added.values())


def addresses(named: Mapping[str, Sequence[Channel]]) -> dict[str, tuple[str, ...]]:
    """Text of a spec's channel → addresses without secrets, for `SolveTask.channel_addresses`."""
    return {text: tuple(channel.public_url for channel in group) for text, group in named.items()}


def cutoffs(config: Config, channels: Sequence[Channel], given: Iterable[str], now_ms: int) -> Cutoffs:
    """How new packages may be. ``given`` are the names of packages given by address, to whom that does not apply.

    Raises `ConfigError` for a value that is neither a duration nor a date.
    """
    limits = parse_cutoffs(
        config.exclude_newer,
        {name: text for name, text in config.exclude_newer_package.items() if text not in _NOT_SET},
        list(_channel_values(config, channels)),
        now_ms,
    )
    return (
        Cutoffs(limits.everywhere, limits.channels, {**limits.packages, **dict.fromkeys(given)}) if limits else limits
    )


def _channel_values(config: Config, channels: Sequence[Channel]) -> Iterator[tuple[Sequence[str], str]]:
    """Of the key ``channel_settings``: addresses and their ``exclude_newer``."""
    for settings in config.channel_settings:
        text = settings.get("exclude_newer", settings.get("exclude-newer", ""))
        place = settings.get("channel", "")
        if not place or text in _NOT_SET:
            continue
        if is_pattern(place):
            matcher = TextMatcher.parse(place)
            yield [channel.public_url for channel in channels if matcher.matches(channel.public_url)], text
        else:
            yield [channel.public_url for channel in configured_channels(config, [place])], text


def may_downgrade(config: Config) -> bool:
    """Whether installed packages may get older.

    micromamba's default for ``allow_downgrade`` is false, but with ``allow_uninstall`` (its default too) libsolv takes
    that for a wish: an older version comes where nothing else does. That is what our objective does anyway. Only those
    who say so themselves, or forbid removals as well, mean it.
    """
    return config.allow_downgrade or (config.allow_uninstall and not config.sources.get("allow_downgrade"))
