"""``bulk``: many environments in one run, through whole commands. Here the worker is a task of this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.commands import bulk as bulk_command
from engine.commands.dispatch import make_parser
from engine.errors import ExitCode
from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer
from tests.kit.tree import tree

Bulk = Callable[..., Done]


@pytest.fixture
def bulk(run_command: RunCommand, server: ChannelServer) -> Bulk:
    """``bulk`` from the channel."""

    def run(*words: object) -> Done:
        return run_command("bulk", "--override-channels", "-c", server.url, *words)

    return run


@pytest.fixture
def envs(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def ask(envs: Path, **files: tuple[str, ...]) -> None:
    for name, specs in files.items():
        (envs / f"{name}.yml").write_text("dependencies:\n" + "".join(f"- {spec}\n" for spec in specs))


def events(done: Done) -> tuple[dict[str, Any], dict[str, Any]]:
    """What --json said of each environment, and the summary."""
    *lines, last = [json.loads(line) for line in done.out.splitlines()]
    assert [line["event"] for line in lines] == ["environment"] * len(lines)
    assert last["event"] == "summary"
    return {line["name"]: line for line in lines}, last


def test_a_folder_of_files(bulk: Bulk, envs: Path, root: Path, server: ChannelServer, isolated: Path) -> None:
    ask(envs, one=("tool",), two=("tool", "data"), three=("old-tool",), four=("scripted",))
    (envs / "five.txt").write_text("data\n")
    done = bulk(envs)
    assert done.code == 0, done.err
    assert sorted(path.name for path in (root / "envs").iterdir()) == ["five", "four", "one", "three", "two"]
    assert (root / "envs/two/bin/tool").read_text().endswith(f"tool in {root}/envs/two\n")
    assert (root / "envs/three/lib/base.txt").read_text() == "base 1.0\n"
    assert (root / "envs/four/linked").exists()
    assert len((isolated / ".conda/environments.txt").read_text().splitlines()) == 5
    packages = server.paths("*.conda") + server.paths("*.tar.bz2")
    assert len(packages) == len(set(packages)) == 6
    assert server.count("*repodata.json.zst") == 2
    assert done.out.splitlines()[-1].startswith("5 environments: 5 created; 6 packages used 9 times; 6 fetched (")


def test_they_are_what_create_makes(bulk: Bulk, create: RunCommand, envs: Path, root: Path) -> None:
    ask(envs, one=("tool", "data"))
    bulk(envs)
    (root / "envs/one").rename(root / "envs/bulk")
    create("-n", "one", "-f", envs / "one.yml")

    def own(path: str) -> bool:
        return path.startswith("conda-meta/") and not path.endswith(".json")

    assert tree(root / "envs/bulk", skip=own) == tree(root / "envs/one", skip=own)


def test_three_bad_ones_spoil_nothing(
    bulk: Bulk, envs: Path, root: Path, channel: ChannelBuilder, server: ChannelServer
) -> None:
    channel.add(make_package("wrong", files={"share/wrong": "w"}), sha256="0" * 64).write()
    ask(envs, good=("tool",), unsolvable=("old-tool", "base-lib=2"), hashed=("wrong", "tool"), taken=("data",))
    ask(envs, also_good=("data", "tool"))
    (envs / "broken.yml").write_text("dependencies: {a\n")
    (root / "envs/taken").mkdir(parents=True)
    (root / "envs/taken/mine").write_text("mine")
    done = bulk(envs, "--json")
    assert done.code == ExitCode.FAILURE
    found, summary = events(done)
    assert {name: line["state"] for name, line in found.items()} == {
        "also_good": "created",
        "good": "created",
        "broken": "failed",
        "hashed": "failed",
        "taken": "failed",
        "unsolvable": "failed",
    }
    assert "are incompatible" in found["unsolvable"]["error"]["message"]
    assert "sha256: expected 0000" in found["hashed"]["error"]["message"]
    assert "has files in it" in found["taken"]["error"]["message"]
    assert "line 2" in found["broken"]["error"]["message"]
    assert summary["success"] is False
    assert summary["failed"] == ["broken", "hashed", "taken", "unsolvable"]
    assert sorted(path.name for path in (root / "envs").iterdir()) == ["also_good", "good", "taken"]
    assert (root / "envs/taken/mine").read_text() == "mine"
    assert server.count("*/tool-*") == 1


def test_a_second_run_does_nothing(bulk: Bulk, envs: Path, root: Path, server: ChannelServer) -> None:
    ask(envs, one=("tool",), two=("data",))
    bulk(envs)
    before = tree(root / "envs")
    server.forget()
    found, summary = events(bulk(envs, "--json"))
    assert {line["state"] for line in found.values()} == {"unchanged"}
    assert (summary["success"], summary["states"]) == (True, {"unchanged": 2})
    assert server.requests == []
    assert tree(root / "envs") == before


def test_only_what_is_new_is_made(bulk: Bulk, envs: Path, server: ChannelServer) -> None:
    ask(envs, one=("tool",))
    bulk(envs)
    server.forget()
    ask(envs, two=("data",))
    found, _ = events(bulk(envs, "--json"))
    assert (found["one"]["state"], found["two"]["state"]) == ("unchanged", "created")
    assert server.count("*/tool-*") == 0


def test_what_is_not_as_asked_is_an_error_without_consent(bulk: Bulk, envs: Path, root: Path) -> None:
    ask(envs, one=("base-lib=1",))
    bulk(envs)
    ask(envs, one=("tool",))
    before = tree(root / "envs")
    found, _ = events(bulk(envs, "--json"))
    assert "exists and is not as asked" in found["one"]["error"]["message"]
    assert "--update" in found["one"]["error"]["hint"]
    assert tree(root / "envs") == before


def test_what_others_changed_is_noticed(bulk: Bulk, run_command: RunCommand, envs: Path, server: ChannelServer) -> None:
    ask(envs, one=("tool",))
    bulk(envs)
    run_command("install", "-y", "-n", "one", "--override-channels", "-c", server.url, "data")
    assert events(bulk(envs, "--json"))[0]["one"]["state"] == "failed"


@pytest.mark.parametrize(("option", "state"), [("--update", "updated"), ("--recreate", "recreated")])
def test_update_and_recreate(bulk: Bulk, envs: Path, root: Path, option: str, state: str) -> None:
    ask(envs, one=("base-lib=1", "data"), two=("data",))
    bulk(envs)
    (root / "envs/one/mine").write_text("mine")
    ask(envs, one=("tool",))
    found, _ = events(bulk(envs, option, "--json"))
    assert {name: line["state"] for name, line in found.items()} == {"one": state, "two": "unchanged"}
    assert (root / "envs/one/lib/base.txt").read_text() == "base 2.0\n"
    assert not (root / "envs/one/share/data.txt").exists()
    assert (root / "envs/one/mine").exists() is (option == "--update")
    assert events(bulk(envs, "--json"))[0]["one"]["state"] == "unchanged"


def test_update_takes_up_what_create_made(bulk: Bulk, create: RunCommand, envs: Path, root: Path) -> None:
    create("-n", "one", "tool")
    ask(envs, one=("tool",))
    found, _ = events(bulk(envs, "--update", "--json"))
    assert (found["one"]["state"], found["one"]["linked"]) == ("updated", 0)
    assert events(bulk(envs, "--json"))[0]["one"]["state"] == "unchanged"


def test_equal_requests_are_solved_once(bulk: Bulk, envs: Path, root: Path) -> None:
    ask(envs, one=("tool", "data"), two=("tool", "data"), three=("data", "tool"))
    found, summary = events(bulk(envs, "--json"))
    assert summary["solves"] == 2  # the order of specs counts
    assert {line["packages"] for line in found.values()} == {3}


def test_dry_run_says_what_would_be(bulk: Bulk, envs: Path, root: Path, server: ChannelServer) -> None:
    ask(envs, one=("tool",), bad=("nosuch",))
    done = bulk(envs, "--json", "--dry-run")
    found, _ = events(done)
    assert found["one"]["state"] == "planned"
    assert [url.rpartition("/")[2] for url in found["one"]["urls"]] == [
        "base-lib-2.0-h_0.tar.bz2",
        "tool-1.0-h_0.conda",
    ]
    assert (done.code, found["bad"]["state"]) == (1, "failed")
    assert not (root / "envs").exists()
    assert server.count("*.conda") == 0


def test_download_only_then_offline(bulk: Bulk, envs: Path, root: Path, server: ChannelServer) -> None:
    ask(envs, one=("tool",), two=("data",))
    assert {line["state"] for line in events(bulk(envs, "--json", "--download-only"))[0].values()} == {"fetched"}
    assert not (root / "envs").exists()
    server.forget()
    assert bulk(envs, "--offline").code == 0
    assert server.requests == []


def test_a_manifest_with_places_and_channels(
    run_command: RunCommand, server: ChannelServer, tmp_path: Path, root: Path
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/tool.yml").write_text(f"channels: ['{server.url}', nodefaults]\ndependencies: [tool]\n")
    (tmp_path / "all.yaml").write_text(
        f"channels: ['{server.url}']\nenvironments:\n"
        "  tool: files/tool.yml\n"
        "  here: {specs: [data], prefix: ./here}\n"
        "  win: {specs: [data], platform: win-64, prefix: ./win}\n"
    )
    done = run_command("bulk", tmp_path / "all.yaml", "--json")
    found, _ = events(done)
    assert {name: line["state"] for name, line in found.items()} == dict.fromkeys(("tool", "here", "win"), "created")
    assert (root / "envs/tool/bin/tool").exists()
    assert (tmp_path / "here/share/data.txt").exists()
    assert (tmp_path / "win/.mambarc").read_text() == "platform: win-64\n"


def test_a_bad_channel_is_only_its_own_environments_failure(
    run_command: RunCommand, server: ChannelServer, tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(
        "environments:\n"
        f"  good: {{specs: [tool], channels: ['{server.url}']}}\n"
        f"  bad: {{specs: [tool], channels: ['{server.url}/nothing']}}\n"
    )
    found, _ = events(run_command("bulk", "--override-channels", tmp_path / "all.yaml", "--json"))
    assert found["good"]["state"] == "created"
    assert "There is no channel at" in found["bad"]["error"]["message"]


def test_explicit_files(bulk: Bulk, envs: Path, root: Path, server: ChannelServer) -> None:
    ask(envs, solved=("tool",))
    (envs / "locked.txt").write_text(
        f"@EXPLICIT\n{server.url}/linux-64/tool-1.0-h_0.conda\n{server.url}/linux-64/base-lib-1.0-h_0.conda\n"
    )
    (envs / "gone.txt").write_text(f"@EXPLICIT\n{server.url}/linux-64/gone-1.0-h_0.conda\n")
    found, summary = events(bulk(envs, "--json"))
    assert {name: line["state"] for name, line in found.items()} == {
        "solved": "created",
        "locked": "created",
        "gone": "failed",
    }
    assert summary["solves"] == 1
    assert (root / "envs/locked/lib/base.txt").read_text() == "base 1.0\n"
    assert server.count("*/tool-1.0*") == 1


def test_names_and_places(bulk: Bulk, envs: Path, tmp_path: Path) -> None:
    (envs / "a.yml").write_text("name: called\ndependencies: [data]\n")
    assert bulk(envs, "--prefix-dir", tmp_path / "out").code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["called"]
    assert bulk(envs, "--prefix-dir", tmp_path / "out", "--name-by", "stem").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "called"]


def test_two_of_one_name_are_refused(bulk: Bulk, envs: Path, root: Path) -> None:
    for name in ("a", "b"):
        (envs / f"{name}.yml").write_text("name: same\ndependencies: [data]\n")
    done = bulk(envs)
    assert done.code == ExitCode.USAGE
    assert f"{envs}/a.yml and {envs}/b.yml" in done.err
    assert not (root / "envs").exists()


def test_a_broken_manifest_is_refused_with_its_line(bulk: Bulk, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text("environments:\n  a: {colour: red}\n")
    done = bulk(tmp_path / "all.yaml")
    assert done.code == ExitCode.FAILURE
    assert "line 2: the key 'colour' of an environment is not known" in done.err


def test_fail_fast_leaves_the_rest(bulk: Bulk, envs: Path, root: Path) -> None:
    ask(envs, bad=("nosuch",))
    (envs / "broken.yml").write_text("dependencies: 3\n")
    ask(envs, good=("tool",))
    found, summary = events(bulk(envs, "--fail-fast", "--json"))
    assert found["good"]["state"] == "stopped"
    assert summary["success"] is False
    assert not (root / "envs/good").exists()


def test_without_a_cache_is_not_for_many(
    bulk: Bulk, envs: Path, root: Path, server: ChannelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(envs, one=("tool",))
    done = bulk("--no-cache", envs)
    assert done.code == 1 and "--no-cache" in done.err and "clean --all" in done.err
    monkeypatch.setenv("MAMBA_NO_CACHE", "1")
    assert bulk(envs).code == 1
    assert not (root / "envs").exists() and not server.requests
    assert bulk("--cache", envs).code == 0


@pytest.mark.usefixtures("with_python")
def test_pip_parts_are_each_environments_own(bulk: Bulk, envs: Path, root: Path) -> None:
    for name, requirement in (("good", "rich"), ("bad", "fail"), ("listed", "-r more.txt")):
        (envs / f"{name}.yml").write_text(f"dependencies:\n- python\n- pip\n- pip: ['{requirement}']\n")
    found, _ = events(bulk(envs, "--json"))
    assert {name: line["state"] for name, line in found.items()} == {
        "good": "created",
        "bad": "failed",
        "listed": "created",
    }
    assert "no such thing" in found["bad"]["error"]["message"]
    assert (root / "envs/good/asked.txt").read_text() == "rich\n"
    assert not (root / "envs/bad").exists()
    (envs / "more.txt").write_text("changed")
    (envs / "bad.yml").unlink()
    found, _ = events(bulk(envs, "--json"))
    assert (found["good"]["state"], found["listed"]["state"]) == ("unchanged", "failed")


def test_variables_are_set(bulk: Bulk, envs: Path, root: Path) -> None:
    (envs / "one.yml").write_text("dependencies: [data]\nvariables: {GREETING: hello}\n")
    bulk(envs)
    assert json.loads((root / "envs/one/conda-meta/state").read_text())["env_vars"] == {"GREETING": "hello"}
    (envs / "one.yml").write_text("dependencies: [data]\nvariables: {GREETING: bye}\n")
    assert events(bulk(envs, "--update", "--json"))[0]["one"]["state"] == "updated"
    assert json.loads((root / "envs/one/conda-meta/state").read_text())["env_vars"] == {"GREETING": "bye"}


def test_a_trace_has_downloads_and_environments(bulk: Bulk, envs: Path, tmp_path: Path) -> None:
    ask(envs, one=("tool",), two=("data",))
    assert bulk(envs, "--trace", tmp_path / "trace.json").code == 0
    names = {event.get("name") for event in json.loads((tmp_path / "trace.json").read_text())["traceEvents"]}
    assert {"one", "two", "tool"} <= names


def test_help_says_what_happens_after_a_failure() -> None:
    text = " ".join(make_parser("bulk", bulk_command).format_help().split())
    assert "--keep-going" in text
    assert "the exit code is 1 if anything failed" in text
