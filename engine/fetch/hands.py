"""The processes that unpack (`engine.fetch.hand`), seen from the threads that download.

Rule of this file: a thread writes what arrives into a file, as it would without them, and meanwhile some process reads
it there. Where all are busy the bytes wait in that file; nobody waits for a process before all of them are there. The
processes end with `close`, or with us.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterable

import engine
from engine.errors import CacheError
from engine.fetch.hand import ANSWERS, BROKEN, COMPLETE, WIDTH, Done, Failed, Job, framed
from engine.fetch.unpack import Unpacked

_STEP = 1 << 18
"""Bytes of news that are worth waking a process for."""
_HINT = "Were they killed, or out of memory? If it stays so, `extract_threads: 1` does without such processes."


class Hands:
    """A few processes for many threads. Make one, `close` it."""

    def __init__(self, processes: int) -> None:
        """Start that many, or as many as can be had. Blocks for some milliseconds."""
        self._changed = threading.Condition()
        self._idle: list[_Process] = []
        self._count = 0
        while self._count < processes and (process := _start()) is not None:
            self._idle.append(process)
            self._count += 1
        self._all = tuple(self._idle)

    def __len__(self) -> int:
        """How many there are, at work or not."""
        return self._count

    def unpack_file(self, job: Job) -> Unpacked:
        """Have an archive unpacked that is all there. Raises what `engine.fetch.unpack.unpack_file` does."""
        process = self._take()
        process.begin(job)
        process.tell(COMPLETE)
        return self._end(process, job)

    def unpack_arriving(self, job: Job, pieces: Iterable[bytes]) -> Unpacked:
        """Have an archive unpacked while ``pieces``, all of them, get into its file.

        Raises what ``pieces`` raises, and what `engine.fetch.unpack.unpack_stream` does.
        """
        process = None
        there = told = 0
        try:
            for piece in pieces:
                there += len(piece)
                if process is None and (process := self._take_idle()) is not None:
                    process.begin(job)
                if process is not None and there - told >= _STEP:
                    if process.has_answered():
                        break  # it won't come to a good end
                    process.tell(there)
                    told = there
        except BaseException:
            if process is not None:
                self._give_up(process, job)
            raise
        if process is None:
            process = self._take()
            process.begin(job)
        process.tell(there)
        process.tell(COMPLETE)
        return self._end(process, job)

    def _end(self, process: _Process, job: Job) -> Unpacked:
        """The answer of a process, which is free then. Raises the error that it tells of."""
        answer = process.answer()
        self._give_back(process, answer is not None)
        if answer is None:
            raise CacheError(
                f"Could not unpack {job.record.fn}: the process that unpacks ended unexpectedly",
                hint=_HINT,
            )
        if isinstance(answer, Failed):
            raise answer.error()
        return answer.unpacked

    def _give_up(self, process: _Process, job: Job) -> None:
        """Wait until a process has cleaned up after itself."""
        process.tell(BROKEN)
        self._give_back(process, process.answer() is not None)

    def _take_idle(self) -> _Process | None:
        with self._changed:
            return self._idle.pop() if self._idle else None

    def _take(self) -> _Process:
        with self._changed:
            while not self._idle:
                if not self._count:
                    raise CacheError(
                        "Could not unpack any more: all processes that unpack ended unexpectedly", hint=_HINT
                    )
                self._changed.wait()
            return self._idle.pop()

    def _give_back(self, process: _Process, works: bool) -> None:
        with self._changed:
            if works:
                self._idle.append(process)
            else:
                self._count -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the processes. None is at work any more: their threads have heard them out."""
        with self._changed:
            self._idle.clear()
        for process in self._all:
            process.end()


class _Process:
    """One of them. After its end nothing that is told reaches anybody, and its answer is None."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process, self._told, self._answers = process, process.stdin.fileno(), process.stdout
        self._news = select.poll()
        self._news.register(self._answers, select.POLLIN)

    def begin(self, job: Job) -> None:
        """Give it a job."""
        self._write(framed(job))

    def tell(self, number: int) -> None:
        """How many bytes are there, `COMPLETE` or `BROKEN`."""
        self._write(number.to_bytes(WIDTH, "big", signed=True))

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._told, data) :]
        except BrokenPipeError:
            return  # it died; whoever asks for its answer will see

    def has_answered(self) -> bool:
        """Whether there is an answer already, before all bytes came."""
        return bool(self._news.poll(0))

    def answer(self) -> Done | Failed | None:
        """Its answer; None if it died."""
        head = self._answers.read(WIDTH)
        size = int.from_bytes(head, "big")
        data = self._answers.read(size)
        return ANSWERS.decode(data) if len(head) == WIDTH and len(data) == size else None

    def end(self) -> None:
        """Let it go."""
        with self._process:
            self._process.kill()


def _start() -> _Process | None:
    """A new process; None where there can be none. It starts without what it doesn't need, and finds what we found."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(engine.__file__)))
    code = f"import sys; sys.path[:] = {[home, *sys.path]!r}; from engine.fetch.hand import main; main()"
    try:
        return _Process(
            subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", f"utf8={sys.flags.utf8_mode}", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
    except OSError:
        return None
