"""``--debug --print-config-only``: what a command would work with."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from engine.errors import ExitCode
from tests.commands.conftest import RunCommand

AID = ("--debug", "--print-config-only")


def test_words_files_and_places(run_command: RunCommand, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text("name: mine\nchannels: [b]\ndependencies: [c >1]\n")
    shown = yaml.safe_load(run_command("create", "a", "-f", file, "-c", "x", "--no-rc", *AID).out)
    assert shown["specs"] == ["a", "c >1"]
    assert shown["channels"] == ["x", "b"]
    assert (shown["spec_file_env_name"], shown["env_name"]) == ("mine", "")
    assert shown["target_prefix"] == f"{root}/envs/mine"
    assert shown["target_prefix_checks"] == 10
    assert not (root / "envs/mine").exists()
    shown = yaml.safe_load(run_command("install", "-n", "base", *AID).out)
    assert (shown["target_prefix"], shown["use_root_prefix_fallback"]) == (str(root), True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["create", "a", "--print-config-only"], ExitCode.USAGE),
        (["create", "a", *AID], ExitCode.USAGE),
        (["create", "-n", "a", "-p", "/b", *AID], ExitCode.USAGE),
        (["remove", "-n", "none", "a", *AID], 1),
    ],
)
def test_what_the_command_would_refuse(run_command: RunCommand, root: Path, words: list[str], code: int) -> None:
    root.mkdir()
    assert run_command(*words).code == code


def test_a_path_as_name_in_a_file(run_command: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "env.yaml").write_text("name: /some/path\ndependencies: []\n")
    assert run_command("create", "-n", "x", "-f", tmp_path / "env.yaml", *AID).code != 0
