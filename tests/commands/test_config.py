"""``config``: what is printed, what is written, and how mistakes are met."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ExitCode
from tests.commands.conftest import RunCommand


@pytest.fixture
def rc(tmp_path: Path) -> Path:
    return tmp_path / "some" / "rc.yaml"


def test_values_with_who_set_them(run_command: RunCommand, rc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rc.parent.mkdir()
    rc.write_text("channels: [one, two]\noffline: true\ncustom_channels: {a: https://u:secret@host}\n")
    monkeypatch.setenv("MAMBA_OFFLINE", "false")
    words = ("config", "list", "--rc-file", rc)
    assert run_command(*words).out.splitlines() == [
        "channels:", "  - one", "  - two",
        "custom_channels:", "  a: https://u:*****@host",
        "offline: false",
    ]  # fmt: skip
    assert run_command(*words, "-s", "offline", "channels", "--offline").out.splitlines() == [
        "channels:", f"  - one  # '{rc}'", f"  - two  # '{rc}'",
        f"offline: true  # 'CLI' > 'MAMBA_OFFLINE' > '{rc}'",
    ]  # fmt: skip
    assert run_command(*words, "-s", "quiet", "--json").json == {"quiet": {"source": "default", "value": False}}
    everything = run_command(*words, "--all", "--json").json
    assert (everything["channel_priority"], everything["channels"]) == ("flexible", ["one", "two"])
    assert run_command("config", "list", "--no-rc", "--no-env").out == ""


@pytest.mark.parametrize("before", [True, False])
def test_several_rc_files_after_one_option(before: bool, run_command: RunCommand, tmp_path: Path) -> None:
    (one := tmp_path / "one.yml").write_text("offline: true\n")
    (two := tmp_path / "two.yml").write_text("offline: false\nssl_verify: <false>\n")
    files = ("--rc-file", one, two)
    words = (*files, "config", "list") if before else ("config", "list", *files)
    assert run_command(*words).out == "offline: true\nssl_verify: <false>\n"
    assert run_command("config", "list", "--rc-file", one, "offline").out == "offline: true\n"
    # What stands behind the file is the command, even if there is a file of that name.
    missing = run_command("run", "-p", tmp_path / "none", "--rc-file", one, two).err
    assert missing.startswith(f"error: Could not run '{two}'")


def test_descriptions_and_groups(run_command: RunCommand) -> None:
    rule = "# " + "#" * 54
    assert run_command("config", "list", "--no-rc", "channels", "offline", "-d", "-g").out.splitlines() == [
        rule, "# #" + "Channels Configuration".center(52) + "#", rule, "",
        "# channels", "#   Define the list of channels", "channels:", "  - conda-forge", "", "",
        rule, "# #" + "Network Configuration".center(52) + "#", rule, "",
        "# offline", "#   use only what is cached", "offline: false",
    ]  # fmt: skip
    assert run_command("config", "describe", "offline").out == "# offline\n#   use only what is cached\n"
    assert "# channel_priority\n" in run_command("config", "describe").out


@pytest.mark.parametrize("command", ["list", "describe"])
def test_an_unknown_key_is_told_and_no_failure(command: str, run_command: RunCommand) -> None:
    done = run_command("config", command, "ofline", "--no-rc")
    assert (done.code, done.out) == (0, "")
    assert "no configuration key 'ofline'. Did you mean 'offline'?" in done.err


def test_sources_the_strongest_first(run_command: RunCommand, isolated: Path) -> None:
    (isolated / ".condarc").write_text("offline: true\n")
    (isolated / ".mambarc").write_text("ofline: true\n")
    done = run_command("config", "sources", "-q")
    assert done.out.splitlines() == ["Configuration files (by precedence order):", "~/.mambarc", "~/.condarc"]
    assert run_command("config", "sources", "--no-rc").out == "Configuration files disabled by --no-rc flag\n"
    assert "Did you mean 'offline'?" in run_command("config", "sources").err


def test_get_set_append_prepend_remove(run_command: RunCommand, rc: Path) -> None:
    file = ("--file", rc)
    assert run_command("config", "append", "channels", "b,c", *file).code == 0
    assert run_command("config", "prepend", "channels", "a", "create_default_packages", "pip", *file).code == 0
    assert run_command("config", "set", "offline", "yes", *file).code == 0
    assert run_command("config", "set", "proxy_servers.http", "http://p", *file).code == 0
    assert rc.read_text() == (
        "channels:\n  - a\n  - b\n  - c\ncreate_default_packages:\n  - pip\n"
        "offline: true\nproxy_servers:\n  http: http://p\n"
    )
    assert run_command("config", "get", "channels", *file).out == "channels:\n  - a\n  - b\n  - c\n"
    assert run_command("config", "get", "offline", "--json", *file).json["get"] == {"offline": True}
    assert run_command("config", "remove", "channels", "b", *file).out == ""
    assert run_command("config", "remove-key", "offline", *file).out == ""
    for words in (["get", "offline"], ["remove-key", "offline"], ["remove", "channels", "zzz"]):
        done = run_command("config", *words, *file)
        assert (done.code, done.out) == (0, "Key is not present in file\n")
    assert rc.read_text().startswith("channels:\n  - a\n  - c\n")


def test_conda_s_spelling(run_command: RunCommand, isolated: Path) -> None:
    assert run_command("config", "--add", "channels", "one", "--add", "channels", "two").code == 0
    assert run_command("config", "--set", "always_yes", "true", "--append", "channels", "three").code == 0
    assert (isolated / ".condarc").read_text() == "channels:\n  - two\n  - one\n  - three\nalways_yes: true\n"
    assert run_command("config", "--show", "channels").out == "channels:\n  - two\n  - one\n  - three\n"
    assert run_command("config", "--remove", "channels", "two", "--remove-key", "always_yes").code == 0
    assert run_command("config", "--get").out == "channels:\n  - one\n  - three\n"
    assert run_command("config", "--remove-key", "always_yes").code == ExitCode.USAGE
    assert run_command("config", "--set", "ofline", "true").code == ExitCode.USAGE
    said = run_command("config").out
    assert "config append" in said
    assert said.startswith("Configuration of micromamba")  # whose files and keys these are; tests look for it
    assert run_command("config", "-q").out == ""


def test_mistakes_change_nothing(run_command: RunCommand, rc: Path) -> None:
    rc.parent.mkdir()
    rc.write_text("channels: [a]\n")
    file = ("--file", rc)
    for words, message in (
        (["append", "json", "true"], "holds no list"),
        (["append", "chanels", "x"], "Did you mean 'channels'?"),
        (["append", "channels", "b", "json", "true"], "holds no list"),
        (["append", "channels"], "expected keys and values in turn"),
        (["set", "channel_priority", "high"], "expected one of strict, flexible, disabled"),
        (["set", "download_threads", "many"], "expected a whole number"),
    ):
        done = run_command("config", *words, *file)
        assert done.code == 2
        assert message in done.err
    invalid = "Key is invalid or more than one key was received\n"
    assert run_command("config", "set", "$%#@abc", *file).out == invalid
    assert run_command("config", "set", "json", "true", "quiet", "true", *file).out == invalid
    assert rc.read_text() == "channels: [a]\n"
    assert run_command("config", "get", "channels", "--file", rc.parent / "none").code == 1


def test_a_wrong_file_can_be_mended(run_command: RunCommand, isolated: Path) -> None:
    (isolated / ".condarc").write_text("# mine\nchannel_priority: high\n")
    done = run_command("config", "list")
    assert done.code == 1
    assert f"{isolated}/.condarc, line 2: the key 'channel_priority' is 'high'" in done.err
    assert run_command("config", "set", "channel_priority", "strict").code == 0
    assert (isolated / ".condarc").read_text() == "# mine\nchannel_priority: strict\n"


def test_the_file_keeps_its_permissions_and_a_link_stays_a_link(run_command: RunCommand, isolated: Path) -> None:
    real = isolated / "dotfiles-condarc"
    real.write_text("offline: true\n")
    real.chmod(0o600)
    (isolated / ".condarc").symlink_to(real)
    assert run_command("config", "set", "offline", "false").code == 0
    assert (isolated / ".condarc").is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("offline: false\n", 0o600)


def test_the_file_of_an_environment(run_command: RunCommand, root: Path) -> None:
    assert run_command("config", "set", "offline", "true", "--env", "-n", "base").code == 0
    assert (root / ".condarc").read_text() == "offline: true\n"
    assert run_command("config", "get", "offline", "--env").out == "offline: true\n"


def test_keys_without_effect_are_written_and_said(run_command: RunCommand, rc: Path) -> None:
    done = run_command("config", "set", "solver", "libmamba", "--file", rc)
    assert (done.code, rc.read_text()) == (0, "solver: libmamba\n")
    assert "has no effect here: there is one solver." in done.err
