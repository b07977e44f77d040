"""A helper process (`engine.system.helpers`) that unpacks packages into the cache, one after the other.

The bytes of an archive don't pass between the two processes: who downloads writes them into a file, and tells how far
it has come; what is read here comes out of the system's memory.

Rule of this file: the work is that of `engine.fetch.packages.unpack`; here are only the messages. A `Job` is followed
by numbers of eight bytes, how much of the archive is there by now, and at last `COMPLETE` or `BROKEN`; the answer,
`Unpacked`, may come before these where it is a failure.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import msgspec

from engine.errors import FileChanged, WhipsnakeError
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.http.broken import PipeBroken
from engine.fetch.packages.unpack import Unpacked, UnpackOptions, unpack_file, unpack_stream
from engine.model.records import RepoDataRecord
from engine.system.file_io import read_file
from engine.system.helper import WIDTH, serve

_PIECE = 1 << 18


def number(value: int) -> bytes:
    """A number as it is told."""
    return value.to_bytes(WIDTH, "big", signed=True)


COMPLETE, BROKEN = number(-1), number(-2)
"""In the place of a number: all bytes that were told of are all there are; no more will come, and for a bad reason."""


class Job(msgspec.Struct, frozen=True, tag=True):
    """A package to unpack."""

    record: RepoDataRecord
    pkgs_dir: str
    archive: str
    """The file of its bytes."""
    keep: bool
    """It is still growing, and the finished package takes it along; else it is whole, and stays."""
    options: UnpackOptions


class Group(msgspec.Struct, frozen=True, tag=True):
    """Small packages to unpack, whose archives are there whole; finished ones take them along. No numbers follow."""

    jobs: list[Job]


class UnpackedGroup(msgspec.Struct, frozen=True, tag=True):
    """What became of a group: None for what is not as it should be."""

    each: list[Unpacked | None]


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
        told = self._told.read(WIDTH) or BROKEN  # at the end of the input, whoever downloads is gone
        self._ended = told in (COMPLETE, BROKEN)
        if told == BROKEN:
            raise PipeBroken("the download broke off")
        self._there = max(self._there, int.from_bytes(told, "big", signed=True))
        return True

    def drain(self) -> None:
        """Let what is still said of this job pass."""
        with suppress(PipeBroken):
            while self._hear():
                pass


@functools.cache
def _cache(pkgs_dir: str) -> PackageCache:
    return PackageCache((pkgs_dir,))


class _Hand:
    """Does the jobs."""

    def __init__(self) -> None:
        self._growing: _Growing | None = None

    def work(self, job: Job | Group, told: BinaryIO) -> Unpacked | UnpackedGroup:
        """Unpack one package, or some. Raises as `engine.fetch.packages.unpack`."""
        if isinstance(job, Group):
            self._growing = None
            return UnpackedGroup([_whole(one) for one in job.jobs])
        self._growing = _Growing(told, job.archive)
        cache, options = _cache(job.pkgs_dir), msgspec.structs.replace(job.options, alone=True)
        if job.keep:
            return unpack_stream(self._growing.pieces(), job.record, cache, options, kept=job.archive)
        return unpack_file(job.archive, job.record, cache, options)

    def after(self) -> None:
        """Let the rest of a job pass, which failed early."""
        if self._growing is not None:
            self._growing.drain()


def _whole(job: Job) -> Unpacked | None:
    options = msgspec.structs.replace(job.options, alone=True)
    try:
        data, _ = read_file(job.archive)
        return unpack_stream((data,), job.record, _cache(job.pkgs_dir), options, kept=job.archive)
    except (WhipsnakeError, OSError):
        return None


def main() -> None:
    """The program."""
    hand = _Hand()
    serve(Job | Group, hand.work, hand.after)
