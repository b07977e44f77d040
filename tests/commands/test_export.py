"""``env export``, ``export`` and ``env config vars`` as whole commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ExitCode
from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer
from tests.kit.tree import tree

Ask = Callable[..., Done]


@pytest.fixture
def one(create: Ask, root: Path) -> Path:
    """An environment with three packages, two of them asked for."""
    assert create("-n", "one", "tool >=1", "data").code == 0
    return root / "envs/one"


@pytest.fixture
def export(run_command: RunCommand, server: ChannelServer) -> Ask:
    def run(*words: object) -> Done:
        done = run_command("env", "export", "-n", "one", *words)
        return Done(done.code, done.out.replace(server.url, "CHANNEL"), done.err)

    return run


@pytest.mark.parametrize(
    ("options", "dependencies"),
    [
        ([], ["base-lib=2.0=h_0", "data=3.1=h_0", "tool=1.0=h_0"]),
        (["--no-build"], ["base-lib=2.0", "data=3.1", "tool=1.0"]),
        (["--no-builds", "--no-md5"], ["base-lib=2.0", "data=3.1", "tool=1.0"]),
        (["--from-history"], ["data", "tool >=1"]),
        (
            ["--channel-subdir"],
            ["CHANNEL/linux-64::base-lib=2.0=h_0", "CHANNEL/noarch::data=3.1=h_0", "CHANNEL/linux-64::tool=1.0=h_0"],
        ),
    ],
)
def test_yaml(one: Path, export: Ask, options: list[str], dependencies: list[str]) -> None:
    done = export(*options)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "name: one",
        "channels:",
        "  - CHANNEL",
        "dependencies:",
        *(f"  - {spec}" for spec in dependencies),
        "",
        f"prefix: {one}",
    ]


def test_digests(one: Path, export: Ask, channel: ChannelBuilder) -> None:
    md5 = channel.repodata("linux-64")["packages.conda"]["tool-1.0-h_0.conda"]["md5"]
    assert f"  - tool=1.0=h_0[md5={md5}]" in export("--md5").out
    assert f"  - tool=1.0[md5={md5}]" in export("--md5", "--no-build").out


def test_json(one: Path, export: Ask) -> None:
    assert export("--json").json == {
        "name": "one",
        "channels": ["CHANNEL"],
        "dependencies": ["base-lib=2.0=h_0", "data=3.1=h_0", "tool=1.0=h_0"],
        "prefix": str(one),
    }
    assert export("--json", "--from-history").json["dependencies"] == ["data", "tool >=1"]


def test_explicit_in_link_order(one: Path, export: Ask) -> None:
    lines = export("-e", "--no-md5").out.splitlines()
    assert lines[3:] == [
        "@EXPLICIT",
        "CHANNEL/linux-64/base-lib-2.0-h_0.tar.bz2",
        "CHANNEL/noarch/data-3.1-h_0.conda",
        "CHANNEL/linux-64/tool-1.0-h_0.conda",
    ]
    assert all(len(line.partition("#")[2]) == 32 for line in export("--explicit").out.splitlines()[4:])
    done = export("--explicit", "--json")
    assert "@EXPLICIT" in done.out
    assert "--json is ignored" in done.err


@pytest.mark.parametrize("options", [[], ["--explicit"], ["--no-build"], ["--md5"], ["--channel-subdir"]])
def test_what_is_exported_makes_the_same_again(
    one: Path, run_command: RunCommand, root: Path, tmp_path: Path, options: list[str]
) -> None:
    file = tmp_path / ("explicit.txt" if options == ["--explicit"] else "environment.yml")
    assert run_command("env", "export", "-n", "one", "-f", file, *options).code == 0
    assert run_command("create", "-y", "-n", "two", "--override-channels", "-f", file).code == 0
    again = root / "envs/two"
    assert set(tree(again / "conda-meta")) == set(tree(one / "conda-meta"))
    assert (again / "bin/tool").exists()


def test_pip_packages_are_a_part_of_their_own(create: Ask, export: Ask, root: Path, channel: ChannelBuilder) -> None:
    channel.add(make_package("python", "3.12.1", files={"bin/python": "#!/bin/sh\n"}))
    channel.write()
    create("-n", "one", "python=3.12", "--repodata-ttl", "0")
    place = root / "envs/one/lib/python3.12/site-packages/requests-2.32.3.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: requests\nVersion: 2.32.3\n")
    assert export("--no-build").out.splitlines()[3:-2] == [
        "dependencies:",
        "  - python=3.12.1",
        "  - pip:",
        "    - requests==2.32.3",
    ]
    assert export("--json").json["dependencies"][-1] == {"pip": ["requests==2.32.3"]}
    assert "requests" not in export("--no-pip").out
    done = export("--explicit")
    assert "requests" not in done.out
    assert "requests==2.32.3" in done.err


def test_formats_and_files(one: Path, run_command: RunCommand, tmp_path: Path) -> None:
    words = ("export", "-n", "one", "--no-builds")
    assert run_command(*words, "--format", "reqs").out.splitlines()[3:] == ["base-lib=2.0", "data=3.1", "tool=1.0"]
    assert run_command(*words, "--format", "json").json["name"] == "one"
    for name, start in (
        ("a.yaml", "name: one"),
        ("a.json", "{"),
        ("requirements.txt", "# This"),
        ("explicit.txt", "#"),
    ):
        answer = run_command(*words, "-f", tmp_path / name, "--json").json
        assert answer["file"] == str(tmp_path / name)
        assert (tmp_path / name).read_text().startswith(start)
    assert json.loads((tmp_path / "a.json").read_text())["dependencies"][0] == "base-lib=2.0"
    assert run_command(*words, "-f", tmp_path / "odd").code == ExitCode.USAGE


def test_channels_can_be_named_besides(one: Path, export: Ask) -> None:
    assert export("-c", "mine").out.splitlines()[1:4] == ["channels:", "  - mine", "  - CHANNEL"]
    assert export("-c", "mine", "--override-channels").out.splitlines()[1:4] == [
        "channels:",
        "  - mine",
        "dependencies:",
    ]


def test_no_secret_is_exported(one: Path, export: Ask) -> None:
    (path,) = (one / "conda-meta").glob("tool-*.json")
    record = json.loads(path.read_text())
    for key, place in (("url", "linux-64/tool-1.0-h_0.conda"), ("channel", "")):
        record[key] = f"https://user:word@example.org/t/TOKEN/chan/{place}"
    path.write_text(json.dumps(record))
    for words in ([], ["--explicit"], ["--json"], ["--channel-subdir"]):
        assert "example.org/chan" in export(*words).out
        assert not {"TOKEN", "word"} & set(
            export(*words).out.replace("/", " ").replace("@", " ").replace(":", " ").split()
        )


def test_export_of_no_environment(run_command: RunCommand) -> None:
    assert run_command("env", "export", "-n", "nope").code == 1


# --- variables -------------------------------------------------------------------------------------------------------


@pytest.fixture
def variables(one: Path, run_command: RunCommand) -> Ask:
    return lambda *words: run_command("env", "config", "vars", words[0], "-n", "one", *words[1:])


def test_variables_are_set_listed_and_taken_away(one: Path, variables: Ask, export: Ask) -> None:
    assert variables("list").out == "No environment variables set.\n"
    assert variables("list", "--json").json == {"env_vars": {}}
    done = variables("set", "Z=z", "my_var=a=b", "A=1")
    assert done.out.splitlines() == [
        "Set environment variable: Z=z",
        "Set environment variable: MY_VAR=a=b",
        "Set environment variable: A=1",
        "To make your changes take effect please reactivate your environment",
    ]
    assert variables("list").out == "Z = z\nMY_VAR = a=b\nA = 1\n"
    assert 'variables:\n  Z: "z"\n  MY_VAR: "a=b"\n  A: "1"\n\nprefix: ' in export().out
    variables("set", "MY_VAR=c")
    assert variables("unset", "z", "never").out.splitlines()[:2] == [
        "Unset environment variable: Z",
        "Unset environment variable: NEVER",
    ]
    assert variables("list", "--json").json == {"env_vars": {"MY_VAR": "c", "A": "1"}}
    assert list(json.loads((one / "conda-meta/state").read_text())["env_vars"]) == ["MY_VAR", "A"]


def test_other_keys_of_the_file_stay(one: Path, variables: Ask) -> None:
    (one / "conda-meta/state").write_text('{"other": [1], "env_vars": {"OLD": "***unset***"}}')
    assert variables("list").out == "No environment variables set.\n"
    variables("set", "A=1")
    state = json.loads((one / "conda-meta/state").read_text())
    assert (state["other"], state["env_vars"]) == ([1], {"OLD": "***unset***", "A": "1"})


@pytest.mark.parametrize("text", ["nothing", "1A=x", "PATH=/x", "A-B=x", "=x"])
def test_wrong_variables_change_nothing(one: Path, variables: Ask, text: str) -> None:
    done = variables("set", "GOOD=1", text)
    assert done.code == ExitCode.USAGE
    assert not (one / "conda-meta/state").exists()


def test_dry_run_sets_nothing(one: Path, variables: Ask) -> None:
    assert variables("set", "A=1", "--dry-run").code == 0
    assert not (one / "conda-meta/state").exists()


def test_the_group_explains_itself(run_command: RunCommand) -> None:
    assert "env config vars unset" in run_command("env", "config").out
    assert "env config vars list" in run_command("env", "config", "vars").out
    assert run_command("env", "config", "vars", "lst").code == ExitCode.USAGE


@pytest.mark.parametrize(("form", "file"), [("conda-lock-v1", "conda-lock.yml"), ("rattler-lock-v6", "pixi.lock")])
def test_an_environment_is_made_again_from_a_lock_file_without_an_index(
    one: Path, run_command: RunCommand, server: ChannelServer, tmp_path: Path, form: str, file: str
) -> None:
    lock = tmp_path / file
    assert run_command("export", "-n", "one", "--file", lock).code == 0
    assert run_command("export", "-n", "one", "--format", form).out == lock.read_text()
    server.requests.clear()
    done = run_command("create", "-y", "-n", "two", "-f", lock, "--offline")
    assert (done.code, done.err) == (0, "")
    assert server.requests == []
    listed = [run_command("list", "-n", name, "--json").json["packages"] for name in ("one", "two")]
    assert listed[0] == listed[1]
    assert run_command("create", "-y", "-n", "three", "-f", lock, "--platform", "win-64").code == 1


@pytest.mark.parametrize("words", [("set", "A=2"), ("unset", "A")])
def test_a_frozen_environment_keeps_its_variables(one: Path, variables: Ask, words: tuple[str, ...]) -> None:
    """CEP 22, "Specification": the marker must be respected, and there is a way to override it."""
    variables("set", "A=1")
    (one / "conda-meta/frozen").write_text('{"message": "do not touch"}')
    done = variables(*words)
    assert done.code == 1 and "do not touch" in done.err and not done.out
    assert variables("list", "--json").json == {"env_vars": {"A": "1"}}
    assert variables(*words, "--override-frozen").code == 0
    assert variables("list", "--json").json != {"env_vars": {"A": "1"}}
