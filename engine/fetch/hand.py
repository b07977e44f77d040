"""A process of its own that unpacks packages, one after the other, for the one that started it.

Between two system calls a thread needs the interpreter's lock, which whoever downloads, plans and links holds as well;
a process does not. The bytes of an archive don't pass between the two: who downloads writes them into a file, and tells
how far it has come; what is read here comes out of the system's memory.

Rule of this file: the work is that of `engine.fetch.unpack`; here are only the messages. On the standard input, for
each package: eight bytes of length and a `Job` in MessagePack; then numbers of eight bytes, the bytes of the archive
that are there by now, and at last `COMPLETE` or `BROKEN`. On the standard output, for each: eight bytes of length and
`Done` or `Failed`, which may come before the last number. When the input ends, so does the process.
"""

from __future__ import annotations

import gc
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from types import MappingProxyType
from typing import BinaryIO

import msgspec

from engine.errors import (
    ArchiveError,
    CacheError,
    FileChanged,
    StorageError,
    UnsafeArchive,
    VerificationError,
    WhipsnakeError,
)
from engine.fetch.cache import PackageCache
from engine.fetch.pipe import PipeBroken
from engine.fetch.unpack import Unpacked, UnpackOptions, unpack_file, unpack_stream
from engine.fetch.verify import FilesDiffer
from engine.model.records import RepoDataRecord

COMPLETE, BROKEN = -1, -2
"""In the place of a number: all bytes that were told of are all there are; no more will come, and for a bad reason."""
WIDTH = 8
"""Bytes of a length, or of a number."""
_PIECE = 1 << 18


class Job(msgspec.Struct, frozen=True):
    """A package to unpack."""

    record: RepoDataRecord
    pkgs_dir: str
    archive: str
    """The file of its bytes."""
    keep: bool
    """It is still growing, and the finished package takes it along; else it is whole, and stays."""
    options: UnpackOptions


class Done(msgspec.Struct, frozen=True, tag=True):
    """It is in the cache."""

    unpacked: Unpacked


class Failed(msgspec.Struct, frozen=True, tag=True):
    """It is not, and nothing is left of it. ``kind`` is the name of the error; a bug of ours has its traceback."""

    kind: str
    message: str
    hint: str | None = None
    data: dict[str, object] = {}

    def error(self) -> Exception:
        """The error, to be raised on the other side."""
        if self.kind == PipeBroken.__name__:
            return PipeBroken(self.message)
        known = _ERRORS.get(self.kind)
        if known is None:
            return RuntimeError(f"while a package was unpacked by another process:\n{self.message}")
        return known(self.message, hint=self.hint, data=self.data)


_ERRORS: dict[str, type[WhipsnakeError]] = {
    kind.__name__: kind
    for kind in (ArchiveError, CacheError, FileChanged, FilesDiffer, StorageError, UnsafeArchive, VerificationError)
}


def _plain(value: object) -> object:
    """What the encoder does not know: a read-only mapping, as records have it where there is nothing to say."""
    return dict(value) if isinstance(value, MappingProxyType) else str(value)


ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
ANSWERS = msgspec.msgpack.Decoder(Done | Failed)
_JOBS = msgspec.msgpack.Decoder(Job)


def framed(message: object) -> bytes:
    """A message behind its length."""
    data = ENCODER.encode(message)
    return len(data).to_bytes(WIDTH, "big") + data


class _Growing:
    """The bytes of one job's archive, as far as the other side tells of them."""

    def __init__(self, told: BinaryIO, path: str) -> None:
        self._told, self._path = told, path
        self._there = 0
        self._ended = False

    def pieces(self) -> Iterator[bytes]:
        """All of them, waited for where need be. Raises `PipeBroken` where no more will come."""
        at = 0
        with open(self._path, "rb", buffering=0) as file:
            while at < self._there or self._hear():
                while at < self._there:
                    piece = file.read(min(_PIECE, self._there - at))
                    if not piece:
                        raise FileChanged(f"{self._path} was cut while it was read")
                    at += len(piece)
                    yield piece

    def _hear(self) -> bool:
        """Wait for the next number; False if no more are to come. Raises `PipeBroken`."""
        if self._ended:
            return False
        number = int.from_bytes(self._told.read(WIDTH) or _GONE, "big", signed=True)
        self._ended = number < 0
        if number == BROKEN:
            raise PipeBroken("the download broke off")
        self._there = max(self._there, number)
        return True

    def drain(self) -> None:
        """Let what is still said of this job pass."""
        with suppress(PipeBroken):
            while self._hear():
                pass


_GONE = BROKEN.to_bytes(WIDTH, "big", signed=True)
"""What the end of the input amounts to: whoever downloads is gone."""


def serve(told: BinaryIO, answers: BinaryIO) -> None:
    """Work until the input ends."""
    while head := told.read(WIDTH):
        job = _JOBS.decode(told.read(int.from_bytes(head, "big")))
        growing = _Growing(told, job.archive)
        answers.write(framed(_answer(job, growing.pieces())))
        answers.flush()
        growing.drain()


def _answer(job: Job, pieces: Iterator[bytes]) -> Done | Failed:
    cache = PackageCache((job.pkgs_dir,))
    try:
        if job.keep:
            return Done(unpack_stream(pieces, job.record, cache, job.options, kept=job.archive))
        return Done(unpack_file(job.archive, job.record, cache, job.options))
    except WhipsnakeError as error:
        return Failed(type(error).__name__, error.message, error.hint, msgspec.to_builtins(error.data, enc_hook=str))
    except PipeBroken as error:
        return Failed(type(error).__name__, str(error))
    except Exception:
        return Failed("", traceback.format_exc())


def main() -> None:
    """The whole life of such a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started us
    gc.disable()  # nothing here makes cycles that are worth looking for
    serve(sys.stdin.buffer, sys.stdout.buffer)
