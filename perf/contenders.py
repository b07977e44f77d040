"""Those who do the job: how each is started and where it says how long its phases took."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One environment to make."""

    channel: str
    prefix: Path
    cache: Path
    specs: tuple[str, ...]


@dataclass(frozen=True)
class Contender:
    """A program: its command line for a job, and seconds by phase from what it printed."""

    name: str
    command: Callable[[Job], list[str]]
    phases: Callable[[str], dict[str, float]]


def _whipsnake(job: Job, *options: str) -> list[str]:
    place = ["-r", str(job.cache / "root"), "-p", str(job.prefix)]
    source = ["--override-channels", "-c", job.channel]
    return [sys.executable, "-m", "cli", "create", "--yes", "--json", *options, *place, *source, *job.specs]


def _whipsnake_phases(output: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(output).get("timings", {})
    return found


def _rattler(job: Job) -> list[str]:
    place = [job.channel, str(job.prefix), str(job.cache)]
    return [sys.executable, "-m", "perf.peer_rattler", *place, *job.specs]


def _rattler_phases(output: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return found


WHIPSNAKE = Contender("whipsnake", lambda job: _whipsnake(job, "--no-pyc"), _whipsnake_phases)
WHIPSNAKE_PYC = Contender("whipsnake, byte-compiling", _whipsnake, _whipsnake_phases)
RATTLER = Contender("py-rattler", _rattler, _rattler_phases)
EVERYONE = (WHIPSNAKE, RATTLER, WHIPSNAKE_PYC)
"""py-rattler does not byte-compile; so the first two do the same work, and the third is what users get."""
