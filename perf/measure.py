"""Runs a command to its end and says what it took: wall time, processor time, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One finished run. ``rss`` is the peak resident memory of the largest process in bytes."""

    seconds: float
    cpu_seconds: float
    rss: int
    output: str


class RunFailed(Exception):
    """The command ended with an exit code other than 0."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        self.code = code
        """Negative if the process was killed by a signal (-11: it crashed)."""
        super().__init__(f"{' '.join(command)} ended with exit code {code}:\n{output}")


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> Run:
    """Run once, with everything that the interpreter's start costs. Raises `RunFailed`."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=dict(env), cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise RunFailed(command, process.returncode, text)
    scale = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale, text)
