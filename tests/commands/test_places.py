"""Where environments may be made, and how they are named, through whole commands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.commands.conftest import RunCommand
from tests.kit.server import ChannelServer


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("name", ["a b", "320 áγđß家固êôōçñ한"])
def test_names_with_spaces(create: RunCommand, run_command: RunCommand, root: Path, name: str) -> None:
    done = create("-n", name, "tool")
    assert done.code == 0
    assert "has a space in it" in done.err
    assert f"whipsnake activate '{name}'" in done.out
    assert run_command("list", "-n", name, "--json").json["packages"][1]["name"] == "tool"
    assert (root / "envs" / name / "bin" / "tool").read_text().endswith(f"/envs/{name}\n")


def test_a_file_may_not_give_such_a_name(create: RunCommand, here: Path) -> None:
    """CEP 24: "MUST NOT contain any of these characters: `/`, " " (space), `:`, `#`"."""
    (here / "env.yml").write_text("name: a b\ndependencies: [tool]\n")
    done = create("-f", "env.yml")
    assert (done.code, "can't be called 'a b'" in done.err) == (2, True)
    assert create("-f", "env.yml", "-n", "other").code == 0, "where it does not count, it does no harm"
    (here / "env.yml").write_text("name: a/b\ndependencies: [tool]\n")
    done = create("-f", "env.yml", "-n", "more")
    assert (done.code, "can't be called 'a/b'" in done.err) == (2, True), "a path was meant to count"


def test_a_prefix_without_slash_is_a_name_and_that_is_said(create: RunCommand, root: Path, here: Path) -> None:
    done = create("-p", "word", "tool")
    assert done.code == 0
    assert f"{root}/envs/word is meant. For a path, say ./word." in done.err
    assert (root / "envs" / "word" / "conda-meta").is_dir()
    assert os.listdir(here) == []
    assert "meant" not in create("-p", "./word", "tool").err


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("./a:b", "':' parts the directories of PATH"),
        ("./\udcff", "the path is no text in UTF-8"),
        (f"./{'x' * 300}", "File name too long"),
        ("./file/env", "Could not make the directory"),
    ],
)
@pytest.mark.parametrize("command", ["create", "env update"])
def test_places_that_can_not_be(
    run_command: RunCommand, server: ChannelServer, here: Path, command: str, prefix: str, message: str
) -> None:
    (here / "file").touch()
    done = run_command(*command.split(), "-y", "-p", prefix, "-c", server.url, "--override-channels", "data")
    assert (done.code, message in done.err) == (1, True), done.err
    assert os.listdir(here) == ["file"]


@pytest.mark.parametrize("command", ["create", "install"])
def test_a_new_root_prefix(run_command: RunCommand, server: ChannelServer, here: Path, command: str) -> None:
    """Its package cache is filled while it is made, so that it can't appear by one rename."""
    words = ("-y", "-r", "./new", "-n", "base", "-c", server.url, "--override-channels", "data")
    assert run_command(command, *words).code == 0
    assert sorted(os.listdir(here / "new")) == ["conda-meta", "pkgs", "share"]
    again = run_command("create", *words)
    assert (again.code, "may not be overwritten" in again.err) == (1, True)
    assert run_command("install", *words, "tool").code == 0
    for more in ((), ("--dry-run",)):
        done = run_command("env", "remove", "-y", "-r", "./new", "-n", "base", *more)
        assert (done.code, done.out) == (1, "")
        assert "it is the root prefix" in done.err
    assert run_command("remove", "-y", "-r", "./new", "-n", "base", "--all").code == 0
    assert sorted(os.listdir(here / "new" / "conda-meta")) == ["history", "whipsnake-removed.jsonl"]


@pytest.mark.parametrize("words", [("-n", "nope"), ("-p", "./nope"), ("-p", "./empty"), ("-f", "env.yml")])
def test_install_makes_no_environment(
    run_command: RunCommand, server: ChannelServer, here: Path, root: Path, words: tuple[str, ...]
) -> None:
    """A name that was mistyped is told, before anything is read from the network."""
    (here / "empty").mkdir()
    (here / "env.yml").write_text("name: nope\ndependencies: [data]\n")
    done = run_command("install", "-y", *words, "-c", server.url, "--override-channels", "data")
    assert (done.code, done.out) == (1, "")
    assert "there is no environment. (No prefix found at: /" in done.err
    assert "whipsnake create" in done.err
    assert (sorted(os.listdir(here)), os.path.exists(root / "envs")) == (["empty", "env.yml"], False)
    assert (os.listdir(here / "empty"), server.paths("*")) == ([], [])


@pytest.mark.parametrize("words", [("-n", "base"), ("-p", "./begun")])
def test_what_only_begins_to_be_an_environment_is_installed_into(
    run_command: RunCommand, server: ChannelServer, here: Path, root: Path, words: tuple[str, ...]
) -> None:
    """The images of micromamba have a root prefix with an empty ``conda-meta``, and nothing else."""
    place = root if words[0] == "-n" else here / "begun"
    (place / "conda-meta").mkdir(parents=True)
    assert run_command("list", *words, "--json").json["packages"] == []
    done = run_command("install", "-y", *words, "-c", server.url, "--override-channels", "data")
    assert (done.code, (place / "share/data.txt").exists()) == (0, True)
    history = (place / "conda-meta/history").read_text()
    assert history.startswith("==> ") and "::data-3.1-" in history
    assert run_command("remove", "-y", *words, "data").code == 0
    assert not (place / "share/data.txt").exists()


@pytest.mark.parametrize(
    ("words", "key"), [(("--repodata-ttl", "-1"), "local_repodata_ttl"), (("--platform", "nonsense"), "platform")]
)
def test_a_wrong_value_on_the_command_line(
    create: RunCommand, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str], key: str
) -> None:
    """Exit code 2; 1 where a variable says the same."""
    done = create("-n", "x", "data", *words)
    assert (done.code, done.out) == (2, "")
    assert f"the command line: the key '{key}' is" in done.err
    monkeypatch.setenv(f"MAMBA_{key.upper()}", words[1])
    assert create("-n", "x", "data").code == 1


def test_a_package_file_that_is_not_there(create: RunCommand, here: Path) -> None:
    done = create("-n", "x", "./tool-1.0-0.conda")
    assert (done.code, done.out) == (2, "")
    assert f"Could not install {here}/tool-1.0-0.conda: there is no such file." in done.err


def test_a_spec_file_that_is_not_there(create: RunCommand, server: ChannelServer) -> None:
    """The page that a server shows instead is not taken for the file."""
    done = create("-n", "x", "-f", f"{server.url}/environment.yml")
    assert done.code == 1
    assert f"Could not fetch {server.url}/environment.yml: the server answered 404" in done.err


def test_a_list_of_addresses_needs_no_mark(create: RunCommand, run_command: RunCommand, here: Path) -> None:
    create("-n", "old", "tool")
    (here / "list.txt").write_text(run_command("list", "-n", "old", "--explicit", "--md5").out)
    assert run_command("create", "-y", "-n", "new", "-f", "list.txt", "--offline").code == 0
    assert run_command("list", "-n", "new", "--export").out == run_command("list", "-n", "old", "--export").out


def test_channels_have_their_short_names_in_json(create: RunCommand, server: ChannelServer) -> None:
    above, _, name = f"{server.url}/ch".rpartition("/")
    done = create("-n", "x", "--dry-run", "--json", "data", "--channel-alias", above)
    link = done.json["actions"]["LINK"][0]
    assert (link["channel"], link["base_url"], link["platform"]) == (server.url, server.url, "noarch")
    assert link["dist_name"].startswith("data-3.1-")
    assert name == "ch"


def test_a_working_directory_that_is_gone(run_command: RunCommand, here: Path, root: Path) -> None:
    """A shell that stands in it must be able to activate, list and leave."""
    here.rmdir()
    assert run_command("env", "list", "--json").json["envs"] == [str(root)]
    assert run_command("shell", "hook", "-s", "bash").code == 0


def test_install_by_the_name_in_a_file(run_command: RunCommand, server: ChannelServer, root: Path, here: Path) -> None:
    (here / "env.yml").write_text(f"name: named\nchannels: ['{server.url}']\ndependencies: [data]\n")
    active = root / "envs" / "active"
    for name in ("active", "named", "other"):
        run_command("create", "-y", "-n", name)
    words = ("install", "-y", "--json", "-f", "env.yml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDA_PREFIX", str(active))
        assert run_command(*words).json["prefix"] == str(root / "envs" / "named")
        again = run_command(*words).json
        assert (again["message"], again["success"]) == ("All requested packages already installed", True)
        assert run_command(*words, "-n", "other").json["prefix"] == str(root / "envs" / "other")
        patch.setenv("MAMBA_TARGET_PREFIX", str(active))
        assert run_command(*words).json["prefix"] == str(root / "envs" / "named")


def test_install_without_a_name(run_command: RunCommand, server: ChannelServer, root: Path) -> None:
    """Into the active environment, else into the root prefix, as in micromamba."""
    run_command("create", "-y", "-n", "active")
    words = ("install", "-y", "--json", "-c", server.url, "--override-channels", "data")
    assert run_command(*words).json["prefix"] == str(root)
    assert (root / "share" / "data.txt").is_file()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDA_PREFIX", str(root / "envs" / "active"))
        assert run_command(*words).json["prefix"] == str(root / "envs" / "active")


def test_json_of_a_failure_after_the_plan(create: RunCommand) -> None:
    answer = create("-n", "x", "--json", "failing")
    assert (answer.code, answer.json["success"]) == (1, False)
    assert answer.json["exception_name"] == "ScriptError"
    assert answer.json["actions"]["LINK"][0]["name"] == "failing"
