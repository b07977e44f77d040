"""The process around a command: what is set for it is not set for those who call it from Python."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

import cli

PROGRAM = """
import gc, sys
before, frozen = gc.get_threshold(), gc.get_freeze_count()  # Python 3.12 begins with some frozen objects
sys.argv = ["whipsnake", *sys.argv[1:]]
import cli
try:
    code = cli.main()
except SystemExit as left:
    code = left.code
print("frozen" if gc.get_freeze_count() > frozen + 100 else "as usual", gc.get_threshold() == before, int(code or 0))
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["info"], "frozen False 0"), (["--version"], "as usual True 0"), (["nonsense"], "frozen False 2")],
)
def test_a_process_of_its_own_collects_garbage_seldom(words: list[str], expected: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == expected, done.stderr


def test_a_caller_keeps_its_collector(capsys: pytest.CaptureFixture[str]) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    assert cli.main(["info"]) == 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
    assert capsys.readouterr().out


@pytest.mark.skipif(sys.version_info < (3, 11), reason="typing lacks what msgspec wants")
def test_a_short_command_does_without_typing_extensions(tmp_path: Path) -> None:
    code = "import sys, cli\ncli.main()\nprint('typing_extensions' in sys.modules)\nimport typing_extensions"
    command = [sys.executable, "-c", code, "ps"]
    ran = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(cli.__file__).parent, env={"HOME": str(tmp_path)}, check=False
    )
    assert (ran.stdout, ran.stderr) == ("No running processes\nFalse\n", "")


def test_ctrl_c_while_the_program_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_import_msgspec", interrupted)
    monkeypatch.setattr("sys.argv", ["whipsnake", "list"])
    assert cli.main() == 130
    assert capsys.readouterr().err == "error: Interrupted.\n"
