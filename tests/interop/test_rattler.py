"""py-rattler reads what we wrote, and we list, change and remove what it installed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import RunCommand
from tests.interop.conftest import names
from tests.kit.server import ChannelServer

rattler = pytest.importorskip("rattler")


def _read(prefix: Path) -> dict[str, Any]:
    records = [rattler.PrefixRecord.from_path(path) for path in (prefix / "conda-meta").glob("*.json")]
    return {record.name.normalized: record for record in records}


def _install(url: str, prefix: Path, specs: tuple[str, ...], cache: Path) -> None:
    async def run() -> None:
        gateway = rattler.Gateway(cache_dir=cache / "index")
        found = await rattler.solve([url], specs, gateway=gateway, platforms=["linux-64", "noarch"])
        await rattler.install(found, prefix, cache / "pkgs", show_progress=False)

    asyncio.run(run())


def test_it_reads_our_records(create: RunCommand, root: Path) -> None:
    create("-n", "one", "tool", "data >=3")
    prefix = root / "envs/one"
    theirs = _read(prefix)
    assert set(theirs) == {"base-lib", "data", "tool"}
    for record in theirs.values():
        (path,) = (prefix / "conda-meta").glob(f"{record.name.normalized}-*.json")
        ours = json.loads(path.read_text())
        assert (str(record.version), str(record.build)) == (ours["version"], ours["build"])
        assert record.build_number == ours["build_number"]
        assert (record.url, record.file_name, record.subdir) == (ours["url"], ours["fn"], ours["subdir"])
        assert (record.channel, record.depends) == (ours["channel"], ours["depends"])
        assert (record.sha256.hex(), record.md5.hex(), record.size) == (ours["sha256"], ours["md5"], ours["size"])
        assert [str(path) for path in record.files] == ours["files"]
        assert str(record.extracted_package_dir) == ours["extracted_package_dir"]
        assert int(record.timestamp.timestamp() * 1000) == ours["timestamp"]


def test_it_reads_our_paths(create: RunCommand, root: Path) -> None:
    create("-n", "one", "tool")
    record = _read(root / "envs/one")["tool"]
    (entry,) = record.paths_data.paths
    ours = json.loads((root / "envs/one/conda-meta/tool-1.0-h_0.json").read_text())["paths_data"]["paths"][0]
    assert str(entry.relative_path) == ours["_path"] == "bin/tool"
    assert entry.path_type.hardlink
    assert entry.sha256.hex() == ours["sha256"]
    assert entry.sha256_in_prefix.hex() == ours["sha256_in_prefix"]
    assert (entry.size_in_bytes, entry.prefix_placeholder) == (ours["size_in_bytes"], ours["prefix_placeholder"])


def test_it_reads_what_was_asked_for(create: RunCommand, root: Path) -> None:
    create("-n", "one", "tool", "data >=3")
    records = _read(root / "envs/one")
    asked = {name: record.requested_specs for name, record in records.items() if record.requested_specs}
    assert set(asked) == {"tool", "data"}
    assert all(rattler.MatchSpec(spec).matches(records[name]) for name, (spec,) in asked.items())
    assert str(rattler.MatchSpec(*asked["data"]).version) == ">=3"


def test_it_installs_over_what_we_installed(create: RunCommand, server: ChannelServer, root: Path) -> None:
    create("-n", "one", "base-lib=1")
    _install(server.url, root / "envs/one", ("tool", "base-lib"), root / "theirs")
    assert names(root / "envs/one") == {"base-lib-2.0", "tool-1.0"}
    assert (root / "envs/one/lib/base.txt").read_text() == "base 2.0\n"


def test_we_list_what_it_installed(run_command: RunCommand, server: ChannelServer, root: Path) -> None:
    _install(server.url, root / "envs/one", ("tool", "data >=3"), root / "theirs")
    listed = run_command("list", "-n", "one", "--json").json["packages"]
    assert [(p["name"], p["version"], p["build_string"]) for p in listed] == [
        ("base-lib", "2.0", "h_0"),
        ("data", "3.1", "h_0"),
        ("tool", "1.0", "h_0"),
    ]
    assert {p["base_url"] for p in listed} == {server.url}


def test_we_change_what_it_installed(change: RunCommand, server: ChannelServer, root: Path) -> None:
    prefix = root / "envs/one"
    _install(server.url, prefix, ("base-lib 1.*",), root / "theirs")
    assert change("install", "-n", "one", "tool", "base-lib=2").code == 0
    assert names(prefix) == {"base-lib-2.0", "tool-1.0"}
    assert (prefix / "lib/base.txt").read_text() == "base 2.0\n"
    assert set(_read(prefix)) == {"base-lib", "tool"}


def test_we_remove_what_it_installed(run_command: RunCommand, server: ChannelServer, root: Path) -> None:
    prefix = root / "envs/one"
    _install(server.url, prefix, ("tool", "data"), root / "theirs")
    assert run_command("remove", "-y", "-n", "one", "tool").code == 0
    assert names(prefix) == {"data-3.1"}
    assert not (prefix / "bin").exists()
    assert run_command("env", "remove", "-y", "-n", "one").code == 0
    assert not prefix.exists()
