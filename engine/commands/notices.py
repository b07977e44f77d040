"""``notices``: what the channels want their users to know (CEP 6). They are only asked when somebody wants to know."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import msgspec

from engine import flow
from engine.commands.options import (
    add_channel_options,
    add_general_options,
    add_network_options,
    add_prefix_options,
)
from engine.config.channels import configured_channels
from engine.errors import HttpStatusError, NetworkError
from engine.fetch.http.transport import Transport
from engine.model.channel import Channel
from engine.settings import transport_settings

if TYPE_CHECKING:
    from engine.commands.app import App

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}

_MAX_SIZE = 1 << 20
"""More than any notice needs, in bytes."""


class _Message(msgspec.Struct):
    message: str
    level: str = "info"
    id: str = ""
    created_at: str = ""
    expires_at: str = ""

    def is_over(self, now: datetime) -> bool:
        """Whether it has expired."""
        try:
            until = datetime.fromisoformat(self.expires_at.replace("Z", "+00:00"))
        except ValueError:
            return False
        return (until if until.tzinfo else until.replace(tzinfo=timezone.utc)) < now


class _Document(msgspec.Struct):
    notices: list[_Message] = []


def arguments(parser: ArgumentParser) -> None:
    """No options of its own."""
    add_general_options(parser)
    add_prefix_options(parser)
    add_network_options(parser)
    add_channel_options(parser)


def run(args: Namespace, app: App) -> int:
    """Ask each channel, and print what has not expired."""
    channels = configured_channels(app.config)
    found = flow.run(lambda: _ask_all(channels, app))
    app.out.result(
        success=True,
        notices=[{"channel": name, **msgspec.to_builtins(one)} for name, messages in found for one in messages],
    )
    for name, messages in found:
        if messages:
            app.out.line(f'Channel "{name}" has the following notices:')
        for one in messages:
            app.out.line(f"  [{one.level}] -- {one.created_at}")
            app.out.line("  " + one.message.replace("\n", "\n  "))
            app.out.line()
    if not any(messages for _, messages in found):
        app.out.line("The channels have no notices.")
    return 0


async def _ask_all(channels: Sequence[Channel], app: App) -> list[tuple[str, list[_Message]]]:
    now = datetime.now(timezone.utc)
    found: list[tuple[str, list[_Message]]] = []
    async with Transport(transport_settings(app.config, app.environ)) as transport:
        for channel in channels:
            try:
                messages = await _ask(channel, transport)
            except (NetworkError, msgspec.DecodeError) as error:
                app.out.warning(f"Could not get the notices of {channel.name}: {error}")
                continue
            found.append((channel.name, [one for one in messages if not one.is_over(now)]))
    return found


async def _ask(channel: Channel, transport: Transport) -> list[_Message]:
    """The notices of one channel; none if it has no such file."""
    url = channel.subdir_url("notices.json")
    async with transport.open(url) as response:
        if response.status == 404:
            return []
        if response.status != 200:
            raise HttpStatusError(f"{channel.public_url}/notices.json", response.status)
        data = b""
        async for chunk in response.chunks():
            data += chunk
            if len(data) > _MAX_SIZE:
                raise msgspec.DecodeError(f"the file is larger than {_MAX_SIZE} bytes")
    return msgspec.json.decode(data, type=_Document).notices
