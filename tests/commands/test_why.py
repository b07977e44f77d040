"""``why``: the whole command, line for line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer
from tests.kit.tree import tree

Ask = Callable[..., Done]


@pytest.fixture
def ask(run_command: RunCommand) -> Ask:
    def run(*words: object) -> Done:
        done = run_command("why", "-n", "one", *words)
        lines = done.out.splitlines(keepends=True)
        return Done(done.code, "".join(line for line in lines if not line.startswith("Loaded repodata")), done.err)

    return run


def test_needed_by_what_was_asked_for_and_held_back_by_it(create: Ask, ask: Ask, server: ChannelServer) -> None:
    create("-n", "one", "old-tool", "data")
    done = ask("base-lib")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"base-lib 1.0 h_0 ({server.url})",
        "",
        "Why it is installed:",
        "  - old-tool 1.0 (asked for) → base-lib <2",
        "",
        "Why this version:",
        "  The newest is 2.0.",
        "  It can't be had together with what is there; held back by old-tool:",
        "    - base-lib 2.0 is the newest",
        "    - old-tool is asked for",
        "        old-tool 1.0 needs base-lib <2",
        "  It could be had, if you",
        "    - leave old-tool away (gives base-lib 2.0)",
    ]


def test_the_same_as_data(create: Ask, ask: Ask) -> None:
    create("-n", "one", "old-tool")
    answer = ask("base-lib", "--json").json
    assert answer["package"]["version"] == "1.0"
    assert (answer["requested"], answer["orphan"]) == ([], False)
    assert answer["needed_by"] == [{"name": "old-tool", "version": "1.0", "needs": "base-lib <2"}]
    assert [[step["name"] for step in chain] for chain in answer["chains"]] == [["old-tool", "base-lib"]]
    assert answer["chains"][0][0]["requested"] == ["old-tool"]
    version = answer["version"]
    assert (version["verdict"], version["newest"]["version"], version["held_by"]) == ("held", "2.0", ["old-tool"])
    assert version["explanation"]["rules"]


def test_asked_for_and_free_to_go(create: Ask, ask: Ask, channel: ChannelBuilder) -> None:
    create("-n", "one", "tool", "base-lib")
    channel.add(make_package("base-lib", "3.0", depends=("data",)))
    channel.write()
    lines = ask("base-lib", "--repodata-ttl", "0").out.splitlines()
    assert lines[2:5] == [
        "Why it is installed:",
        "  - base-lib was asked for",
        "  - tool 1.0 (asked for) → base-lib >=1",
    ]
    assert lines[6:] == [
        "Why this version:",
        "  The newest is 3.0.",
        "  Nothing holds it back: `whipsnake install base-lib=3.0` brings it.",
        "  Then, too:",
        "    - data 3.1 comes in",
    ]


def test_the_newest(create: Ask, ask: Ask) -> None:
    create("-n", "one", "tool")
    assert ask("tool").out.endswith("Why this version:\n  It is the newest.\n")
    assert ask("tool", "--json").json["version"]["verdict"] == "newest"


def test_what_nobody_asked_for(create: Ask, ask: Ask, root: Path) -> None:
    create("-n", "one", "tool")
    for path in (root / "envs/one/conda-meta").glob("tool-*.json"):
        path.unlink()
    assert "  - nobody asked for it, and nothing needs it" in ask("base-lib").out


def test_the_history_tells_who_asked_where_records_do_not(create: Ask, ask: Ask, root: Path) -> None:
    create("-n", "one", "tool")
    (path,) = (root / "envs/one/conda-meta").glob("tool-*.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "requested_spec": "None", "requested_specs": []}))
    assert "  - tool was asked for" in ask("tool").out


def test_offline_from_the_cache_and_without_any(create: Ask, ask: Ask, server: ChannelServer, root: Path) -> None:
    create("-n", "one", "old-tool")
    server.forget()
    assert "held back by old-tool" in ask("base-lib", "--offline").out
    assert server.requests == []
    for name in tree(root / "pkgs/cache"):
        path = root / "pkgs/cache" / name
        if path.is_file():
            path.unlink()
    done = ask("base-lib", "--offline")
    assert done.code == 0
    assert "  - old-tool 1.0 (asked for) → base-lib <2" in done.out
    assert "Whether there is a newer one is not known, for there is no channel data: " in done.out
    assert ask("base-lib", "--offline", "--json").json["version"]["verdict"] == "unknown"


def test_no_channel_at_all(create: Ask, ask: Ask) -> None:
    create("-n", "one", "old-tool")
    assert "no channel is configured" in ask("base-lib", "--override-channels").out


def test_a_pin_holds_it_back(create: Ask, ask: Ask, root: Path) -> None:
    create("-n", "one", "base-lib=1")
    (path,) = (root / "envs/one/conda-meta").glob("base-lib-*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "requested_specs": ["base-lib"]}))
    (root / "envs/one/conda-meta/pinned").write_text("base-lib 1.*\n")
    version = ask("base-lib", "--json").json["version"]
    assert (version["verdict"], version["held_by"]) == ("held", ["base-lib 1.*"])
    assert ask("base-lib", "--no-pin", "--json").json["version"]["verdict"] == "free"


def test_what_is_not_installed(create: Ask, ask: Ask) -> None:
    create("-n", "one", "tool")
    done = ask("tol")
    assert done.code == 1
    assert "There is no package 'tol' in " in done.err
    assert "Did you mean tool?" in done.err
    assert "`whipsnake search data`" in ask("data").err
