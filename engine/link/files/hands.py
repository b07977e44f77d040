"""Who makes the links: a worker thread itself, or a small process of its own that does nothing else.

Between two system calls a thread needs the interpreter's lock, which the planning of the next package holds; a process
does not. Rule: whoever does it, the result is that of `engine.link.files.batch`. A process is started when the first
job that is worth it comes, one for each worker thread at most, and they end with `close`, or with us.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import threading
from collections.abc import Iterator
from itertools import chain

from engine.errors import LinkError
from engine.link.files import batch
from engine.system.process import can_help, home, spawn

WORTH = 100
"""Files of a job from which on handing it over pays."""
_SPECIAL = 5


class Hands:
    """The processes of one prefix. Serves many threads; make one, `close` it."""

    def __init__(self, processes: int) -> None:
        """At most ``processes`` are started; with none, every thread works for itself."""
        self._left = processes if can_help() else 0
        self._idle: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()

    def carry_out(self, job: batch.Job) -> batch.Result:
        """Do a job. Raises `LinkError` if a process died over it."""
        process = self._take() if _size(job) >= WORTH else None
        if process is None:
            return batch.carry_out(job)
        result = _ask(process, job)
        with self._lock:
            self._idle.append(process)
        return result

    def _take(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if not self._left:
                return None
            self._left -= 1
            process = spawn(batch.__file__, home())
            if process is None:
                self._left = 0
            else:
                self._all.append(process)
            return process

    def close(self) -> None:
        """End the processes; what they were doing is given up."""
        with self._lock:
            self._left = 0
            for process in self._all:
                process.kill()
                process.communicate()
            self._all.clear()
            self._idle.clear()


def _size(job: batch.Job) -> int:
    """How many files it makes; those that have to be read and written count for some."""
    return sum(len(files[2]) for files in _files(job)) + _SPECIAL * sum(map(len, job[2][2]))


def _files(job: batch.Job) -> Iterator[batch.Files]:
    return (files for parts in job[1] for _, groups in parts for files in groups)


def _place(job: batch.Job) -> str:
    """A directory that it links into."""
    specials = (os.path.dirname(special[2]) for some in job[2][2] for special in some)
    return next(chain((files[1] for files in _files(job)), specials, job[0]), "the environment")


def _ask(process: subprocess.Popen[bytes], job: batch.Job) -> batch.Result:
    try:
        if process.stdin is None or process.stdout is None:
            raise EOFError
        text = marshal.dumps(job)
        process.stdin.write(len(text).to_bytes(8, "big") + text)
        process.stdin.flush()
        size = int.from_bytes(process.stdout.read(8), "big")
        result: batch.Result = marshal.loads(process.stdout.read(size))
    except (EOFError, OSError, ValueError, TypeError) as error:
        raise LinkError(
            f"Could not link into {_place(job)}: the process that makes the links ended unexpectedly",
            hint="Try again; if it stays so, `link_threads: 1` does without such processes.",
        ) from error
    return result
