"""Running a program as on Windows: as a child that is waited for. (The programs here are this system's.)"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from engine.shell.run import CommandNotExecutable, CommandNotFound, RunRequest, execute
from engine.shell.run_windows import call

ENVIRON = {"PATH": os.environ["PATH"]}
NOTHING: frozenset[str] = frozenset()
posix = pytest.mark.skipif(sys.platform == "win32", reason="sh stands in for cmd.exe")


def test_the_exit_code_is_the_programs() -> None:
    assert call([sys.executable, "-c", "import sys; sys.exit(7)"], ENVIRON, "", NOTHING) == 7


def test_streams_that_are_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(len(sys.stdin.read()))"
    assert call([sys.executable, "-c", code], ENVIRON, "", frozenset({"stdin", "stdout"})) == 0
    assert capfd.readouterr() == ("", "err\n")


@posix
def test_scripts_run_in_a_batch_file_around_it(tmp_path: Path) -> None:
    shell = tmp_path / "cmd"
    shell.write_text(f'#!/bin/sh\necho "$1 $2" > {tmp_path}/said\ncat "$3" >> {tmp_path}/said\nexit 5\n')
    shell.chmod(0o755)
    argv = ["tool.exe", "two words", "100%", 'a"b', "a&b", "c|d\\", 'e" & f', ""]
    assert call(argv, {**ENVIRON, "COMSPEC": str(shell)}, '@SET "A=é"\n', NOTHING) == 5
    assert (tmp_path / "said").read_text().split("\n") == [
        "/D /C",
        "@chcp 65001 > NUL",
        '@SET "A=é"',
        '@tool.exe "two words" 100%% a\\^"b "a&b" "c|d\\\\" ^"e\\^" ^& f^" ""',
        "",
    ]


@posix
def test_an_interrupt_is_the_programs_business() -> None:
    before = signal.getsignal(signal.SIGINT)
    code = "import os, signal, sys; os.kill(os.getppid(), signal.SIGINT); sys.exit(3)"
    assert call([sys.executable, "-c", code], ENVIRON, "", NOTHING) == 3
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("name", "code"), [("no-such-program", 127), ("text", 126)])
def test_what_can_not_be_started_is_an_error_for_people(name: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\x7fELF, but not really")
    (tmp_path / "text").chmod(0o755)
    environ = {"PATH": str(tmp_path)}
    (tmp_path / "env/conda-meta").mkdir(parents=True)
    request = RunRequest(str(tmp_path / "env"), [str(tmp_path / name)], str(tmp_path), environ, windows=True)
    with pytest.raises((CommandNotFound, CommandNotExecutable)) as caught:
        execute(request, pytest.fail)
    assert caught.value.exit_code == code
