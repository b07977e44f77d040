"""Who unpacks the packages of one run: the threads that download them, or processes beside them.

Rule of this file: the result is that of `engine.fetch.packages.unpack`, whoever does it. Processes are started where
there is so much to do that they pay, can be had, and more than one is allowed; without an interpreter lock, threads do
as well. What reads archives is imported when there is one: who finds all packages in the cache need not wait for that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

from engine.fetch.cache.package_cache import PackageCache
from engine.model.records import RepoDataRecord
from engine.system.file_io import make_file
from engine.system.process import can_help
from engine.system.temporary import remove_tree, temporary_name

if TYPE_CHECKING:
    from engine.fetch.packages.hand import Job
    from engine.fetch.packages.hands import Hands
    from engine.fetch.packages.settings import FetchSettings
    from engine.fetch.packages.unpack import Unpacked, UnpackOptions

WORTH = 8 << 20
"""Bytes of archives from which on processes pay: unpacking takes some hundred milliseconds then."""


def processes_for(size: int, settings: FetchSettings) -> int:
    """How many processes should unpack ``size`` bytes of archives; 0 where that is left to threads."""
    return settings.threads if size >= WORTH and settings.threads > 1 and can_help() else 0


def unpack_options(settings: FetchSettings) -> UnpackOptions:
    """What the settings mean for one package."""
    from engine.fetch.archive.members import Limits
    from engine.fetch.packages.unpack import UnpackOptions

    return UnpackOptions(
        limits=settings.limits or Limits(),
        digests=settings.extra_safety_checks,
        check_files=settings.safety_checks != "disabled",
        external_links=settings.allow_external_links,
    )


class Unpackers:
    """Serves many threads. Make one for a run, `close` it."""

    def __init__(
        self, cache: PackageCache, settings: FetchSettings, checkpoint: Callable[[], None] | None = None
    ) -> None:
        """``checkpoint`` is called often by threads that wait for a process, and may raise to stop all of them."""
        self._cache, self._settings, self._checkpoint = cache, settings, checkpoint
        self._gate = _Gate(settings.threads)
        self._hands: Hands | None = None
        self._expected = 0
        self._lock = threading.Lock()

    def expect(self, size: int) -> None:
        """Archives of ``size`` bytes in all will come: get ready. Blocks for some milliseconds."""
        with self._lock:
            self._expected += size
            _ = self._options  # imports what unpacks, once and here
            processes = processes_for(self._expected, self._settings)
            if self._hands is None and processes:
                from engine.fetch.packages.hands import Hands

                self._hands = Hands(processes, self._checkpoint)

    @cached_property
    def _options(self) -> UnpackOptions:
        return unpack_options(self._settings)

    def file(self, path: str, record: RepoDataRecord) -> Unpacked:
        """As `engine.fetch.packages.unpack.unpack_file`."""
        from engine.fetch.packages.unpack import unpack_file

        if self._hands:
            return self._hands.unpack_file(self._job(record, path, keep=False))
        with self._gate:
            return unpack_file(path, record, self._cache, self._options)

    def arriving(self, record: RepoDataRecord, pieces: Iterable[bytes], kept: str | None) -> Unpacked:
        """As `engine.fetch.packages.unpack.unpack_stream`."""
        from engine.fetch.packages.unpack import unpack_stream

        hands = self._hands
        if hands:
            return self._by_process(hands, record, pieces, kept)
        with self._gate:
            return unpack_stream(self._gate.between(pieces), record, self._cache, self._options, kept=kept)

    def whole(self, archives: Sequence[tuple[RepoDataRecord, bytes]]) -> list[Unpacked | None]:
        """Small archives that are all in memory; None for what is not as it should be. Raises `StorageError`."""
        from engine.errors import WhipsnakeError
        from engine.fetch.packages.unpack import unpack_stream

        if self._hands:
            return self._group(self._hands, archives)
        made: list[Unpacked | None] = []
        with self._gate:
            for record, data in archives:
                try:
                    made.append(unpack_stream((data,), record, self._cache, self._options))
                except WhipsnakeError:
                    made.append(None)
        return made

    def _group(self, hands: Hands, archives: Sequence[tuple[RepoDataRecord, bytes]]) -> list[Unpacked | None]:
        """By a process, which finds them in files."""
        from engine.fetch.packages.unpack import on_disk

        jobs: list[Job] = []
        made: list[Unpacked | None] = []
        place = self._cache.writable_dir()
        try:
            for record, data in archives:
                path = os.path.join(place, temporary_name())
                jobs.append(self._job(record, path, keep=True))
                with on_disk(record, self._cache.writable_dir):
                    make_file(path, (data,))
            made = hands.unpack_group(jobs)
            return made
        finally:
            for job, one in zip_longest(jobs, made):
                if one is None and job is not None:
                    remove_tree(job.archive)

    def _by_process(self, hands: Hands, record: RepoDataRecord, pieces: Iterable[bytes], kept: str | None) -> Unpacked:
        """There must be a file then, which it can read."""
        from engine.fetch.packages.unpack import kept_in, on_disk

        if kept is not None:
            with on_disk(record, self._cache.writable_dir):
                return hands.unpack_arriving(self._job(record, kept, keep=True), pieces)
        path = os.path.join(self._cache.writable_dir(), temporary_name())
        with on_disk(record, self._cache.writable_dir):  # the process words its own errors
            try:
                with open(path, "xb", buffering=0) as file:
                    return hands.unpack_arriving(self._job(record, path, keep=True), kept_in(file, pieces))
            finally:
                remove_tree(path)  # unless the package took it along

    def _job(self, record: RepoDataRecord, archive: str, *, keep: bool) -> Job:
        from engine.fetch.packages.hand import Job

        return Job(record, self._cache.writable_dir(), archive, keep, self._options)

    def close(self) -> None:
        """End the processes. Nothing may be in work any more."""
        hands, self._hands = self._hands, None
        if hands is not None:
            hands.close()


class _Gate:
    """Lets so many threads compute at once; a thread that waits for bytes lets another in."""

    def __init__(self, threads: int) -> None:
        self._free = threading.Semaphore(threads)

    def __enter__(self) -> None:
        self._free.acquire()

    def __exit__(self, *_: object) -> None:
        self._free.release()

    def between(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, which are waited for outside of the gate."""
        source = iter(pieces)
        while True:
            self._free.release()
            try:
                piece = next(source, None)
            finally:
                self._free.acquire()
            if piece is None:
                return
            yield piece
