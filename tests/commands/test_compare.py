"""``compare`` and ``self-update`` as whole commands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.errors import ExitCode
from tests.commands.conftest import RunCommand


@pytest.fixture
def two(create: RunCommand, root: Path) -> Path:
    create("-n", "one", "tool", "data")
    create("-n", "two", "old-tool")
    return root / "envs"


def test_two_environments(two: Path, run_command: RunCommand) -> None:
    done = run_command("compare", "one", two / "two")
    assert done.code == 1
    assert [line.split() for line in done.out.splitlines()] == [
        ["~", "base-lib", "2.0", "h_0", "→", "1.0", "h_0"],
        ["-", "data", "3.1", "h_0", "→", "nothing"],
        ["+", "old-tool", "nothing", "→", "1.0", "h_0"],
        ["-", "tool", "1.0", "h_0", "→", "nothing"],
        ["4", "differences"],
    ]
    same = run_command("diff", "-n", "one", "one")
    assert (same.code, same.out) == (0, "No differences.\n")
    answer = run_command("compare", "one", "two", "--json").json
    assert (answer["same"], answer["left"]) == (False, str(two / "one"))
    assert answer["differences"][0] == {"kind": "changed", "name": "base-lib", "left": "2.0 h_0", "right": "1.0 h_0"}


def test_an_environment_and_files(two: Path, run_command: RunCommand, tmp_path: Path) -> None:
    for file in ("environment.yml", "conda-lock.yml", "explicit.txt", "requirements.txt"):
        run_command("export", "-n", "one", "--file", tmp_path / file)
        assert run_command("compare", "-n", "one", tmp_path / file).code == 0, file
        assert run_command("compare", "-n", "two", tmp_path / file).code == 1, file
    (tmp_path / "specs.txt").write_text("tool >=2\n")
    assert run_command("compare", "-n", "one", tmp_path / "specs.txt").out.split()[:5] == [
        "~",
        "tool",
        "1.0",
        "h_0",
        "→",
    ]


def test_what_can_not_be_compared(two: Path, run_command: RunCommand) -> None:
    assert run_command("compare", "one", "none").code == 1
    assert run_command("compare", "-n", "one", "none.yml").code == 1
    assert run_command("compare", "one", "two", "three").code == ExitCode.USAGE


def test_self_update_says_how(run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_command("self-update")
    assert done.code == 0
    assert "it does not replace itself" in done.out
    assert run_command("self-update", "--version", "0.2").code == 1
    prefix = tmp_path / "conda"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta/whipsnake-0.1.0-py_0.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(prefix))
    answer = run_command("self-update", "--version", "0.2", "--json").json
    assert answer["command"] == ["whipsnake", "install", "--prefix", str(prefix), "whipsnake=0.2"]
    assert answer["updated"] is False
