"""Stops a command at one of its steps on disk: the process is killed there, or the system refuses that one operation.

A step is a rename, a removal, a new directory, link or file, or a sync, anywhere below one directory. The command runs
in a child process that is forked, so that hundreds of them take seconds.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import cli
import engine.commands.create
import engine.link.transaction.change
import engine.link.transaction.create
import engine.link.transaction.remove
import engine.link.transaction.staging  # all of these so that the children need not import them

KILL = 9
_EVENTS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "open"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Ended:
    """How a child ended: ``code`` is negative for a signal; ``text`` is all that it printed; ``steps`` it did."""

    code: int
    text: str
    steps: tuple[str, ...]


def run_stopped(words: Sequence[str], place: Path, step: int = -1, error: int = 0, signal: int = KILL) -> Ended:
    """Run a command in a child. Before step number ``step`` below ``place`` (counted from 0; -1: never) it gets a
    ``signal``, or (``error``) the step fails with that ``errno``."""
    log = place.parent / "stopped.log"
    log.write_text("")
    with warnings.catch_warnings():
        # Threads of other tests' making may be about, such as idle decoders: the child does without them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _be_child(words, log, _Counter(str(place), step, error, signal))
    _, status = os.waitpid(child, 0)
    lines = log.read_text(errors="replace").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("STEP "))
    return Ended(os.waitstatus_to_exitcode(status), text, tuple(line[5:] for line in lines if line.startswith("STEP ")))


def _be_child(words: Sequence[str], log: Path, counter: _Counter) -> NoReturn:
    code = 99
    try:
        opened = os.open(log, os.O_WRONLY | os.O_APPEND)
        counter.watch(opened)
        with os.fdopen(opened, "w", closefd=False) as file, redirect_stdout(file), redirect_stderr(file):
            code = cli.main(list(words))
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    os._exit(code)


class _Counter:
    """Counts the steps of this process."""

    def __init__(self, place: str, step: int, error: int, signal: int) -> None:
        self.place, self.step, self.error, self.signal = place, step, error, signal
        self.log, self.count = 2, 0

    def watch(self, log: int) -> None:
        """Begin. There is no way back, hence the child."""
        self.log = log
        sys.addaudithook(self._hook)
        os.fsync = self._counted("fsync", os.fsync)
        engine.link.transaction.staging.exchange = self._counted("exchange", engine.link.transaction.staging.exchange)  # type: ignore[attr-defined]

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self._step(name, args)
            return real(*args)

        return call

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in _EVENTS or (event == "open" and not (isinstance(args[2], int) and args[2] & _WRITES)):
            return
        named = args[:1] if event == "open" else args  # its second argument is the mode
        paths = [os.fsdecode(arg) for arg in named if isinstance(arg, (str, bytes)) and arg]
        if any(self._is_here(path) for path in paths):
            self._step(event, paths)

    def _is_here(self, path: str) -> bool:
        """Below the place; names without a directory are those of a tree that is being removed."""
        return path.startswith(self.place + os.sep) or os.sep not in path

    def _step(self, name: str, args: Sequence[Any]) -> None:
        number, self.count = self.count, self.count + 1
        os.write(self.log, f"STEP {name} {' '.join(map(str, args))}\n".encode())
        if number != self.step:
            return
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        os.kill(os.getpid(), self.signal)
