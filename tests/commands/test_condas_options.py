"""Options that conda has and micromamba has not: they do what conda does, or are passed over."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.commands.conftest import RunCommand


@pytest.fixture
def made(create: RunCommand, tmp_path: Path) -> Path:
    prefix = tmp_path / "made"
    assert create("-p", str(prefix), "tool").code == 0
    return prefix


def test_columns(run_command: RunCommand, made: Path) -> None:
    done = run_command("list", "-p", str(made), "--fields", "version,name, depends ,requested_spec,size")
    header, _, *lines = done.out.splitlines()[3:]
    assert header.split() == ["Version", "Name", "Dependencies", "Requested", "Size"]
    line = next(line for line in lines if " tool " in line)
    assert "tool" in line.split() and line.rstrip().endswith("B")


@pytest.mark.parametrize("fields", ["nme", "", "name,nme"])
def test_columns_that_there_are_not(fields: str, run_command: RunCommand, made: Path) -> None:
    done = run_command("list", "-p", str(made), "--fields", fields)
    assert done.code == 2 and "--fields" in done.err and "build_number" in done.err


def test_sizes(run_command: RunCommand, made: Path) -> None:
    done = run_command("list", "-p", str(made), "--size")
    assert "Size of the environment: " in done.out and done.out.splitlines()[3].split()[-1] == "Size"
    packages = json.loads(run_command("list", "-p", str(made), "--size", "--json").out)["packages"]
    [tool] = [package for package in packages if package["name"] == "tool"]
    record = next(made.glob("conda-meta/tool-*.json"))
    paths = json.loads(record.read_text())["paths_data"]["paths"]
    brought = sum(path["size_in_bytes"] for path in paths if path["path_type"] != "softlink")
    assert tool["size"] == brought + record.stat().st_size
    total = json.loads(run_command("env", "list", "--size", "--json").out)["envs_details"][str(made)]["size"]
    history = sum(path.stat().st_size for path in made.glob("conda-meta/*") if path.suffix != ".json")
    assert total == sum(package["size"] for package in packages) + history
    for words in (["info", "--envs"], ["env", "list"]):
        assert run_command(*words, "--size").out.splitlines()[0].split() == ["Name", "Active", "Size", "Path"]
    assert run_command("info", "--size").code == 2


def test_no_default_packages(create: RunCommand, run_command: RunCommand, isolated: Path) -> None:
    (isolated / ".condarc").write_text("create_default_packages: [data]\n")
    for words, expected in (((), ["base-lib", "data", "tool"]), (("--no-default-packages",), ["base-lib", "tool"])):
        assert create("-n", "new", "tool", *words).code == 0
        found = run_command("list", "-n", "new", "--json").json["packages"]
        assert [package["name"] for package in found] == expected


def test_search_in_all_environments(run_command: RunCommand, made: Path) -> None:
    done = run_command("search", "--envs", "tool>=0")
    assert done.code == 0 and str(made) in done.out and done.out.split()[:5][-1] == "Location"
    [group] = json.loads(run_command("search", "--envs", "tool", "--json").out)
    assert group["location"] == str(made) and group["package_records"][0]["name"] == "tool"
    done = run_command("search", "--envs", "tool<0")
    assert (done.code, done.out) == (1, "") and "No environment has tool<0." in done.err
    assert json.loads(run_command("search", "--envs", "tool<0", "--json").out)["packages"] == ["tool<0"]


def test_configuration_from_standard_input(
    run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rc.yml"
    file.write_text("# mine\nchannels:\n  - x\nalways_yes: true\n")

    def give(text: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return run_command("config", "--stdin", "--file", str(file)).code

    assert give("channels: [a, b]\nssl_verify: false\n") == 0
    assert file.read_text() == "# mine\nchannels:\n  - a\n  - b\nalways_yes: true\nssl_verify: false\n"
    before = file.read_text()
    for wrong in ("chanels: [a]", "channels: [a]\nalways_yes: perhaps", "[1, 2]", "{"):
        assert give(wrong) != 0
        assert file.read_text() == before
    assert give("") == 0


def test_what_makes_no_difference(create: RunCommand, run_command: RunCommand, made: Path, tmp_path: Path) -> None:
    passed_over = [
        "--solver",
        "libmamba",
        "--console",
        "classic",
        "--env-spec",
        "environment.yml",
        "--format",
        "explicit",
    ]
    assert create("-p", str(tmp_path / "x"), "--dry-run", *passed_over, "tool").code == 0
    assert run_command("export", "-p", str(made), "--override-platforms", "--console", "classic").code == 0
