"""micromamba and we share environments and caches, both ways, under one root prefix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.conftest import RunCommand
from tests.interop.conftest import names, peer
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer


@pytest.fixture
def micromamba() -> RunCommand:
    return peer("micromamba")


@pytest.fixture
def mamba(micromamba: RunCommand, root: Path, server: ChannelServer) -> RunCommand:
    """One of its commands that changes an environment, from the channel."""
    return lambda *words: micromamba(*words, "--yes", "--override-channels", "-c", server.url)


def _listed(command: RunCommand) -> list[str]:
    return [f"{p['name']}-{p['version']}" for p in command("list", "-n", "one", "--json").json["packages"]]


def _archives(server: ChannelServer) -> int:
    return server.count("*.conda") + server.count("*.tar.bz2")


def test_it_lists_and_exports_our_environment(
    create: RunCommand, micromamba: RunCommand, run_command: RunCommand
) -> None:
    create("-n", "one", "tool", "data >=3")
    assert _listed(micromamba) == _listed(run_command) == ["base-lib-2.0", "data-3.1", "tool-1.0"]
    assert "- base-lib=2.0=h_0" in micromamba("env", "export", "-n", "one").out
    asked = micromamba("env", "export", "-n", "one", "--from-history").out
    assert "- tool" in asked and "- data" in asked and "base-lib" not in asked


def test_it_changes_our_environment(create: RunCommand, mamba: RunCommand, run_command: RunCommand, root: Path) -> None:
    create("-n", "one", "base-lib=1")
    assert mamba("install", "-n", "one", "tool", "base-lib=2").code == 0
    prefix = root / "envs/one"
    assert names(prefix) == {"base-lib-2.0", "tool-1.0"} == set(_listed(run_command))
    assert (prefix / "lib/base.txt").read_text() == "base 2.0\n"


def test_it_removes_from_our_environment(create: RunCommand, micromamba: RunCommand, root: Path) -> None:
    create("-n", "one", "tool", "data")
    assert micromamba("remove", "-y", "-n", "one", "tool").code == 0
    assert names(root / "envs/one") == {"data-3.1"}
    assert not (root / "envs/one/bin").exists()
    assert micromamba("env", "remove", "-y", "-n", "one").code == 0
    assert not (root / "envs/one").exists()


def test_it_creates_offline_from_our_cache(
    create: RunCommand, mamba: RunCommand, server: ChannelServer, root: Path
) -> None:
    create("-n", "one", "tool", "data")
    before = _archives(server)
    done = mamba("create", "-n", "two", "tool", "data", "--offline")
    assert done.code == 0, done.err
    assert names(root / "envs/two") == names(root / "envs/one")
    assert _archives(server) == before


def test_we_create_offline_from_its_cache(
    mamba: RunCommand, change: RunCommand, server: ChannelServer, root: Path
) -> None:
    assert mamba("create", "-n", "one", "tool", "data").code == 0
    before = _archives(server)
    assert change("create", "-n", "two", "tool", "data", "--offline").code == 0
    assert names(root / "envs/two") == names(root / "envs/one")
    assert (root / "envs/two/bin/tool").read_text() == f"#!/bin/sh\necho tool in {root / 'envs/two'}\n"
    assert _archives(server) == before


def test_we_change_its_environment(mamba: RunCommand, change: RunCommand, run_command: RunCommand, root: Path) -> None:
    assert mamba("create", "-n", "one", "base-lib=1").code == 0
    assert change("install", "-n", "one", "tool").code == 0
    assert names(root / "envs/one") == {"base-lib-1.0", "tool-1.0"}
    assert change("update", "-n", "one", "base-lib=2").code == 0
    assert (root / "envs/one/lib/base.txt").read_text() == "base 2.0\n"
    assert run_command("remove", "-y", "-n", "one", "tool").code == 0
    assert names(root / "envs/one") == {"base-lib-2.0"}
    assert run_command("env", "remove", "-y", "-n", "one").code == 0
    assert not (root / "envs/one").exists()


def test_one_history_for_both(
    create: RunCommand, change: RunCommand, mamba: RunCommand, micromamba: RunCommand, run_command: RunCommand
) -> None:
    create("-n", "one", "base-lib=1")
    assert mamba("install", "-n", "one", "data").code == 0
    assert change("install", "-n", "one", "tool").code == 0
    ours = run_command("list", "-n", "one", "--revisions").out
    assert ours.count("(rev ") == 3
    theirs = micromamba("list", "-n", "one", "--revisions").out
    assert theirs.splitlines()[2:] == ours.splitlines()
    asked = run_command("env", "export", "-n", "one", "--from-history", "--json").json["dependencies"]
    assert micromamba("env", "export", "-n", "one", "--from-history", "--json").json["dependencies"] == asked
    assert {spec.split("=")[0] for spec in asked} == {"base-lib", "data", "tool"}


def test_it_goes_back_to_a_revision_of_ours(
    create: RunCommand, change: RunCommand, mamba: RunCommand, root: Path
) -> None:
    create("-n", "one", "base-lib=1")
    assert change("install", "-n", "one", "data").code == 0
    assert mamba("install", "-n", "one", "--revision", "0").code == 0
    assert names(root / "envs/one") == {"base-lib-1.0"}


def test_we_go_back_to_a_revision_of_its(mamba: RunCommand, change: RunCommand, root: Path) -> None:
    assert mamba("create", "-n", "one", "base-lib=1").code == 0
    assert mamba("install", "-n", "one", "data").code == 0
    assert change("install", "-n", "one", "--revision", "0").code == 0
    assert names(root / "envs/one") == {"base-lib-1.0"}


def test_our_explicit_file_makes_its_environment(
    create: RunCommand, run_command: RunCommand, micromamba: RunCommand, root: Path, tmp_path: Path
) -> None:
    create("-n", "one", "tool", "data")
    file = tmp_path / "explicit.txt"
    file.write_text(run_command("list", "-n", "one", "--explicit", "--md5").out)
    assert micromamba("create", "-y", "-n", "two", "--file", file).code == 0
    assert names(root / "envs/two") == names(root / "envs/one")


def test_records_say_the_same(create: RunCommand, mamba: RunCommand, root: Path) -> None:
    """Whatever it writes into a record stands in ours as well; only what names the maker or the environment differs."""
    create("-n", "one", "tool")
    assert mamba("create", "-n", "two", "tool").code == 0
    ours, theirs = (json.loads((root / f"envs/{n}/conda-meta/tool-1.0-h_0.json").read_text()) for n in ("one", "two"))
    apart = {key for key in theirs if key not in ours or ours[key] != theirs[key]}
    assert apart <= {"channel", "timestamp", "paths_data", "package_tarball_full_path"}, {
        key: (ours.get(key), theirs[key]) for key in apart
    }
    assert theirs["channel"].removesuffix("/linux-64") == ours["channel"]
    assert theirs["timestamp"] in (ours["timestamp"], ours["timestamp"] // 1000)
    (a,), (b,) = ours["paths_data"]["paths"], theirs["paths_data"]["paths"]
    assert {**a, **b, "sha256_in_prefix": ""} == {**a, "sha256_in_prefix": ""}


def test_packages_of_a_channel_that_it_knows_by_name_are_of_that_channel(
    micromamba: RunCommand, run_command: RunCommand, channel: ChannelBuilder, root: Path
) -> None:
    """It writes the name into its records; taken for another channel, the packages would give way to older ones."""
    with ChannelServer(channel.path.parent) as above:
        here = ("-n", "one", "--yes", "--override-channels", "--channel-alias", above.url, "-c", channel.path.name)
        assert micromamba("create", *here, "base-lib", "data").code == 0
        assert "Nothing to do" in run_command("update", *here, "--all").out
        done = run_command("install", *here, f"{channel.path.name}::base-lib", "tool")
        assert done.code == 0 and names(root / "envs/one") == {"base-lib-2.0", "data-3.1", "tool-1.0"}
        listed = run_command("list", "-n", "one", "--json").json["packages"]
        assert {package["base_url"] for package in listed} == {f"{above.url}/{channel.path.name}"}
