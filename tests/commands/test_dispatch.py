"""`engine.commands.dispatch`: words → command → exit code; every mistake has one message."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from engine.commands import COMMANDS, dispatch
from engine.errors import ExitCode
from engine.ui.out import Out
from engine.version import MICROMAMBA_VERSION, __version__


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("name", ["/opt/x/micromamba", "mamba", "C:\\\\bin\\\\micromamba.EXE"])
def test_under_the_name_of_micromamba_its_version_is_told(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tools ask for a minimum: 1.0, or 0.17."""
    monkeypatch.setattr(sys, "argv", [name])
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"{MICROMAMBA_VERSION}\n"
    assert cli.main(["--json", "--version"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == MICROMAMBA_VERSION
    assert cli.main(["info", "--json", "--no-rc"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["micromamba version"] == MICROMAMBA_VERSION
    assert info["whipsnake version"] == __version__


def test_version_imports_no_event_loop_and_no_network() -> None:
    code = "import sys, cli; cli.main(['--version']); print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "aiohttp", "anyio", "msgspec", "argparse", "pycosat", "rich", "yaml"} & set(modules)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_overview_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name, command in COMMANDS.items() if command.help)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["creat"], "whipsnake has no command 'creat'.", "Did you mean `whipsnake create`?"),
        (["env", "lst"], "whipsnake has no command 'env lst'.", "There are: env list, env create, env "),
        (["create", "--nonsense"], "unrecognized arguments: --nonsense", "`whipsnake create --help`"),
        (["--nonsense"], "unrecognized arguments: --nonsense", "--help"),
        (["create", "--channel-priority", "odd"], "invalid choice: 'odd'", "--help"),
        (["create", "--strict-channel-priority", "--no-channel-priority"], "'disabled', but 'strict' was", "--help"),
    ],
)
def test_usage_errors(words: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert hint in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("value", ["²", "9" * 5000])
@pytest.mark.parametrize("name", ["COLUMNS", "CONDA_SHLVL"])
def test_variables_that_are_no_numbers(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert cli.main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["conda_shlvl"] == -1


def test_options_alone_are_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["env", "--json", "-n", "x"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["success"] is True
    assert "env list" in answer["commands"]
    assert cli.main(["--json"]) == 0
    assert "create" in json.loads(capsys.readouterr().out)["commands"]
    assert cli.main(["env", "--jsn"]) == ExitCode.USAGE


@pytest.mark.parametrize("words", [["env"], ["env", "-h"], ["env", "--help"], ["help", "env"], ["env", "-r", "/x"]])
def test_a_group_explains_itself(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    shown = capsys.readouterr().out
    assert "env create" in shown
    assert "clean" not in shown


def test_help_is_a_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help"]) == 0
    assert "  clean " in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        cli.main(["help", "create"])
    assert caught.value.code == 0
    assert "usage: whipsnake create" in capsys.readouterr().out
    assert cli.main(["help", "creat"]) == ExitCode.USAGE
    assert cli.main(["creat", "--help"]) == ExitCode.USAGE


def test_a_usage_error_is_an_object_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["create", "--json", "--nonsense"]) == ExitCode.USAGE
    answer = json.loads(capsys.readouterr().out)
    assert answer["success"] is False
    assert answer["exception_name"] == "UsageError"


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        (["list", "-p", "x"], "list", ["-p", "x"]),
        (["env", "list"], "env list", []),
        (["env", "--json", "list", "-q"], "env list", ["--json", "-q"]),
        (["env", "-n", "list", "export", "-e"], "env export", ["-n", "list", "-e"]),
        (["run", "-n", "x", "env", "list"], "run", ["-n", "x", "env", "list"]),
        (["uninstall", "x"], "remove", ["x"]),
    ],
)
def test_command_names(words: list[str], name: str, rest: list[str]) -> None:
    assert dispatch.command_name(words) == (name, rest)


def test_options_may_stand_before_the_command() -> None:
    assert dispatch.split_leading(["-r", "ROOT", "--json", "list", "-p", "x"]) == (
        ["-r", "ROOT", "--json"],
        ["list", "-p", "x"],
    )


@pytest.mark.parametrize(
    ("words", "leading", "rest"),
    [
        (["--rc-file", "A", "B", "config", "list"], ["--rc-file=A", "--rc-file=B"], ["config", "list"]),
        (["--rc-file", "none", "--json", "remove", "A"], ["--rc-file=none", "--json"], ["remove", "A"]),
        (["--rc-file=A", "env", "list"], ["--rc-file=A"], ["env", "list"]),
        (["run", "x", "--rc-file", "A", "B"], [], ["run", "x", "--rc-file", "A", "B"]),
    ],
)
def test_files_before_the_command(
    words: list[str], leading: list[str], rest: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "AB":
        (tmp_path / name).touch()
    assert dispatch.split_leading(words) == (leading, rest)


def test_a_fault_of_ours_is_owned_up_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(words: list[str], out: Out) -> int:
        raise ZeroDivisionError("https://me:secret@host/")

    monkeypatch.setattr(dispatch, "_run_command", fail)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert cli.main(["list"]) == ExitCode.BUG
    shown = capsys.readouterr().err
    assert "whipsnake has a fault: ZeroDivisionError: https://me:*****@host/" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MemoryError(), "There is not enough memory"),
        (OSError(errno.ENOMEM, ""), "There is not enough memory"),
        (RuntimeError("can't start new thread"), "The system allows no more threads"),
        (OSError(errno.EMFILE, "", "/engine/module.py"), "There are too many open files"),
    ],
)
def test_what_the_system_refuses_is_no_fault_of_ours(
    error: Exception, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(words: list[str], out: Out) -> int:
        raise error

    monkeypatch.setattr(dispatch, "_run_command", refused)
    assert cli.main(["list"]) == ExitCode.FAILURE
    shown = capsys.readouterr().err
    assert shown.startswith(f"error: {text}\n  hint: ") and "fault" not in shown


def test_help_shows_both_sides_of_a_switch(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["create", "--help"])
    shown = capsys.readouterr().out
    assert "--no-pyc" in shown
    assert "the opposite of --pyc" in shown


@pytest.mark.parametrize(
    ("called", "name"), [("micromamba", "micromamba"), ("whipsnake", "whipsnake"), ("x", "whipsnake")]
)
def test_advice_calls_us_as_we_were_called(
    called: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Where a link called micromamba stands for us, there may be nothing else to type."""
    monkeypatch.setattr(sys, "argv", [f"/usr/bin/{called}"])
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(tmp_path))
    assert cli.main(["list", "-n", "nope"]) == 1
    assert f"hint: `{name} env list` shows" in capsys.readouterr().err
    assert cli.main(["list", "-n", "nope", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["hint"].startswith(f"`{name} env list`")
    assert cli.main(["create", "-n", "new", "-y"]) == 0
    assert f"    {name} activate new" in capsys.readouterr().out
