"""Who we are, and which shell called us."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from engine.shell.program import executable, find_program, function_name, guess_shell, parent_name
from tests.shell.sessions import make_executable


def test_the_executable_by_path_and_by_name(tmp_path: Path) -> None:
    path = make_executable(tmp_path)
    assert executable(str(path), {}) == str(path)
    assert executable("whipsnake", {"PATH": f"/nowhere:{tmp_path}"}) == str(path)
    link = tmp_path / "micromamba"
    link.symlink_to(path)
    assert executable(str(link), {}) == str(link)


def test_a_script_that_can_not_be_started_is_not_it(tmp_path: Path) -> None:
    script = tmp_path / "cli.py"
    script.touch()
    beside = os.path.join(os.path.dirname(sys.executable), "whipsnake")
    if os.access(beside, os.X_OK):
        assert executable(str(script), {}) == beside
    else:
        path = make_executable(tmp_path)
        assert executable(str(script), {"PATH": str(tmp_path)}) == str(path)


def test_on_windows_a_program_has_an_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher of a console script takes its own away from argv[0], and a script is no program."""
    for name in ("tool", "tool.exe", "cli.py", "whipsnake.exe"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setattr(sys, "platform", "win32")
    assert find_program("tool", str(tmp_path)) == str(tmp_path / "tool.exe")
    assert executable(str(tmp_path / "tool"), {}) == str(tmp_path / "tool.exe")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python.exe"))
    assert executable(str(tmp_path / "cli.py"), {}) == str(tmp_path / "whipsnake.exe")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/bin/whipsnake", "whipsnake"),
        ("C:\\tools\\micromamba.exe", "micromamba"),
        ("/opt/mamba-2.0", "whipsnake"),
        ("/opt/$(id)", "whipsnake"),
        ("/opt/mamba.py", "mamba"),
    ],
)
def test_function_names_are_plain_words(path: str, name: str) -> None:
    assert function_name(path) == name


def test_finding_programs(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "tool").touch()
    assert find_program("one", str(tmp_path)) is None
    assert find_program("tool", str(tmp_path)) is None
    (tmp_path / "tool").chmod(0o755)
    assert find_program("tool", f"/nowhere:{tmp_path}") == str(tmp_path / "tool")


@pytest.mark.parametrize(
    ("parent", "variable", "expected"),
    [
        ("bash", "/bin/zsh", "bash"),
        ("-zsh", "", "zsh"),
        ("/bin/tcsh", "", "tcsh"),
        ("python3.12", "/usr/bin/fish", "fish"),
        ("sh", "/bin/bash", "bash"),
        ("pwsh.exe", "", "pwsh"),
        ("cmd.exe", "", "cmd.exe"),
        ("make", "", None),
        ("", "/bin/false", None),
    ],
)
def test_guessing_the_shell(parent: str, variable: str, expected: str | None) -> None:
    assert guess_shell({"SHELL": variable}, parent) == expected


def test_the_parent_has_a_name() -> None:
    assert parent_name()
