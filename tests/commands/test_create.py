"""``create``: from words to an environment that is there whole, or not at all."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ExitCode
from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer
from tests.kit.tree import tree

Create = Callable[..., Done]


def test_an_environment_by_name(create: Create, root: Path, isolated: Path) -> None:
    done = create("-n", "one", "tool", "data")
    assert done.code == 0
    prefix = root / "envs/one"
    assert (prefix / "lib/base.txt").read_text() == "base 2.0\n"
    assert (prefix / "share/data.txt").read_text() == f"at {prefix}/share\n"
    shown = subprocess.run([prefix / "bin/tool"], capture_output=True, text=True, check=True).stdout
    assert shown == f"tool in {prefix}\n"
    assert sorted(path.name for path in (prefix / "conda-meta").glob("*.json")) == [
        "base-lib-2.0-h_0.json",
        "data-3.1-h_0.json",
        "tool-1.0-h_0.json",
    ]
    assert str(prefix) in (isolated / ".conda/environments.txt").read_text().splitlines()
    assert os.listdir(root / "envs") == ["one"]


def test_what_people_see_without_a_terminal(create: Create) -> None:
    lines = create("-n", "one", "tool").out.splitlines()
    assert any(line.startswith("Loaded repodata 2 indices in ") for line in lines)
    assert any(line.split()[:4] == ["+", "tool", "1.0", "h_0"] for line in lines)
    assert lines[-1].startswith("Done in ")
    assert len(lines) <= 40


def test_history_and_requested_specs(create: Create, root: Path) -> None:
    create("-n", "one", "tool >=1", "base-lib=1")
    text = (root / "envs/one/conda-meta/history").read_text()
    assert """# update specs: ["tool[version='>=1']", 'base-lib=1']""" in text
    record = json.loads((root / "envs/one/conda-meta/tool-1.0-h_0.json").read_text())
    assert record["requested_specs"] == ["tool[version='>=1']"]


def test_json_is_one_object(create: Create, root: Path) -> None:
    answer = create("-n", "one", "tool", "--json").json
    assert answer["success"] is True
    assert answer["dry_run"] is False
    assert answer["prefix"] == str(root / "envs/one")
    assert [record["name"] for record in answer["actions"]["LINK"]] == ["base-lib", "tool"]
    assert {"name", "version", "build", "url", "sha256", "channel", "fn"} <= set(answer["actions"]["FETCH"][0])
    assert answer["link"]["files"] == 2
    assert set(answer["timings"]) == {"repodata", "solve", "fetch", "link"}


def test_dry_run_changes_nothing(create: Create, server: ChannelServer, root: Path) -> None:
    answer = create("-n", "one", "tool", "--json", "--dry-run").json
    assert answer["dry_run"] is True
    assert len(answer["actions"]["FETCH"]) == 2
    assert not (root / "envs").exists()
    assert server.paths("*.conda") == []


def test_download_only_fills_the_cache_and_then_offline_works(
    create: Create, run_command: RunCommand, server: ChannelServer, root: Path
) -> None:
    assert create("-n", "one", "tool", "--download-only").code == 0
    assert not (root / "envs/one").exists()
    server.forget()
    assert create("-n", "one", "tool", "--offline").code == 0
    assert server.requests == []
    assert (root / "envs/one/bin/tool").exists()


def test_offline_without_a_cache_says_what_is_missing(create: Create) -> None:
    done = create("-n", "one", "tool", "--offline")
    assert done.code == 1
    assert "offline" in done.err.lower()


def test_a_second_environment_downloads_nothing(create: Create, server: ChannelServer, root: Path) -> None:
    create("-n", "one", "tool")
    server.forget()
    done = create("-n", "two", "tool")
    assert "Cached" in done.out
    assert server.paths("*.conda") + server.paths("*.tar.bz2") == []
    one, two = root / "envs/one/lib/base.txt", root / "envs/two/lib/base.txt"
    assert one.stat().st_ino == two.stat().st_ino


def test_copy_makes_copies(create: Create, root: Path) -> None:
    create("-n", "one", "base-lib", "--copy")
    assert (root / "envs/one/lib/base.txt").stat().st_nlink == 1


def test_no_deps_and_only_deps(create: Create, root: Path) -> None:
    create("-n", "one", "tool", "--no-deps")
    create("-n", "two", "tool", "--only-deps")
    assert not (root / "envs/one/lib/base.txt").exists()
    assert (root / "envs/one/bin/tool").exists()
    assert (root / "envs/two/lib/base.txt").exists()
    assert not (root / "envs/two/bin/tool").exists()


def test_another_platform_is_remembered(create: Create, channel: ChannelBuilder, root: Path) -> None:
    channel.add(make_package("there", "1.0", subdir="osx-arm64", files={"share/there": "x"}))
    channel.write()
    assert create("-n", "one", "there", "--platform", "osx-arm64").code == 0
    assert (root / "envs/one/.mambarc").read_text() == "platform: osx-arm64\n"


def test_an_empty_environment(create: Create, root: Path) -> None:
    assert create("-n", "one").code == 0
    assert sorted(tree(root / "envs/one")) == ["conda-meta/history"]


def test_an_environment_file(create: Create, tmp_path: Path, root: Path, server: ChannelServer) -> None:
    file = tmp_path / "environment.yml"
    file.write_text(
        f"name: filed\nchannels: [{server.url}]\ndependencies: [tool, base-lib=1]\nvariables: {{WHERE: here}}\n"
    )
    assert create("-f", file).code == 0
    prefix = root / "envs/filed"
    assert (prefix / "lib/base.txt").read_text() == "base 1.0\n"
    assert json.loads((prefix / "conda-meta/state").read_text())["env_vars"] == {"WHERE": "here"}
    done = create("-f", file, "-n", "other", "--no-env")
    assert (done.code, "variables of the file are left out" in done.err) == (0, True)
    assert not (root / "envs/other/conda-meta/state").exists()


def test_a_list_and_an_explicit_file(
    create: Create, run_command: RunCommand, tmp_path: Path, root: Path, server: ChannelServer
) -> None:
    listed, explicit = tmp_path / "specs.txt", tmp_path / "explicit.txt"
    listed.write_text("# two\ntool\ndata\n")
    assert create("-n", "one", "-f", listed).code == 0
    assert run_command("list", "-n", "one", "--md5", "--sha256").code == 0
    assert run_command("list", "-n", "one", "--explicit", "--md5", "--sha256").code == 2
    record = json.loads(next((root / "envs/one/conda-meta").glob("*.json")).read_text())
    assert record["build_string"] == record["build"]
    done = run_command("list", "-n", "one", "--explicit", "--sha256")
    explicit.write_text("@EXPLICIT\n" + "".join(f"{line}\n" for line in done.out.splitlines()))
    server.forget()
    assert run_command("create", "-y", "-n", "two", "-f", explicit).code == 0
    assert server.paths("*repodata*") == []
    one, two = (run_command("list", "-n", name, "--canonical").out for name in ("one", "two"))
    assert one == two


def test_an_address_with_a_wrong_digest(
    run_command: RunCommand, server: ChannelServer, untouched: Callable[[], None]
) -> None:
    wrong = "0" * 64
    done = run_command("create", "-y", "-n", "one", f"{server.url}/linux-64/base-lib-1.0-h_0.conda#{wrong}")
    assert done.code == 1
    assert wrong in done.err
    untouched()


def test_an_address_with_specs_brings_its_dependencies(create: Create, server: ChannelServer, root: Path) -> None:
    assert create("-n", "one", f"{server.url}/linux-64/tool-1.0-h_0.conda", "data").code == 0
    assert (root / "envs/one/bin/tool").exists()
    assert (root / "envs/one/lib/base.txt").exists()


def test_an_address_without_any_channel_comes_alone(run_command: RunCommand, server: ChannelServer, root: Path) -> None:
    """Nobody could have what it needs: micromamba installs the one package, and so do we, with a word on it."""
    url = f"{server.url}/linux-64/tool-1.0-h_0.conda"
    done = run_command("create", "-y", "-n", "one", url, "--override-channels")
    assert done.code == 0
    assert "No channel is given that could have what the packages need: base-lib >=1" in done.err
    assert (root / "envs/one/bin/tool").exists()
    assert not (root / "envs/one/lib/base.txt").exists()


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nosuch"], 1, "nosuch does not exist in"),
        (["tooll"], 1, "tool"),
        (["tool=9"], 1, "1.0"),
        (["old-tool", "base-lib>=2"], 1, "base-lib"),
        (["tool>>1"], 1, "unknown operator '>>'"),
        (["-n", "two", "-p", "/x/y", "tool"], ExitCode.USAGE, "both"),
        (["--platform", "nonsense", "tool"], ExitCode.USAGE, "nonsense"),
    ],
)
def test_a_bad_request(
    create: Create, untouched: Callable[[], None], words: list[str], code: int, message: str
) -> None:
    done = create("-n", "one", *words)
    assert (done.code, message in done.err) == (code, True), done.err
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) <= 25
    untouched()


@pytest.mark.parametrize("words", [["nosuch"], ["old-tool", "base-lib>=2"]])
def test_a_failure_is_one_object_with_json(create: Create, words: list[str]) -> None:
    answer = create("-n", "one", "--json", *words).json
    assert answer["success"] is False
    assert answer["message"]


def test_a_channel_that_is_not_there(
    run_command: RunCommand, server: ChannelServer, untouched: Callable[[], None]
) -> None:
    done = run_command("create", "-y", "-n", "one", "--override-channels", "-c", f"{server.url}/nope", "tool")
    assert done.code == 1
    assert f"There is no channel at {server.url}/nope" in done.err
    untouched()


def test_a_wrong_hash(create: Create, channel: ChannelBuilder, root: Path, untouched: Callable[[], None]) -> None:
    package = make_package("wrong", "1.0", files={"share/wrong": "x"})
    channel.add(package, sha256="1" * 64)
    channel.write()
    done = create("-n", "one", "wrong")
    assert done.code == 1
    assert "1" * 64 in done.err
    assert package.sha256 in done.err
    untouched()


def test_a_truncated_archive(create: Create, channel: ChannelBuilder, untouched: Callable[[], None]) -> None:
    archive = channel.path / "linux-64/tool-1.0-h_0.conda"
    archive.write_bytes(archive.read_bytes()[:-50])
    done = create("-n", "one", "tool", "--no-deps")
    assert done.code == 1
    assert "tool-1.0-h_0.conda" in done.err
    untouched()


def test_a_prefix_too_long_for_a_placeholder(create: Create, root: Path) -> None:
    done = create("-n", "one", "short", "data")
    assert done.code == 1
    assert "bin/short has room for a prefix of 5 bytes" in done.err
    assert os.listdir(root / "envs") == [] if (root / "envs").exists() else True


def test_a_directory_with_other_things(create: Create, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / "thesis.txt").write_text("all my work")
    done = create("-p", place, "tool")
    assert done.code == 1
    assert "no environment" in done.err
    assert tree(place).keys() == {"thesis.txt"}


def test_an_existing_environment_is_replaced_with_yes(create: Create, root: Path) -> None:
    create("-n", "one", "tool")
    create("-n", "one", "data")
    prefix = root / "envs/one"
    assert not (prefix / "bin/tool").exists()
    assert (prefix / "share/data.txt").exists()


def test_a_failed_replacement_leaves_the_old_environment(create: Create, root: Path) -> None:
    create("-n", "one", "tool")
    before = tree(root / "envs")
    assert create("-n", "one", "failing").code == 1
    assert tree(root / "envs") == before


def test_a_failing_link_script_leaves_nothing(create: Create, root: Path, isolated: Path) -> None:
    done = create("-n", "one", "failing")
    assert done.code == 1
    assert "it broke" in done.err
    assert not (root / "envs/one").exists()
    registry = isolated / ".conda/environments.txt"
    assert not registry.exists() or "one" not in registry.read_text()


def test_link_scripts_can_be_skipped(create: Create, root: Path) -> None:
    assert create("-n", "one", "scripted").code == 0
    assert (root / "envs/one/linked").exists()
    assert create("-n", "two", "failing", "--skip-run-link-scripts").code == 0


@pytest.mark.parametrize("target", ["engine.fetch.archive.extract", "engine.link.packages.linker"])
def test_a_full_disk(
    create: Create, root: Path, untouched: Callable[[], None], monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """Writing fails as on a full disk; what was there before is there, and nothing else."""
    create("-n", "zero", "data")
    before = tree(root / "envs")
    real = os.open

    def full(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if flags & os.O_CREAT and "tool" in os.fspath(path):  # type: ignore[call-overload]
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return real(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", full)
    done = create("-n", "one", "tool")
    monkeypatch.undo()
    assert done.code == 1
    assert "No space left on device" in done.err
    assert "clean --all" in done.err
    assert tree(root / "envs") == before


def test_a_refused_question_changes_nothing(
    run_command: RunCommand, server: ChannelServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("maybe\nn\n"))
    done = run_command("create", "-n", "one", "--override-channels", "-c", server.url, "tool")
    assert done.code == 0
    assert done.out.endswith("Confirm changes: [Y/n] Nothing was changed.\n")
    assert not (root / "envs/one").exists()


def test_nobody_to_answer(
    run_command: RunCommand, server: ChannelServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packages are changed, as by micromamba (pre-commit gives no --yes); an environment is not replaced or removed."""
    import io

    def run(*words: str) -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        return run_command(*words)

    words = ("-n", "one", "--override-channels", "-c", server.url, "tool")
    done = run("env", "create", *words)
    assert (done.code, "Confirm changes: [Y/n] y (nobody answers)\n" in done.out) == (0, True)
    assert (root / "envs/one/bin/tool").exists()
    for refused in (run("create", *words), run("env", "remove", "-n", "one")):
        assert (refused.code, "--yes" in refused.err) == (ExitCode.USAGE, True)
    assert (root / "envs/one/bin/tool").exists()


def test_a_token_stays_secret(run_command: RunCommand, channel: ChannelBuilder, root: Path) -> None:
    with ChannelServer(channel.path, token="s3cret") as server:
        done = run_command("create", "-y", "-n", "one", "--override-channels", "-c", server.url, "tool")
        failed = run_command("create", "-y", "-n", "two", "--override-channels", "-c", f"{server.url}/nope", "tool")
    assert (done.code, failed.code) == (0, 1)
    assert "s3cret" not in done.out + done.err + failed.out + failed.err
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert b"s3cret" not in path.read_bytes(), path


def test_without_dependencies_they_need_not_exist(create: Create, channel: ChannelBuilder, root: Path) -> None:
    channel.add(make_package("lonely", "1.0", depends=("nowhere >=1",), files={"share/lonely": "x"}))
    channel.write()
    assert create("-n", "one", "lonely").code == 1
    done = create("-n", "one", "lonely", "--no-deps")
    assert done.code == 0
    assert "nowhere" in done.out
    assert (root / "envs/one/share/lonely").exists()


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_package_in_the_cache_is_healed(create: Create, root: Path, damage: str) -> None:
    create("-n", "one", "base-lib")
    victim = next((root / "pkgs").glob("base-lib-*/lib/base.txt"))
    content = victim.read_text()
    victim.unlink()
    if damage == "cut":
        victim.write_text(content[:-1])
    done = create("-n", "two", "base-lib")
    assert done.code == 0
    assert (root / "envs/two/lib/base.txt").read_text() == victim.read_text() == content


def test_a_local_package_comes_with_what_it_needs(
    create: Create, run_command: RunCommand, root: Path, tmp_path: Path
) -> None:
    package = make_package("mine", "1.0", depends=("tool >=1", "__unix"), files={"share/mine": "mine"})
    (tmp_path / package.fn).write_bytes(package.data)
    assert create("-n", "one", tmp_path / package.fn).code == 0
    assert "tool" in run_command("list", "-n", "one").out
    assert create("-n", "two", tmp_path / package.fn, "--no-deps").code == 0
    assert "tool" not in run_command("list", "-n", "two").out
    (tmp_path / "list.txt").write_text(f"@EXPLICIT\n{tmp_path / package.fn}\n")
    assert create("-n", "three", "-f", tmp_path / "list.txt").code == 0
    assert "tool" not in run_command("list", "-n", "three").out


def test_a_list_of_addresses_of_which_one_is_there_already(
    run_command: RunCommand, root: Path, server: ChannelServer, tmp_path: Path
) -> None:
    base, tool = (f"{server.url}/linux-64/{fn}" for fn in ("base-lib-1.0-h_0.conda", "tool-1.0-h_0.conda"))
    (first := tmp_path / "first.txt").write_text(f"@EXPLICIT\n{base}\n")
    (both := tmp_path / "both.txt").write_text(f"@EXPLICIT\n{base}\n{tool}\n")
    assert run_command("create", "-y", "-n", "one", "-f", first).code == 0
    done = run_command("install", "-y", "-n", "one", "-f", both)
    assert (done.code, done.err) == (0, "")
    assert (root / "envs/one/bin/tool").exists()
