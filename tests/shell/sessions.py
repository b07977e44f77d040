"""Real shells for the tests: whether they are there, and how a script runs in one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

COMMANDS: dict[str, list[str]] = {
    "bash": ["bash", "--norc", "--noprofile"],
    "zsh": ["zsh", "-f"],
    "dash": ["dash"],
    "fish": ["fish", "--no-config"],
    "tcsh": ["tcsh", "-f"],
    "xonsh": ["xonsh", "--no-rc"],
    "nu": ["nu", "--no-config-file"],
}
POSIX = ("bash", "zsh", "dash")


def need(shell: str) -> list[str]:
    """The command line of ``shell``, or a skipped test."""
    command = COMMANDS[shell]
    found = shutil.which(command[0])
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return [found, *command[1:]]


def run_script(
    shell: str, code: str, directory: Path, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """Run ``code`` from a file in a clean ``shell``."""
    script = directory / f"script.{shell}"
    script.write_bytes(os.fsencode(code))
    return subprocess.run(
        [*need(shell), str(script)], env=dict(environ), cwd=directory, capture_output=True, timeout=60, check=False
    )


def make_executable(directory: Path, name: str = "whipsnake") -> Path:
    """A console script called ``name``."""
    path = directory / name
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom cli import main\nsys.exit(main())\n"
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)
    return path


def whipsnake(
    words: Sequence[str], environ: Mapping[str, str], **options: object
) -> subprocess.CompletedProcess[bytes]:
    """Run the program itself."""
    command = [sys.executable, str(ROOT / "cli.py"), *words]
    return subprocess.run(command, env=dict(environ), capture_output=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def make_environment(prefix: Path, *, scripts: bool = False, variables: str | None = None) -> Path:
    """An empty environment; ``scripts`` leave their traces in TRACE, ``variables`` is the JSON of a package."""
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    (prefix / "bin").mkdir()
    if scripts:
        for kind in ("activate", "deactivate"):
            directory = prefix / "etc" / "conda" / f"{kind}.d"
            directory.mkdir(parents=True)
            for number in (1, 2):
                (directory / f"{number}.sh").write_text(f'export TRACE="${{TRACE:-}} {kind}-{prefix.name}-{number}"\n')
                (directory / f"{number}.fish").write_text(f'set -gx TRACE "$TRACE {kind}-{prefix.name}-{number}"\n')
    if variables is not None:
        directory = prefix / "etc" / "conda" / "env_vars.d"
        directory.mkdir(parents=True)
        (directory / "package.json").write_text(variables)
    return prefix
