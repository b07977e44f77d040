"""From a configuration to channels: what the names mean, and which channels a request is for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import msgspec

from engine.config.schema import Config
from engine.errors import ConfigError, InvalidChannel
from engine.model.channel import NO_DEFAULTS, Channel, ChannelContext, is_path, resolve_channels
from engine.model.url import scheme_of


def channel_context(config: Config) -> ChannelContext:
    """All that resolving a channel's text needs. ``local`` means the directories that conda-build fills."""
    multichannels = dict(config.custom_multichannels)
    if "local" not in multichannels:
        multichannels["local"] = tuple(_local_channels(config))
    return ChannelContext(
        alias=config.channel_alias,
        default_channels=config.default_channels,
        custom_channels=config.custom_channels,
        custom_multichannels=multichannels,
        mirrored_channels=config.mirrored_channels,
        cwd=config.cwd,
        home=config.home,
    )


def mirrors(config: Config) -> dict[str, tuple[str, ...]]:
    """Address of each mirrored channel → the addresses that have it, the preferred one first.

    Raises `ConfigError` for a mirror that is neither an address nor a path.
    """
    context = channel_context(config)
    found = {}
    for name, texts in config.mirrored_channels.items():
        for text in texts:
            if not (scheme_of(text) or is_path(text)):
                raise ConfigError(
                    f"The key 'mirrored_channels' lists {text!r} for {name}, expected the address of a channel",
                    hint="A mirror is written with its scheme, as in https://conda.example.org/conda-forge.",
                )
        if texts:
            addresses = tuple(resolve_channels([text], context)[0].base_url for text in texts)
            found[resolve_channels([name], context)[0].base_url] = addresses
    return found


def _local_channels(config: Config) -> Iterable[str]:
    """The ``conda-bld`` directories that exist, each once."""
    above = (config.target_prefix, config.root_prefix, config.home)
    places = dict.fromkeys(os.path.realpath(f"{place}/conda-bld") for place in above if place)
    return (place for place in places if os.path.isdir(place))


def configured_channels(config: Config, texts: Sequence[str] | None = None) -> tuple[Channel, ...]:
    """The channels of the configuration (or the given ``texts``), resolved.

    Raises `ConfigError` for a channel that the configuration forbids, `InvalidChannel` for what can be none.
    """
    context = channel_context(config)
    channels = resolve_channels(config.channels if texts is None else texts, context)
    check_allowed(channels, config)
    return channels


def channel_names(urls: Iterable[str], config: Config) -> dict[str, str]:
    """Address → what the channel is called here (a short name where there is one), for addresses out of records.

    What is no channel to us, because another tool wrote it in its own way, keeps its text.
    """
    context = channel_context(config)
    found = {}
    for url in urls:
        try:
            found[url] = resolve_channels([url], context)[0].name if url else ""
        except InvalidChannel:
            found[url] = url
    return found


def check_allowed(channels: Iterable[Channel], config: Config) -> None:
    """`ConfigError` if a channel is denied, or if there is a list of allowed ones and it is not on it (as conda)."""
    context = channel_context(config)
    allowed = {channel.public_url for channel in resolve_channels(config.allowlist_channels, context)}
    denied = {channel.public_url for channel in resolve_channels(config.denylist_channels, context)}
    for channel in channels:
        if channel.public_url in denied or (allowed and channel.public_url not in allowed):
            key = "denylist_channels" if channel.public_url in denied else "allowlist_channels"
            raise ConfigError(
                f"The channel {channel.name} must not be used: '{key}' of the configuration forbids it",
                hint="`whipsnake config sources` shows which files the configuration comes from.",
            )


def terms_notice(channels: Iterable[Channel], config: Config) -> str | None:
    """What to say where channels are used that Anaconda sells (mamba says so too); None if there are none."""
    names = [channel.name for channel in channels if channel.public_url.startswith(_COMMERCIAL)]
    if not names or not config.show_anaconda_channel_warnings:
        return None
    verb, terms = ("are commercial channels", "their terms") if names[1:] else ("is a commercial channel", "its terms")
    return (
        f"{', '.join(names)} {verb} of Anaconda, {terms} apply to you: https://www.anaconda.com/legal. "
        "(`show_anaconda_channel_warnings: false` in the configuration hides this.)"
    )


_COMMERCIAL = ("https://repo.anaconda.com/pkgs/", "http://repo.anaconda.com/pkgs/")


def with_file_channels(config: Config, channels: Sequence[str]) -> Config:
    """The configuration after reading a file that lists ``channels`` (CEP 24, "channels").

    They come after those of the command line and before the configured ones; ``nodefaults`` among them, or
    ``--override-channels``, leaves the configured ones away. What is merely built in counts only if nothing at all
    is configured, as in micromamba.
    """
    if not channels:
        return config
    asked = (*config.asked_channels, *channels)
    below = () if NO_DEFAULTS in asked or config.override_channels else config.channels
    if not config.sources.get("channels"):
        below = ()
    merged = tuple(dict.fromkeys(text for text in (*asked, *below) if text != NO_DEFAULTS))
    return msgspec.structs.replace(config, channels=merged, asked_channels=asked)
