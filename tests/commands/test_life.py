"""The simple life of an environment: install, list, remove, clean."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ExitCode
from tests.commands.conftest import Done, RunCommand
from tests.kit.server import ChannelServer
from tests.kit.tree import tree

Create = Callable[..., Done]


@pytest.fixture
def install(run_command: RunCommand, server: ChannelServer) -> Callable[..., Done]:
    def run(*words: object) -> Done:
        return run_command("install", "--yes", "--override-channels", "-c", server.url, *words)

    return run


def test_install_adds_and_keeps(create: Create, install: Create, root: Path) -> None:
    create("-n", "one", "base-lib=1")
    assert install("-n", "one", "tool").code == 0
    prefix = root / "envs/one"
    assert (prefix / "lib/base.txt").read_text() == "base 1.0\n"
    assert (prefix / "bin/tool").exists()
    assert (prefix / "conda-meta/history").read_text().count("==>") == 2


def test_install_changes_what_is_in_the_way(create: Create, install: Create, root: Path) -> None:
    create("-n", "one", "base-lib=2")
    assert install("-n", "one", "old-tool").code == 0
    assert (root / "envs/one/lib/base.txt").read_text() == "base 1.0\n"
    assert install("-n", "one", "--freeze-installed", "base-lib=2").code == 1


def test_nothing_to_do(create: Create, install: Create, root: Path) -> None:
    create("-n", "one", "tool")
    before = tree(root / "envs/one")
    done = install("-n", "one", "tool")
    assert done.code == 0
    assert "All requested packages already installed" in done.out
    assert tree(root / "envs/one") == before


def test_force_reinstall(create: Create, install: Create, root: Path) -> None:
    create("-n", "one", "tool")
    (root / "envs/one/bin/tool").unlink()
    assert install("-n", "one", "tool", "--force-reinstall").code == 0
    assert (root / "envs/one/bin/tool").exists()


def test_a_failing_install_undoes_itself(create: Create, install: Create, root: Path) -> None:
    create("-n", "one", "tool")
    before = tree(root / "envs/one")
    assert install("-n", "one", "failing", "data").code == 1
    assert tree(root / "envs/one") == before


def test_install_of_nothing_and_into_nothing(install: Create, tmp_path: Path) -> None:
    done = install("-n", "one")
    assert done.code == ExitCode.OK and "Nothing to do." in done.out
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").touch()
    assert install("-p", tmp_path / "mine", "tool").code == 1


def test_list_in_every_form(create: Create, run_command: RunCommand, server: ChannelServer) -> None:
    create("-n", "one", "tool", "data")
    table = run_command("list", "-n", "one").out.splitlines()
    assert table[2].split() == ["Name", "Version", "Build", "Channel"]
    assert [line.split()[0] for line in table[4:]] == ["base-lib", "data", "tool"]
    assert run_command("list", "-n", "one", "--export", "^b").out == "base-lib=2.0=h_0\n"
    assert (
        run_command("list", "-n", "one", "-f", "tool", "--explicit").out
        == f"# platform: linux-64\n@EXPLICIT\n{server.url}/linux-64/tool-1.0-h_0.conda\n"
    )
    assert run_command("list", "-n", "one", "-c", "data").out == f"{server.url}/noarch::data-3.1-h_0\n"
    packages = run_command("list", "-n", "one", "--json").json["packages"]
    assert [package["name"] for package in packages] == ["base-lib", "data", "tool"]
    assert {"base_url", "build_number", "build_string", "channel", "dist_name", "platform"} <= set(packages[0])
    shown = run_command("list", "-n", "one", "--revisions").out
    assert "(rev 0)" in shown
    assert shown.endswith("\n\n"), "an empty line parts revisions, as in micromamba"
    assert run_command("list", "-n", "one", "(").code == ExitCode.USAGE


def test_list_of_no_environment(run_command: RunCommand, tmp_path: Path) -> None:
    done = run_command("list", "-p", tmp_path / "nope")
    assert done.code == 1
    assert "does not exist" in done.err


def test_remove_takes_dependents_and_orphans(create: Create, run_command: RunCommand, root: Path) -> None:
    create("-n", "one", "tool", "data")
    assert run_command("remove", "-y", "-n", "one", "base-lib").code == 0
    assert [p["name"] for p in run_command("list", "-n", "one", "--json").json["packages"]] == ["data"]
    create("-n", "two", "tool", "data")
    answer = run_command("remove", "-n", "two", "tool", "--json").json
    assert {record["name"] for record in answer["actions"]["UNLINK"]} == {"tool", "base-lib"}
    assert not (root / "envs/two/bin").exists()


def test_remove_with_force_takes_only_what_is_named(create: Create, run_command: RunCommand) -> None:
    create("-n", "one", "tool")
    run_command("remove", "-y", "-n", "one", "base-lib", "--force")
    assert [p["name"] for p in run_command("list", "-n", "one", "--json").json["packages"]] == ["tool"]


def test_remove_what_is_not_there(create: Create, run_command: RunCommand) -> None:
    """It is told, and is no mistake; the rest goes (micromamba's rule, which scripts count on)."""
    create("-n", "one", "tool", "data")
    done = run_command("remove", "-y", "-n", "one", "data", "nope", "no=1")
    assert (done.code, [p["name"] for p in run_command("list", "-n", "one", "--json").json["packages"]]) == (
        0,
        ["base-lib", "tool"],
    )
    assert "so not removed: nope, no=1" in done.err
    done = run_command("remove", "-y", "-n", "one", "nope")
    assert (done.code, done.out) == (0, "Nothing to do.\n")
    assert "so not removed: nope" in done.err


@pytest.mark.parametrize("words", [(), ("",)])
@pytest.mark.parametrize("command", ["install", "update", "remove"])
def test_nothing_was_named(create: Create, run_command: RunCommand, command: str, words: tuple[str, ...]) -> None:
    create("-n", "one", "tool", "")
    done = run_command(command, "-y", "-n", "one", *words)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Nothing to do. (Name packages, or ")
    assert run_command(command, "-y", "-n", "one", "--json").json["success"]


def test_a_whole_environment_goes(create: Create, run_command: RunCommand, root: Path, isolated: Path) -> None:
    create("-n", "one", "tool")
    assert run_command("env", "remove", "-y", "-n", "one", "--dry-run").code == 0
    assert (root / "envs/one").exists()
    assert run_command("env", "remove", "-y", "-n", "one").code == 0
    assert list((root / "envs").iterdir()) == []
    assert (isolated / ".conda/environments.txt").read_text() == ""


@pytest.mark.parametrize("more", [(), ("--keep-env",)])
def test_all_packages_go_and_the_environment_stays(
    create: Create, run_command: RunCommand, root: Path, isolated: Path, more: tuple[str, ...]
) -> None:
    """As in micromamba. What the user put there is nobody's to remove."""
    create("-n", "one", "tool")
    (root / "envs/one/mine.txt").touch()
    assert run_command("remove", "-y", "-n", "one", "--all", *more).code == 0
    assert sorted(path.name for path in (root / "envs/one").iterdir()) == ["conda-meta", "mine.txt"]
    assert (isolated / ".conda/environments.txt").read_text() == f"{root / 'envs/one'}\n"
    again = run_command("remove", "-y", "-n", "one", "--all")
    assert (again.code, again.out.startswith("Nothing to do.")) == (0, True)
    assert create("-n", "one", "base-lib").code == 0


def test_env_list_and_info(create: Create, run_command: RunCommand, root: Path) -> None:
    create("-n", "one", "tool")
    assert run_command("env", "list", "--json").json == {"envs": [str(root), str(root / "envs/one")]}
    assert run_command("info", "--envs", "--json").json == {"envs": [str(root), str(root / "envs/one")]}
    info = run_command("info", "--json", "-n", "one").json
    assert info["env location"] == str(root / "envs/one")
    assert any(text.startswith("__unix=") for text in info["virtual packages"])


def test_clean_says_what_it_frees(create: Create, run_command: RunCommand, root: Path) -> None:
    create("-n", "one", "tool")
    dry = run_command("clean", "--all", "--dry-run", "--json").json
    assert any(item["kind"] == "tarball" for item in dry["items"])
    assert all(item["kind"] != "package" for item in dry["items"])
    assert "Freed " in run_command("clean", "--all", "-y").out
    assert not list((root / "pkgs").glob("*.conda"))
    assert (root / "pkgs/tool-1.0-h_0").is_dir()
    run_command("env", "remove", "-y", "-n", "one")
    run_command("clean", "--all", "-y")
    assert not (root / "pkgs/tool-1.0-h_0").exists()
    assert run_command("clean").code == ExitCode.USAGE


def test_run_in_an_environment(create: Create, root: Path) -> None:
    import subprocess
    import sys

    create("-n", "one", "tool")
    command = [sys.executable, "-m", "cli", "run", "-r", str(root), "-n", "one", "tool"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout, done.stderr) == (0, f"tool in {root / 'envs/one'}\n", "")
    assert json.loads((root / "envs/one/conda-meta/tool-1.0-h_0.json").read_text())["name"] == "tool"


def test_info_has_the_keys_of_micromamba_and_of_conda(run_command: RunCommand, root: Path) -> None:
    answer = run_command("info", "--json").json
    assert answer["base environment"] == answer["root_prefix"] == answer["conda_prefix"] == str(root)
    assert answer["envs directories"] == answer["envs_dirs"] == [str(root / "envs")]
    assert answer["package cache"] == answer["pkgs_dirs"]
    assert answer["populated config files"] == answer["config_files"]
    assert answer["virtual packages"] == ["=".join(parts) for parts in answer["virtual_pkgs"]]
    assert (answer["envs"], answer["active_prefix"]) == ([str(root)], None)
    assert run_command("info", "--base", "--json").json == {"base environment": str(root)}


def test_all_and_names_contradict_each_other(create: Create, run_command: RunCommand) -> None:
    create("-n", "one", "tool")
    assert run_command("remove", "-y", "-n", "one", "tool", "--all").code == ExitCode.USAGE


def test_clean_where_nobody_can_answer(
    create: Create, run_command: RunCommand, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a Dockerfile: what is thrown away can be had again. Whole caches are another matter."""
    create("-n", "one", "tool")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run_command("clean", "--all").code == 0
    assert not list((root / "pkgs").glob("*.conda"))
    assert run_command("clean", "--force-pkgs-dirs").code == ExitCode.USAGE
    assert (root / "pkgs").exists()


def test_a_dry_run_of_clean_says_so(create: Create, run_command: RunCommand, root: Path) -> None:
    create("-n", "one", "tool")
    assert run_command("clean", "--tarballs", "--dry-run").out.endswith("Dry run: nothing was removed.\n")
    assert list((root / "pkgs").glob("*.conda"))
