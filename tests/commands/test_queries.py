"""``search`` and ``repoquery``: whole commands, line for line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ExitCode
from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer
from tests.kit.shared import needs_shared, shared_data

Ask = Callable[..., Done]


@pytest.fixture
def ask(run_command: RunCommand, server: ChannelServer) -> Ask:
    """A query of the channel, its answer without the lines about loading."""

    def run(*words: object) -> Done:
        done = run_command(*words, "--override-channels", "-c", server.url)
        lines = done.out.splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(("Getting repodata", "Loaded repodata"))]
        return Done(done.code, "".join(kept).replace(server.url, "CHANNEL"), done.err)

    return run


def test_a_page_for_a_plain_name(ask: Ask, channel: ChannelBuilder) -> None:
    done = ask("search", "base-lib")
    record = channel.repodata("linux-64")["packages"]["base-lib-2.0-h_0.tar.bz2"]
    assert done.code == 0
    assert done.out.splitlines() == [
        "            base-lib 2.0 h_0",
        "─" * 40,
        "",
        " Name            base-lib",
        " Version         2.0",
        " Build           h_0",
        f" Size            {record['size'] // 1000} kB",
        f" License{' ' * 9}{record.get('license', '')}".rstrip(),
        " Subdir          linux-64",
        " File Name       base-lib-2.0-h_0.tar.bz2",
        " URL             CHANNEL/linux-64/base-lib-2.0-h_0.tar.bz2",
        f" MD5             {record['md5']}",
        f" SHA256          {record['sha256']}",
        "",
        " Other Versions (1):",
        "",
        "  Version Build",
        " ─────────────────",
        "  1.0     h_0",
        "",
    ]
    assert ask("repoquery", "search", "base-lib").out == done.out
    assert " Other Builds (1):" in ask("search", "base-lib", "-v").out


def test_a_table_for_wildcards(ask: Ask) -> None:
    lines = ask("search", "*tool*", "-q").out.splitlines()
    assert [line.split() for line in lines] == [
        ["Name", "Version", "Build", "Channel", "Subdir"],
        [lines[1]],
        ["old-tool", "1.0", "h_0", "CHANNEL", "linux-64"],
        ["tool", "1.0", "h_0", "CHANNEL", "linux-64"],
    ]
    assert ask("search", "*tool*", "--pretty").out.count("\n Name  ") == 2


def test_search_as_json(ask: Ask) -> None:
    answer = ask("search", "base-lib", "data=3", "--json").json
    assert answer["query"] == {"query": "base-lib data=3", "type": "search"}
    assert answer["result"]["status"] == "OK"
    assert [(p["name"], p["version"]) for p in answer["result"]["pkgs"]] == [
        ("data", "3.1"),
        ("base-lib", "2.0"),
        ("base-lib", "1.0"),
    ]
    assert {"build_string", "build_number", "channel", "depends", "fn", "subdir", "url"} <= set(
        answer["result"]["pkgs"][0]
    )
    assert answer["result"]["pkgs"][0]["subdir"] == "noarch"


def test_nothing_found_is_said_with_what_may_be_meant(
    ask: Ask, run_command: RunCommand, server: ChannelServer, tmp_path: Path
) -> None:
    done = ask("search", "tol")
    assert (done.code, done.out) == (0, 'No entries matching "tol" found\nDid you mean tool?\n')
    answer = ask("search", "tol", "--json").json
    assert answer["result"] == {
        "msg": 'No entries matching "tol" found',
        "status": "OK",
        "pkgs": [],
        "did_you_mean": ["tool"],
    }
    rc = tmp_path / "rc.yaml"
    rc.write_text(f"channels: ['{server.url}']\n")
    assert run_command("search", "tool=9", "-q", "--rc-file", rc).out.splitlines() == [
        'No entries matching "tool=9" found',
        "Try looking in a different channel with '-c, --channel'.",
    ]


def test_depends_in_every_form(ask: Ask) -> None:
    table = ask("repoquery", "depends", "tool").out.splitlines()
    assert [line.split()[:3] for line in table[2:]] == [["base-lib", "2.0", "h_0"], ["tool", "1.0", "h_0"]]
    assert ask("repoquery", "depends", "old-tool", "-t").out == "old-tool[1.0]\n  └─ base-lib[1.0]\n"
    assert ask("repoquery", "depends", "base-lib", "-t").out == "base-lib\n  └─ base-lib[2.0]\n"
    answer = ask("repoquery", "depends", "tool", "--json", "--recursive").json
    assert answer["query"] == {"query": "tool", "type": "depends"}
    assert [p["name"] for p in answer["result"]["pkgs"]] == ["tool", "base-lib"]
    assert answer["result"]["graph_roots"][0]["name"] == "tool"
    assert ask("repoquery", "depends", "base-lib", "--json").json["result"]["graph_roots"] == ["base-lib"]


def test_whoneeds_in_every_form(ask: Ask) -> None:
    lines = ask("repoquery", "whoneeds", "base-lib").out.splitlines()
    assert lines[0].split() == ["Name", "Version", "Build", "Depends", "Channel", "Subdir"]
    assert [line.split() for line in lines[2:]] == [
        ["old-tool", "1.0", "h_0", "base-lib", "<2", "CHANNEL", "linux-64"],
        ["tool", "1.0", "h_0", "base-lib", ">=1", "CHANNEL", "linux-64"],
    ]
    assert ask("repoquery", "whoneeds", "base-lib>=2", "-t").out == "base-lib[2.0]\n  └─ tool[1.0]\n"
    answer = ask("repoquery", "whoneeds", "base-lib", "--json").json
    assert [p["name"] for p in answer["result"]["pkgs"]] == ["old-tool", "tool"]
    assert answer["result"]["graph_roots"] == ["base-lib"]
    graph = ask("repoquery", "whoneeds", "base-lib", "--json", "--tree").json["result"]
    assert graph["graph_roots"][0]["version"] == "2.0"


def test_local_queries_look_at_what_is_installed(create: Ask, run_command: RunCommand, root: Path) -> None:
    create("-n", "one", "old-tool")
    done = run_command("repoquery", "whoneeds", "base-lib", "-n", "one", "-t")
    assert done.out.splitlines() == [
        "Using local repodata...",
        f"Loaded current active prefix: {root / 'envs/one'}",
        "base-lib[1.0]",
        "  └─ old-tool[1.0]",
    ]
    assert "2.0" not in run_command("search", "base-lib", "--local", "-n", "one", "-q").out
    assert run_command("repoquery", "depends", "tool", "-n", "one", "-q").out == (
        "No entries matching \"tool\" found\nDid you mean old-tool?\nTry looking remotely with '--remote'.\n"
    )
    assert run_command("repoquery", "depends", "tool", "-n", "two").code == 1


def test_times_are_milliseconds_whoever_wrote_the_record(create: Ask, run_command: RunCommand, root: Path) -> None:
    create("-n", "one", "old-tool")
    asked = ("search", "old-tool", "--local", "-n", "one", "--json")
    before = run_command(*asked).json["result"]["pkgs"][0]["timestamp"]
    path = root / "envs/one/conda-meta/old-tool-1.0-h_0.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "timestamp": record["timestamp"] // 1000}))  # as micromamba does
    assert run_command(*asked).json["result"]["pkgs"][0]["timestamp"] == before > 10**12


def test_nothing_was_ever_installed(run_command: RunCommand) -> None:
    done = run_command("repoquery", "depends", "tool")
    assert done.code == 0
    assert 'No entries matching "tool" found' in done.out


def test_virtual_packages_are_found_and_lacking_ones_are_marked(
    run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.31")
    channel = ChannelBuilder(tmp_path / "more")
    channel.add_record(
        "app-1-0.conda",
        {
            "name": "app",
            "version": "1",
            "build": "0",
            "build_number": 0,
            "subdir": "linux-64",
            "depends": ["__glibc >=2.17", "ghost >1", "app >=1"],
        },
    )
    channel.write()
    words = ("--override-channels", "-c", channel.url, "--platform", "linux-64", "-q")
    assert run_command("repoquery", "depends", "app", "-t", *words).out.splitlines() == [
        "app[1]",
        "  ├─ __glibc[2.31]",
        "  ├─ ghost >1 >>> NOT FOUND <<<",
        "  └─ app already visited",
    ]
    names = [p["name"] for p in run_command("repoquery", "depends", "app", "--json", *words).json["result"]["pkgs"]]
    assert names == ["app", "__glibc", "ghost >1 >>> NOT FOUND <<<"]


def test_a_channel_in_the_spec(run_command: RunCommand, server: ChannelServer) -> None:
    done = run_command("search", f"{server.url}::tool", "-q")
    assert " Name            tool" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search"], "SPEC"),
        (["search", "a", "--local", "--remote"], "Only one of --local and --remote"),
        (["repoquery", "depends", "a", "b"], "Only one query supported for 'depends'."),
        (["repoquery", "whoneeds", "a", "b", "--local"], "Only one query supported for 'whoneeds'."),
    ],
)
def test_usage_errors(run_command: RunCommand, words: list[str], message: str) -> None:
    done = run_command(*words)
    assert done.code == ExitCode.USAGE
    assert message in done.err


def test_no_spec(run_command: RunCommand) -> None:
    done = run_command("search", "=", "--local")
    assert done.code == 1
    assert "Invalid package specification" in done.err


def test_the_group_explains_itself(run_command: RunCommand) -> None:
    assert "repoquery whoneeds" in run_command("repoquery").out
    assert "There are: repoquery search, repoquery depends, repoquery whoneeds." in run_command("repoquery", "why").err


@needs_shared
def test_real_repodata(run_command: RunCommand, tmp_path: Path) -> None:
    for subdir in ("linux-64", "noarch"):
        (tmp_path / "real" / subdir).mkdir(parents=True)
        source = shared_data("repodata", subdir, "repodata.json.zst")
        (tmp_path / "real" / subdir / source.name).symlink_to(source)
    words = ("--override-channels", "-c", f"file://{tmp_path}/real", "-q")
    page = run_command("search", "python=3.13", *words).out
    assert page.lstrip().startswith("python 3.13.")
    assert " Site-packages   lib/python3.13/site-packages" in page
    tree = run_command("repoquery", "depends", "pandas", "-t", *words).out.splitlines()
    assert tree[0].startswith("pandas[")
    assert len(tree) > 30
    assert "scipy" in run_command("repoquery", "whoneeds", "numpy", *words).out
