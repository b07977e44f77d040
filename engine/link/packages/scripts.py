"""Link scripts of packages (CEP 34 and CEP 32, "Pre- and post-link/unlink scripts").

They run with the directory of the script first on PATH and in the environment variables that the CEPs name. The
environment is not activated for them: they "MUST NOT depend on any installed packages". What they write to
``.messages.txt`` is shown and removed. ``post-unlink`` is deprecated and never run.

Scripts of a system that is not this one are named and left out: in an environment for Windows that is made on Linux
nothing could run them, and what a macOS script would do on Linux nobody has tried.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from engine.errors import ScriptError
from engine.events import Notice, Output, Report, WorkFinished, WorkStarted
from engine.flow import child, in_thread
from engine.link.request import LinkOptions, LinkRequest
from engine.model.platform import is_of_system, is_windows
from engine.model.records import PackageRecord

Action = Literal["pre-link", "post-link", "pre-unlink"]
MESSAGES = ".messages.txt"
_KEPT = 1 << 16
"""Bytes that are kept of what a script prints."""


class ScriptPlace(msgspec.Struct, frozen=True):
    """Where a script is and what it is told."""

    directory: str
    """The prefix, or the unpacked package, that holds the script."""
    prefix: str
    """What ``PREFIX`` says."""
    platform: str


def script_path(name: str, action: Action, platform: str) -> str:
    """Where a package keeps a script, relative to the prefix."""
    if is_windows(platform):
        return f"Scripts/.{name}-{action}.bat"
    return f"bin/.{name}-{action}.sh"


def has_script(place: ScriptPlace, name: str, action: Action) -> bool:
    """Whether there is such a script."""
    return os.path.isfile(os.path.join(place.directory, script_path(name, action, place.platform)))


async def run_script(
    place: ScriptPlace, record: PackageRecord, action: Action, options: LinkOptions, report: Report
) -> tuple[str, ...]:
    """Run a package's script if it has one; returns its messages. Raises `ScriptError` if it fails."""
    if not has_script(place, record.name, action):
        return ()
    if not options.run_link_scripts:
        report(Notice("info", f"The {action} script of {record.dist} was not run, as configured."))
        return ()
    path = os.path.join(place.directory, script_path(record.name, action, place.platform))
    if not is_of_system(place.platform, sys.platform):
        report(Notice("warning", f"The {action} script of {record.dist} was not run: it is for {place.platform}."))
        return ()
    report(WorkStarted("script", record.name))
    try:
        code, output = await _run(
            _command(path, place.platform, options.environ), script_env(place, record, path, options)
        )
    except OSError as error:
        raise ScriptError(
            f"Could not run the {action} script of {record.dist} ({path}): {error.strerror or error}"
        ) from error
    finally:
        messages = await in_thread(take_messages, place.prefix, record.name, report)
    report(WorkFinished("script", record.name))
    if code:
        raise _failed(action, record.dist, path, code, (*messages, *_last_lines(output)))
    return messages


async def _run(command: list[str], environ: dict[str, str]) -> tuple[int, bytes]:
    """Exit code and the end of what was printed."""
    output = b""
    async with child(
        command,
        env=environ,
        cwd=os.path.dirname(command[-1]),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    ) as process:
        if process.stdout is not None:
            async for chunk in process.stdout:
                output = (output + chunk)[-_KEPT:]
        return await process.wait(), output


def _last_lines(output: bytes) -> list[str]:
    return output.decode("utf-8", "replace").splitlines()[-40:]


def _failed(action: Action, dist: str, path: str, code: int, said: tuple[str, ...]) -> ScriptError:
    detail = "".join(f"\n    {line}" for line in said) or "\n    (it printed nothing)"
    return ScriptError(
        f"The {action} script of {dist} failed with exit code {code} ({path}):{detail}",
        hint="If the package works without it, set `skip_run_link_scripts: true` in the configuration.",
        data={"package": dist, "action": action, "exit_code": code, "output": list(said)},
    )


def _command(path: str, platform: str, environ: Mapping[str, str]) -> list[str]:
    if is_windows(platform):
        return [environ.get("COMSPEC", "cmd.exe"), "/d", "/c", path]
    from shutil import which  # with it come compressors, and hardly a package has a script

    search = environ.get("PATH", os.defpath)
    return [which("bash", path=search) or which("sh", path=search) or "/bin/sh", path]


def script_env(place: ScriptPlace, record: PackageRecord, path: str, options: LinkOptions) -> dict[str, str]:
    """The environment of a script."""
    search = options.environ.get("PATH", os.defpath)
    return {
        **options.environ,
        "ROOT_PREFIX": options.root_prefix,
        "PREFIX": place.prefix,
        "CONDA_PREFIX": place.prefix,
        "SOURCE_DIR": place.directory,
        "PKG_NAME": record.name,
        "PKG_VERSION": record.version,
        "PKG_BUILDNUM": str(record.build_number),
        "PATH": os.pathsep.join((os.path.dirname(path), search)),
    }


def take_messages(prefix: str, name: str, report: Report) -> tuple[str, ...]:
    """Show what a script left in ``.messages.txt``, and remove the file."""
    path = os.path.join(prefix, MESSAGES)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = tuple(file.read().splitlines())
        os.unlink(path)
    except OSError:  # nearly always: there is none
        return ()
    for line in lines:
        report(Output(name, line))
    return lines


async def pre_unlink(request: LinkRequest, removed: Sequence[PackageRecord], report: Report) -> list[str]:
    """Run the scripts of packages that go; failures are warnings: they shall go in any case (as conda has it)."""
    place = ScriptPlace(request.prefix, request.prefix, request.platform)
    messages: list[str] = []
    for record in removed:
        try:
            messages += await run_script(place, record, "pre-unlink", request.options, report)
        except ScriptError as error:
            report(Notice("warning", error.message))
    return messages
