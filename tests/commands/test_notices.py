"""``notices``: the files of channels (CEP 6)."""

from __future__ import annotations

import json

from tests.commands.conftest import RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer

NOTICES = {
    "notices": [
        {"id": "1", "message": "Read this:\nhttps://x", "level": "warning", "created_at": "2026-01-01T00:00:00Z"},
        {"id": "2", "message": "long ago", "level": "info", "expires_at": "2020-01-01T00:00:00+00:00"},
    ]
}


def test_notices(run_command: RunCommand, channel: ChannelBuilder, server: ChannelServer) -> None:
    words = ("notices", "--override-channels", "-c", server.url)
    assert run_command(*words).out == "The channels have no notices.\n"
    (channel.path / "notices.json").write_text(json.dumps(NOTICES))
    assert run_command(*words).out.splitlines() == [
        f'Channel "{server.url}" has the following notices:',
        "  [warning] -- 2026-01-01T00:00:00Z", "  Read this:", "  https://x", "",
    ]  # fmt: skip
    answer = run_command(*words, "--json").json
    assert [(one["channel"], one["id"]) for one in answer["notices"]] == [(server.url, "1")]


def test_what_is_no_notice(run_command: RunCommand, channel: ChannelBuilder, server: ChannelServer) -> None:
    (channel.path / "notices.json").write_text("<html>")
    done = run_command("notices", "--override-channels", "-c", server.url)
    assert done.code == 0
    assert "Could not get the notices" in done.err
