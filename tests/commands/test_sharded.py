"""Whole commands on sharded channels: the same environments as from whole indexes, with fewer bytes, and offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import RunCommand, build_channel
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer
from tests.kit.shards import INDEX, shard_channel
from tests.kit.tree import tree

pytestmark = pytest.mark.usefixtures("root")


@pytest.fixture
def channel(tmp_path: Path) -> ChannelBuilder:
    """The channel of all tests of commands, in both forms."""
    builder = build_channel(tmp_path / "channel")
    builder.add(make_package("other", "1.0", depends=("base-lib",), files={"share/other": "x"}))
    builder.write()
    shard_channel(builder.path)
    return builder


def meta(prefix: Path) -> dict[str, Any]:
    """What conda-meta says, without what tells one environment from another."""
    own = ("extracted_package_dir", "package_tarball_full_path", "link", "paths_data")
    records = [json.loads(path.read_bytes()) for path in sorted((prefix / "conda-meta").glob("*.json"))]
    return {record["fn"]: {key: value for key, value in record.items() if key not in own} for record in records}


def test_the_environment_is_the_same_both_ways(create: RunCommand, server: ChannelServer, root: Path) -> None:
    assert create("-n", "sharded", "tool", "data").code == 0
    assert server.count(f"*/{INDEX}") == 2 and server.count("*/repodata.json*") == 0
    assert server.count("*/shards/*") == 3
    (root / "rc").write_text("use_sharded_repodata: false\n")
    assert create("-n", "whole", "tool", "data", "--rc-file", root / "rc").code == 0
    assert server.count(f"*/{INDEX}") == 2
    sharded, whole = root / "envs/sharded", root / "envs/whole"
    assert meta(sharded) == meta(whole)
    assert len(meta(whole)) == 3
    files = [name for name in tree(whole) if not name.startswith("conda-meta/history")]
    assert files == [name for name in tree(sharded) if not name.startswith("conda-meta/history")]


def test_offline_after_online_is_identical(create: RunCommand, server: ChannelServer, root: Path) -> None:
    assert create("-n", "one", "tool").code == 0
    server.forget()
    assert create("-n", "two", "tool", "--offline").code == 0
    assert server.requests == []
    assert meta(root / "envs/one") == meta(root / "envs/two")


def test_installing_walks_from_what_is_installed(
    create: RunCommand, run_command: RunCommand, server: ChannelServer, root: Path
) -> None:
    create("-n", "one", "old-tool")
    server.forget()
    done = run_command("install", "-y", "-n", "one", "--override-channels", "-c", server.url, "data")
    assert done.code == 0
    assert set(meta(root / "envs/one")) == {"old-tool-1.0-h_0.conda", "base-lib-1.0-h_0.conda", "data-3.1-h_0.conda"}
    assert server.count("*/shards/*") == 1


def test_a_wrong_shard_is_one_clear_error(create: RunCommand, server: ChannelServer) -> None:
    server.fail("*/shards/*", body=b"x", times=None)
    done = create("-n", "one", "tool")
    assert done.code == 1
    assert "is not the one that the channel's index names" in done.err
    assert done.err.count("expected") == 1


def test_what_is_missing_is_told_as_from_whole_indexes(create: RunCommand) -> None:
    done = create("-n", "one", "tol")
    assert done.code == 1
    assert "Did you mean tool?" in done.err


def test_a_request_without_names_loads_the_whole(create: RunCommand, server: ChannelServer) -> None:
    assert create("-n", "one", "too*", "--dry-run").code == 0
    assert server.count("*/shards/*") == 0


def test_cleaning_the_index_takes_shards_away(create: RunCommand, run_command: RunCommand, root: Path) -> None:
    create("-n", "one", "tool")
    assert list((root / "pkgs/cache/shards").glob("*.zst"))
    assert run_command("clean", "-i", "-y").code == 0
    assert not (root / "pkgs/cache").exists()


def test_channels_bring_others_along(create: RunCommand, run_command: RunCommand, tmp_path: Path, root: Path) -> None:
    base = ChannelBuilder(tmp_path / "www/forge")
    base.add(make_package("base-lib", "9.0", files={"lib/base.txt": "forge\n"})).write()
    top = ChannelBuilder(tmp_path / "www/bio")
    top.add(make_package("tool", "1.0", depends=("base-lib",), files={"bin/tool": "x"})).write()
    shard_channel(base.path)
    shard_channel(top.path, info={"channel_relations": {"base": "../forge"}})
    with ChannelServer(tmp_path / "www") as server:
        words = ("create", "-y", "--override-channels", "-c", f"{server.url}/bio")
        assert run_command(*words, "-n", "one", "tool").code == 0
        (root / "rc").write_text("channel_relations_max_depth: 0\n")
        assert run_command(*words, "-n", "two", "tool", "--rc-file", root / "rc").code == 1
        (root / "rc").write_text(f"denylist_channels: ['{server.url}/forge']\n")
        denied = run_command(*words, "-n", "three", "tool", "--rc-file", root / "rc")
        assert (denied.code, "'denylist_channels'" in denied.err) == (1, True)
        found = meta(root / "envs/one")
        assert found["base-lib-9.0-h_0.conda"]["channel"] == f"{server.url}/forge"


def test_queries_take_the_shards_that_they_need(
    create: RunCommand, run_command: RunCommand, server: ChannelServer
) -> None:
    words = ("--override-channels", "-c", server.url, "--json")
    assert run_command("search", "tool[license=no*]", *words).json["result"]["pkgs"] == []
    assert run_command("search", "tool[license=*]", *words).json["result"]["pkgs"] != []
    page = run_command("search", "tool", *words).json["result"]["pkgs"]
    assert [(record["fn"], record["channel"]) for record in page] == [("tool-1.0-h_0.conda", server.url)]
    assert server.count("*/shards/*") == 1
    graph = run_command("repoquery", "depends", "tool", *words).json["result"]["pkgs"]
    assert [record["name"] for record in graph] == ["tool", "base-lib"]
    assert server.count("*/repodata.json*") == 0
    needing = run_command("repoquery", "whoneeds", "base-lib", *words).json["result"]["pkgs"]
    assert [record["name"] for record in needing] == ["old-tool", "other", "tool"]


def test_why_reads_shards(create: RunCommand, run_command: RunCommand, server: ChannelServer) -> None:
    create("-n", "one", "old-tool")
    answer = run_command("why", "base-lib", "-n", "one", "--json").json
    assert (answer["version"]["verdict"], answer["version"]["newest"]["fn"]) == ("held", "base-lib-2.0-h_0.tar.bz2")
    assert server.count("*/repodata.json*") == 0


def test_bulk_fetches_each_shard_once(
    run_command: RunCommand, server: ChannelServer, tmp_path: Path, root: Path
) -> None:
    for name, specs in (("one", "tool"), ("two", "tool, data"), ("three", "data")):
        (tmp_path / f"{name}.yml").write_text(f"dependencies: [{specs}]\n")
    files = [tmp_path / f"{name}.yml" for name in ("one", "two", "three")]
    done = run_command("bulk", "--override-channels", "-c", server.url, *files)
    assert done.code == 0, done.out
    assert server.count(f"*/{INDEX}") == 2 and server.count("*/repodata.json*") == 0
    assert server.count("*/shards/*") == 3
    assert sorted(meta(root / "envs/two")) == ["base-lib-2.0-h_0.tar.bz2", "data-3.1-h_0.conda", "tool-1.0-h_0.conda"]
