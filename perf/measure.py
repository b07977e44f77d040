"""Runs a command to its end and says what it took: wall time, processor time, peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One finished run. ``rss`` is the peak resident memory of the largest process in bytes."""

    seconds: float
    cpu_seconds: float
    rss: int
    output: str
    stopped: bool = False
    """Whether it took longer than it was given: it would have taken more than this."""


class RunFailed(Exception):
    """The command ended with an exit code other than 0."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        self.code = code
        """Negative if the process was killed by a signal (-11: it crashed)."""
        super().__init__(f"{' '.join(command)} ended with exit code {code}:\n{output}")


def run(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, codes: Collection[int] = (0,), limit: float = inf
) -> Run:
    """Run once, with everything that the interpreter's start costs. Raises `RunFailed` for other exit codes.

    ``limit``: the seconds after which it is killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        told, printed = Path(folder, "told"), Path(folder, "printed")
        launcher = [sys.executable, "-I", "-S", __file__, str(told), str(printed), str(limit), *command]
        subprocess.run(launcher, env=dict(env), cwd=cwd, check=True)
        code, *numbers = json.loads(told.read_text())
        text = printed.read_text(errors="replace")
    stopped = numbers[0] >= limit
    if code not in codes and not stopped:
        raise RunFailed(command, code, text)
    return Run(*numbers, text, stopped)


def _launch(told: str, printed: str, limit: float, command: Sequence[str]) -> None:
    """Run the command from a small process: until a child becomes another program its memory is its parent's, and
    counts as its peak (Linux), so that whoever has much in memory can't measure those who have little."""
    with open(printed, "wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        killer = threading.Timer(min(limit, threading.TIMEOUT_MAX), process.kill)
        killer.daemon = True
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    killer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
    scale = 1 if sys.platform == "darwin" else 1024
    facts = [process.returncode, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale]
    with open(told, "w", encoding="utf-8") as out:
        json.dump(facts, out)


if __name__ == "__main__":
    _launch(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:])
