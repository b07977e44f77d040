"""Those who solve: how each is told to say what it would install, its caches below one folder; what a plan holds."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Question:
    """What would be installed, from one channel, for one platform."""

    channel: str
    specs: tuple[str, ...]
    folder: Path
    """The contender's own: everything that it keeps is below it."""
    platform: str = "linux-64"


@dataclass(frozen=True)
class Solver:
    """A program: its command line and its environment variables for a question."""

    name: str
    command: Callable[[Question], list[str]]
    environment: Callable[[Question], Mapping[str, str]]


def _whipsnake(question: Question) -> list[str]:
    return [sys.executable, "-m", "cli", *_mamba_words(question)]


def _rattler(question: Question) -> list[str]:
    place = [question.channel, str(question.folder), question.platform]
    return [sys.executable, "-m", "perf.peer_solve", *place, *question.specs]


def _mamba_words(question: Question) -> list[str]:
    place = ["-r", str(question.folder / "root"), "-p", str(question.folder / "env")]
    source = ["--override-channels", "-c", question.channel, "--platform", question.platform]
    return ["create", "--dry-run", "--yes", *place, *source, *question.specs]


def _conda(program: str) -> Callable[[Question], list[str]]:
    def command(question: Question) -> list[str]:
        source = ["--override-channels", "-c", question.channel, "--platform", question.platform]
        return [program, "create", "--dry-run", "--yes", "-p", str(question.folder / "env"), *source, *question.specs]

    return command


def planned(output: str, names: Iterable[str]) -> dict[str, str]:
    """The versions of packages in a plan that was printed, whoever printed it: as ``name-version-build`` or in columns.

    Of what is said before the plan, lines that begin with something else are no part of it.
    """
    found: dict[str, str] = {}
    for name in names:
        line = re.search(rf"^[\s+]*{re.escape(name)}[-\s]+(\d[^\s-]*)", output, re.MULTILINE)
        if line:
            found[name] = line[1]
    return found


def _machine(question: Question) -> dict[str, str]:
    """The same machine for all, whichever this one is."""
    return {"CONDA_OVERRIDE_GLIBC": "2.39", "CONDA_OVERRIDE_LINUX": "6.1"}


def _conda_environment(question: Question) -> dict[str, str]:
    return {**_machine(question), "CONDA_PKGS_DIRS": str(question.folder / "pkgs")}


def solvers() -> list[Solver]:
    """Us, py-rattler, and each of the other programs that is on this machine. (pixi has no such question: it locks
    projects, by the same solver as py-rattler.)"""
    found = [Solver("whipsnake", _whipsnake, _machine), Solver("py-rattler", _rattler, _machine)]
    micromamba = shutil.which("micromamba")
    if micromamba:
        found.append(Solver("micromamba", lambda question: [micromamba, *_mamba_words(question)], _machine))
    for name in ("mamba", "conda"):
        program = shutil.which(name)
        if program:
            found.append(Solver(name, _conda(program), _conda_environment))
    return found
