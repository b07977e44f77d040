"""Those who do the job: how each is started, whether it is on this machine, and what it says of its phases.

Each contender has a command line (or several, joined by a shell) for each action of `perf.scenarios`; None means that
it has no such thing. All start with caches, prefix and configuration of their own, and are told the same.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

Action = Literal["create", "direct", "install", "remove"]


@dataclass(frozen=True)
class Job:
    """One thing to do with one environment."""

    action: Action
    channel: str
    prefix: Path
    cache: Path
    specs: tuple[str, ...]


@dataclass(frozen=True)
class Contender:
    """A program: its command line for a job, and seconds by phase from what it printed."""

    name: str
    command: Callable[[Job], list[str] | None]
    phases: Callable[[str], dict[str, float]] = lambda _: {}
    compiles: bool = False
    """Whether it byte-compiles ``noarch: python`` packages, as conda does."""


def _whipsnake(job: Job, *options: str) -> list[str]:
    action = "create" if job.action == "direct" else job.action
    extra = ["--no-cache"] if job.action == "direct" else []
    place = ["-r", str(job.cache / "root"), "-p", str(job.prefix)]
    source = [] if action == "remove" else ["--override-channels", "-c", job.channel, *options]
    return [sys.executable, "-m", "cli", action, "--yes", "--json", *extra, *place, *source, *job.specs]


def _whipsnake_phases(output: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(output).get("timings", {})
    return found


def _rattler(job: Job) -> list[str]:
    place = [job.channel, str(job.prefix), str(job.cache)]
    command = [sys.executable, "-m", "perf.peer_rattler", job.action, *place, *job.specs]
    return _in_turn(command, ["rm", "-rf", str(job.cache)]) if job.action == "direct" else command


def _rattler_phases(output: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return found


def _mamba(program: str) -> Callable[..., list[str]]:
    """micromamba, and mamba 2, which has the same command line."""

    def command(job: Job, *options: str) -> list[str]:
        root = ["-r", str(job.cache / "root")]
        action = "create" if job.action == "direct" else job.action
        source = [] if action == "remove" else ["--override-channels", "-c", job.channel, *options]
        main = [program, action, "--yes", "--no-rc", "--quiet", *root, "-p", str(job.prefix), *source, *job.specs]
        clean = ["env", f"MAMBA_ROOT_PREFIX={job.cache / 'root'}", program, "clean", "--yes", "-a", "-f"]
        return _in_turn(main, clean) if job.action == "direct" else main

    return command


def _conda(program: str) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        action = "create" if job.action == "direct" else job.action
        source = [] if action == "remove" else ["--override-channels", "-c", job.channel]
        env = ["env", f"CONDA_PKGS_DIRS={job.cache / 'pkgs'}"]
        main = [*env, program, action, "--yes", "--quiet", "-p", str(job.prefix), *source, *job.specs]
        return _in_turn(main, [*env, program, "clean", "--yes", "-a"]) if job.action == "direct" else main

    return command


def _in_turn(*commands: Sequence[str]) -> list[str]:
    return ["sh", "-c", " && ".join(shlex.join(command) for command in commands)]


WHIPSNAKE = Contender("whipsnake", _whipsnake, _whipsnake_phases, compiles=True)
WHIPSNAKE_PLAIN = Contender("whipsnake --no-pyc", lambda job: _whipsnake(job, "--no-pyc"), _whipsnake_phases)
RATTLER = Contender("py-rattler", _rattler, _rattler_phases)
"""It does not byte-compile: ``whipsnake --no-pyc`` does the same work."""


def everyone() -> tuple[Contender, ...]:
    """Ourselves, py-rattler, and every other program of the field on this machine."""
    return (WHIPSNAKE, WHIPSNAKE_PLAIN, RATTLER, *_others())


def _others() -> list[Contender]:
    found: list[Contender] = []
    for name in ("micromamba", "mamba"):
        if shutil.which(name):
            command = _mamba(name)
            found.append(Contender(name, command, compiles=True))
            plain = _without_pyc(command)
            found.append(Contender(f"{name} --no-pyc", plain))
    if shutil.which("conda"):
        found.append(Contender("conda", _conda("conda"), compiles=True))
    return found


def _without_pyc(command: Callable[..., list[str]]) -> Callable[[Job], list[str] | None]:
    def plain(job: Job) -> list[str] | None:
        return None if job.action == "remove" else command(job, "--no-pyc")

    return plain


def with_action(job: Job, action: Action, *specs: str) -> Job:
    """The same place, another thing to do."""
    return replace(job, action=action, specs=specs)
