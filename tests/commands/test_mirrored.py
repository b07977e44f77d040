"""Environments from channels that have mirrors, whole commands."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.conftest import RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer


def record(root: Path, env: str, name: str) -> dict[str, object]:
    [path] = (root / "envs" / env / "conda-meta").glob(f"{name}-*.json")
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_records_keep_the_channels_own_name_whoever_served_them(
    channel: ChannelBuilder, run_command: RunCommand, root: Path, tmp_path: Path
) -> None:
    rc = tmp_path / "rc"
    with ChannelServer(channel.path) as first, ChannelServer(channel.path) as second:
        rc.write_text(f"channels: [corp]\nmirrored_channels:\n  corp:\n    - {first.url}\n    - {second.url}/\n")
        first.fail("*.conda", status=503, times=None)
        first.fail("*.tar.bz2", status=404, times=None)
        done = run_command("create", "-y", "-n", "e", "--rc-file", rc, "tool", "base-lib")
        assert done.code == 0, done.err
        assert "its other mirrors are tried" in done.out + done.err
        assert (first.count("*/repodata.json*"), second.count("*/repodata.json*")) == (2, 0)
        assert second.count("*tool*") == second.count("*base-lib*") == 1
        for name in ("tool", "base-lib"):
            found = record(root, "e", name)
            assert str(found["url"]).startswith(f"{first.url}/linux-64/{name}-")
            assert found["channel"] == record(root, "e", "tool")["channel"]
        listed = run_command("list", "-n", "e", "--rc-file", rc).out
        assert len([line for line in listed.splitlines() if line.split()[-1:] == ["corp"]]) == 2
        explicit = run_command("list", "-n", "e", "--explicit", "--rc-file", rc).out
        assert second.url not in explicit


def test_a_mirror_of_an_address(channel: ChannelBuilder, run_command: RunCommand, root: Path, tmp_path: Path) -> None:
    """As in pixi: the address itself is asked only if it is listed."""
    rc = tmp_path / "rc"
    with ChannelServer(channel.path) as server:
        rc.write_text(f"mirrored_channels:\n  https://conda.invalid/corp: [{server.url}]\n")
        words = ("create", "-y", "-n", "e", "--rc-file", rc, "-c", "https://conda.invalid/corp", "--override-channels")
        done = run_command(*words, "tool")
        assert done.code == 0, done.err
        assert str(record(root, "e", "tool")["url"]).startswith("https://conda.invalid/corp/linux-64/tool-")


def test_a_mirror_that_is_no_address(run_command: RunCommand, tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_text("mirrored_channels:\n  corp: [conda-forge]\n")
    done = run_command("create", "-y", "-n", "e", "--rc-file", rc, "-c", "corp", "--override-channels", "tool")
    assert done.code == 1
    assert "'mirrored_channels' lists 'conda-forge' for corp" in done.err
