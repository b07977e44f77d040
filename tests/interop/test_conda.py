"""conda and we share environments and caches, both ways, under one root prefix."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import RunCommand
from tests.interop.conftest import names, peer
from tests.kit.server import ChannelServer

HERE = ("--override-channels", "-c")


@pytest.fixture
def conda(root: Path, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """conda, looking for environments and packages where we do."""
    return peer("conda", CONDA_ENVS_DIRS=str(root / "envs"), CONDA_PKGS_DIRS=str(root / "pkgs"))


def test_it_lists_and_exports_our_environment(create: RunCommand, conda: RunCommand, root: Path) -> None:
    create("-n", "one", "tool", "data >=3")
    listed = conda("list", "-p", root / "envs/one", "--json").json
    assert [(p["name"], p["version"]) for p in listed] == [("base-lib", "2.0"), ("data", "3.1"), ("tool", "1.0")]
    asked = conda("env", "export", "-p", root / "envs/one", "--from-history").out
    assert "- tool" in asked and "- data" in asked and "base-lib" not in asked


def test_it_changes_and_removes_our_environment(
    create: RunCommand, conda: RunCommand, server: ChannelServer, root: Path
) -> None:
    create("-n", "one", "base-lib=1")
    prefix = root / "envs/one"
    done = conda("install", "-y", "-p", prefix, *HERE, server.url, "tool", "base-lib=2")
    assert done.code == 0, done.err
    assert names(prefix) == {"base-lib-2.0", "tool-1.0"}
    assert (prefix / "lib/base.txt").read_text() == "base 2.0\n"
    assert conda("remove", "-y", "-p", prefix, "tool").code == 0
    assert not (prefix / "bin/tool").exists()
    assert conda("env", "remove", "-y", "-p", prefix).code == 0
    assert not prefix.exists()


def test_we_change_and_remove_its_environment(
    conda: RunCommand, change: RunCommand, run_command: RunCommand, server: ChannelServer, root: Path
) -> None:
    prefix = root / "envs/one"
    assert conda("create", "-y", "-p", prefix, *HERE, server.url, "base-lib=1").code == 0
    listed = run_command("list", "-p", prefix, "--json").json["packages"]
    assert [(p["name"], p["version"], p["base_url"]) for p in listed] == [("base-lib", "1.0", server.url)]
    assert change("install", "-p", prefix, "tool").code == 0
    assert names(prefix) == {"base-lib-1.0", "tool-1.0"}
    assert run_command("list", "-p", prefix, "--revisions").out.count("(rev ") == 2
    assert run_command("remove", "-y", "-p", prefix, "tool").code == 0
    assert names(prefix) == {"base-lib-1.0"}
    assert run_command("env", "remove", "-y", "-p", prefix).code == 0
    assert not prefix.exists()


def test_we_create_offline_from_its_cache(
    conda: RunCommand, run_command: RunCommand, server: ChannelServer, root: Path, tmp_path: Path
) -> None:
    """The archives suffice: an explicit list names them."""
    assert conda("create", "-y", "-p", root / "envs/one", *HERE, server.url, "tool", "data").code == 0
    file = tmp_path / "explicit.txt"
    file.write_text(conda("list", "-p", root / "envs/one", "--explicit", "--md5").out)
    before = server.count("*.conda") + server.count("*.tar.bz2")
    done = run_command("create", "-y", "-n", "two", "--file", file, "--offline")
    assert done.code == 0, done.err
    assert names(root / "envs/two") == names(root / "envs/one")
    assert server.count("*.conda") + server.count("*.tar.bz2") == before


def test_it_creates_offline_from_our_cache(
    create: RunCommand, run_command: RunCommand, conda: RunCommand, server: ChannelServer, root: Path, tmp_path: Path
) -> None:
    create("-n", "one", "tool", "data")
    file = tmp_path / "explicit.txt"
    file.write_text(run_command("list", "-n", "one", "--explicit", "--md5").out)
    before = server.count("*.conda") + server.count("*.tar.bz2")
    done = conda("create", "-y", "-p", root / "envs/two", "--file", file, "--offline")
    assert done.code == 0, done.err
    assert names(root / "envs/two") == names(root / "envs/one")
    assert server.count("*.conda") + server.count("*.tar.bz2") == before
