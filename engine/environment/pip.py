"""The ``pip:`` part of an environment file: requirements that the environment's own pip (or uv) installs.

Rule of this file: it starts the installer, passes on every line that it prints, and turns its failure into an
error. What becomes of the environment then is the caller's business.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import aiofiles
import msgspec
from anyio.abc import ByteReceiveStream
from anyio.streams.text import TextReceiveStream

from engine.errors import LinkError
from engine.events import Output, Phase, PhaseFinished, PhaseStarted, Report
from engine.flow import child
from engine.model.platform import is_windows, python_executable, scripts_dir

_LEAKS = ("PYTHONPATH", "PYTHONHOME", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
"""Variables of the caller that would make pip install somewhere else."""


class PipRequest(msgspec.Struct, frozen=True):
    """What is to be installed, and where."""

    prefix: str
    requirements: tuple[str, ...]
    directory: str
    """Relative paths in the requirements are relative to this (the directory of the environment file)."""
    environ: Mapping[str, str]
    platform: str = "noarch"
    """Decides where programs are; only Windows has them elsewhere."""
    use_uv: bool = False
    no_deps: bool = False
    """Whether the requirements are all that is needed: a lock file lists everything."""
    update: bool = False


class PipError(LinkError):
    """The installer of the ``pip:`` part failed."""


async def install_requirements(request: PipRequest, report: Report) -> None:
    """Install them. Raises `PipError` with the last lines that were printed."""
    report(PhaseStarted(Phase.PIP, items=len(request.requirements)))
    began = time.monotonic()
    handle, path = tempfile.mkstemp(prefix="whipsnake-requirements-", suffix=".txt")  # nobody else may read it
    os.close(handle)
    try:
        async with aiofiles.open(path, "w", encoding="utf-8") as file:
            await file.writelines(f"{line}\n" for line in request.requirements)
        await _run(installer_command(request, path), request, report)
    finally:
        with suppress(OSError):
            os.unlink(path)
    report(PhaseFinished(Phase.PIP, time.monotonic() - began, items=len(request.requirements)))


def installer_command(request: PipRequest, path: str) -> Sequence[str]:
    """The command line, as micromamba builds it (its `install_for_other_pkgmgr`)."""
    python = os.path.join(request.prefix, *python_executable(request.platform).split("/"))
    upgrade = [*(["-U"] if request.update else []), *(["--no-deps"] if request.no_deps else [])]
    if not request.use_uv:
        return [python, "-m", "pip", "install", *upgrade, "-r", path, "--no-input"]
    uv = os.path.join(request.prefix, scripts_dir(request.platform), "uv.exe" if is_windows(request.platform) else "uv")
    return [uv if os.path.exists(uv) else "uv", "pip", "install", *upgrade, "--python", python, "-r", path]


async def _run(command: Sequence[str], request: PipRequest, report: Report) -> None:
    environ = {key: value for key, value in request.environ.items() if key not in _LEAKS}
    scripts = os.path.join(request.prefix, scripts_dir(request.platform))
    path = os.pathsep.join(filter(None, (scripts, environ.get("PATH"))))
    environ.update(PYTHONNOUSERSITE="1", CONDA_PREFIX=request.prefix, PYTHONIOENCODING="utf-8", PATH=path)
    last: list[str] = []
    try:
        async with child(command, cwd=request.directory, env=environ, stderr=subprocess.STDOUT) as process:
            if process.stdout is not None:
                await _pass_on(process.stdout, "uv" if request.use_uv else "pip", report, last)
            code = await process.wait()
    except OSError as error:
        raise PipError(
            f"Could not start {command[0]} to install the pip part: {error.strerror}",
            hint="Is `pip` (or, with --use-uv, `uv`) among the dependencies of the environment?",
        ) from error
    if code != 0:
        detail = "\n".join(f"    {line}" for line in last[-20:])
        raise PipError(
            f"Installing the pip part of the environment failed: {' '.join(command)} exited with {code}.\n{detail}",
            data={"returncode": code, "output": list(last)},
        )


async def _pass_on(stream: ByteReceiveStream, source: str, report: Report, last: list[str]) -> None:
    rest = ""
    async for text in TextReceiveStream(stream, errors="replace"):
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            report(Output(source, line.rstrip()))
            last.append(line.rstrip())
        del last[:-40]
    if rest:
        report(Output(source, rest))
        last.append(rest)
