"""The process around a command: what is set for it is not set for those who call it from Python."""

from __future__ import annotations

import gc
import subprocess
import sys

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
