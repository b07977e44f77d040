"""`engine.commands.change`: how a change is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.commands.change import _wants_colours
from tests.commands.conftest import RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer
from tests.kit.tree import holds


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_can_be_refused(environ: dict[str, str], wanted: bool) -> None:
    assert _wants_colours(environ) is wanted


def test_the_table_shows_no_secrets(run_command: RunCommand, channel: ChannelBuilder, tmp_path: Path) -> None:
    file = tmp_path / "environment.yml"
    with ChannelServer(channel.path.parent, token="tk-secret") as server:
        url = f"{server.url}/{channel.path.name}"
        file.write_text(f"name: quiet\nchannels: ['{url}', nodefaults]\ndependencies: ['{url}::data']\n")
        done = run_command("create", "-y", "-f", file, "-p", tmp_path / "env")
    assert done.code == 0 and f"/t/<TOKEN>/{channel.path.name}::data" in done.out
    assert "tk-secret" not in done.out + done.err
    assert not holds(tmp_path / "env", b"tk-secret")
