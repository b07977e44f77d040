"""Processes of our own that work for the threads of this one: started, given jobs, heard out, ended.

Between two system calls a thread needs the interpreter's lock, and gets it late where others compute; a process does
not. Rule of this file: what a job is, is for others. A helper that dies is an error of who waits for its answer, and of
nobody else; helpers end with `Helpers.close`, or with us.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from engine.errors import CacheError
from engine.system.helper import WIDTH, Failed, framed
from engine.system.process import home, spawn

_PATIENCE = 0.05
"""Seconds between two looks whether we are to stop."""
_HINT = "Were they killed, or out of memory? If it stays so, `extract_threads: 1` does without such processes."


class Helper:
    """One process. After its death nothing that is told reaches anybody, and its answer is None."""

    def __init__(self, process: subprocess.Popen[bytes], answers: msgspec.msgpack.Decoder[Any]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process, self._decoder = process, answers
        self._input, self._output = process.stdin.fileno(), process.stdout
        self._news = select.poll()
        self._news.register(self._output, select.POLLIN)

    def give(self, job: object, more: bytes = b"") -> None:
        """A job, and what is said of it at once in its own protocol."""
        self.tell(framed(job) + more)

    def tell(self, data: bytes) -> None:
        """Something of a job's own protocol."""
        try:
            while data:
                data = data[os.write(self._input, data) :]
        except BrokenPipeError:
            return  # it died; whoever asks for its answer will see

    def has_answered(self, wait: float = 0) -> bool:
        """Whether there is an answer, or will be after so many seconds."""
        return bool(self._news.poll(wait * 1000))

    def answer(self) -> Any:
        """Its answer; None if it died."""
        head = self._output.read(WIDTH)
        size = int.from_bytes(head, "big")
        data = self._output.read(size)
        return self._decoder.decode(data) if len(head) == WIDTH and len(data) == size else None

    def end(self) -> None:
        """Let it go."""
        with self.process:
            self.process.kill()


class Helpers:
    """A few processes for many threads. Make one, `close` it."""

    def __init__(self, module: str, answer: Any, processes: int) -> None:
        """Start that many, or as many as can be had: programs that call ``main`` of ``module``, and answer with the
        type ``answer`` or `Failed`. Blocks for some milliseconds."""
        self._changed = threading.Condition()
        self._idle: list[Helper] = []
        self._count = 0
        decoder = msgspec.msgpack.Decoder(answer | Failed)
        while self._count < processes and (process := _started(module)) is not None:
            self._idle.append(Helper(process, decoder))
            self._count += 1
        self.all = tuple(self._idle)

    def __len__(self) -> int:
        """How many there are, at work or not."""
        return self._count

    def take_idle(self) -> Helper | None:
        """One that has nothing to do, if there is one."""
        with self._changed:
            return self._idle.pop() if self._idle else None

    def take(self, checkpoint: Callable[[], None] | None = None) -> Helper:
        """One that has nothing to do, as soon as there is one. Raises `CacheError` if all have died.

        ``checkpoint`` is called often and may raise to stop.
        """
        with self._changed:
            while not self._idle:
                if checkpoint is not None:
                    checkpoint()  # first: who stops may have killed them all
                if not self._count:
                    raise CacheError("Could not unpack any more: all helper processes ended unexpectedly", hint=_HINT)
                self._changed.wait(None if checkpoint is None else _PATIENCE)
            return self._idle.pop()

    def wait_for(self, helper: Helper, checkpoint: Callable[[], None]) -> None:
        """Until a helper answers. ``checkpoint`` is called often; if it raises, the helper is killed, and has ended."""
        try:
            while not helper.has_answered(_PATIENCE):
                checkpoint()
        except BaseException:
            helper.process.kill()
            self.give_back(helper)
            helper.process.wait()
            raise

    def outcome(self, helper: Helper, doing: str) -> Any:
        """The answer of a helper, which is free then. Raises the error that it tells of; if it died, `CacheError`."""
        answer = self.give_back(helper)
        if answer is None:
            raise CacheError(f"Could not {doing}: the process that unpacks ended unexpectedly", hint=_HINT)
        if isinstance(answer, Failed):
            raise answer.failure.error()
        return answer

    def give_back(self, helper: Helper) -> Any:
        """Wait for the answer of a helper, which is free then; None if it died."""
        answer = helper.answer()
        with self._changed:
            if answer is None:
                self._count -= 1
            else:
                self._idle.append(helper)
            self._changed.notify_all()
        return answer

    def close(self) -> None:
        """End the processes. None is at work any more: their threads have heard them out."""
        with self._changed:
            self._idle.clear()
        for helper in self.all:
            helper.end()


def _started(module: str) -> subprocess.Popen[bytes] | None:
    """A new process that finds what we found."""
    return spawn("-c", f"import sys; sys.path[:] = {[home(), *sys.path]!r}; from {module} import main; main()")
