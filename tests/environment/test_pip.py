"""`engine.environment.pip`: the pip part of a file; a program in place of the environment's Python says what it was
told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.environment.pip import PipError, PipRequest, install_requirements, installer_command
from engine.events import Event, Output, PhaseFinished

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")]

SCRIPT = """#!/bin/sh
echo "args: $1 $2 $3 $4"
cat "$5"
echo "where: $PWD user site: $PYTHONNOUSERSITE leak:$PYTHONPATH"
printf 'no newline at the end'
exit {code}
"""


def request(tmp_path: Path, code: int = 0) -> PipRequest:
    python = tmp_path / "env/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(SCRIPT.format(code=code))
    python.chmod(0o755)
    return PipRequest(
        prefix=str(tmp_path / "env"),
        requirements=("rich>=13", "-e ./mine"),
        directory=str(tmp_path),
        environ={"PATH": "/usr/bin:/bin", "PYTHONPATH": "/leak"},
    )


async def test_everything_that_is_printed_is_passed_on(tmp_path: Path) -> None:
    events: list[Event] = []
    await install_requirements(request(tmp_path), events.append)
    lines = [event.line for event in events if isinstance(event, Output)]
    assert lines == [
        "args: -m pip install -r",
        "rich>=13",
        "-e ./mine",
        f"where: {tmp_path} user site: 1 leak:",
        "no newline at the end",
    ]
    assert isinstance(events[-1], PhaseFinished)
    assert events[-1].items == 2


async def test_a_failure_shows_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(PipError, match="exited with 3") as caught:
        await install_requirements(request(tmp_path, code=3), lambda event: None)
    assert "no newline at the end" in caught.value.message


async def test_no_installer(tmp_path: Path) -> None:
    with pytest.raises(PipError, match="Could not start") as caught:
        await install_requirements(
            PipRequest(prefix=str(tmp_path / "none"), requirements=("x",), directory=str(tmp_path), environ={}),
            lambda event: None,
        )
    assert "pip" in (caught.value.hint or "")


async def test_uv_is_told_which_python() -> None:
    asked = PipRequest(prefix="/e", requirements=(), directory="/", environ={}, use_uv=True, update=True)
    assert installer_command(asked, "r.txt") == [
        "uv",
        "pip",
        "install",
        "-U",
        "--python",
        "/e/bin/python",
        "-r",
        "r.txt",
    ]
