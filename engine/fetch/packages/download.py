"""One archive from afar, as bytes for a worker thread: gone on with where an earlier run stopped, and fetched once more
where its bytes were not the right ones.

Rule of this file: it decides what is asked of whom and what is kept; what becomes of the bytes is for the caller's
``work``, which sees one unbroken stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

from engine.errors import ArchiveError, FileChanged, VerificationError
from engine.events import Notice, Report, TransferAdvanced, TransferFinished, TransferStarted
from engine.fetch.archive.verify import FilesDiffer
from engine.fetch.cache.partial import Partial, open_partial
from engine.fetch.http.pipe import pump
from engine.fetch.http.transfer import Continuation, nothing
from engine.fetch.http.transport import Transport
from engine.flow import in_thread
from engine.model.records import RepoDataRecord

Result = TypeVar("Result")
Work = Callable[[Iterable[bytes], str | None], Result]
"""What a worker thread does with the bytes; the second argument is the file that they are written into while they
pass, None where that is left to the worker."""

PAST_CACHES = {"Cache-Control": "no-cache", "Pragma": "no-cache"}
"""Asks every cache on the way to look at the origin first (RFC 9111 §5.2.1.4 and §5.4)."""


class _DoubtfulPart(Exception):
    """What an earlier run left may be to blame: nothing told whether it was of the same file."""


@contextmanager
def _doubting(part: Partial, *, checked: bool) -> Iterator[None]:
    try:
        yield
    except ArchiveError as error:
        if part.size and not checked:
            raise _DoubtfulPart(error.message) from error
        raise


class Downloads:
    """What all downloads of one run share."""

    def __init__(self, transport: Transport, report: Report, limiter: anyio.CapacityLimiter) -> None:
        self._transport, self._report, self._limiter = transport, report, limiter

    async def fetch(self, record: RepoDataRecord, work: Work[Result], pkgs_dir: str | None) -> Result:
        """Run ``work`` in a worker thread over the bytes of ``record`` as they arrive, and return its result.

        ``pkgs_dir`` is where a part of the archive may be found and kept; give it only while holding the package's
        lock, and None where nothing is to be kept. Where ``work`` says by a `VerificationError` that these were not
        the promised bytes, all of it is done once more, past the caches that may have served an old file.

        Raises `NetworkError`, `FileChanged`, and what ``work`` raises.
        """
        if record.url.startswith("file:"):
            pkgs_dir = None
        try:
            return await self._attempt(record, work, pkgs_dir, {})
        except FilesDiffer:
            raise  # it is the right archive, made wrong
        except (VerificationError, FileChanged, _DoubtfulPart) as error:
            self._report(Notice("warning", f"{error}\nIt is fetched once more, past all caches."))
        return await self._attempt(record, work, pkgs_dir, PAST_CACHES)

    async def _attempt(
        self, record: RepoDataRecord, work: Work[Result], pkgs_dir: str | None, headers: Mapping[str, str]
    ) -> Result:
        if pkgs_dir is None:
            return await self._receive(record, work, None, headers)
        part = await anyio.to_thread.run_sync(open_partial, pkgs_dir, record, limiter=self._limiter)
        try:
            return await self._receive(record, work, part, headers)
        finally:
            if part is not None and part.is_open:
                await in_thread(part.drop_unused)

    async def _receive(
        self, record: RepoDataRecord, work: Work[Result], part: Partial | None, headers: Mapping[str, str]
    ) -> Result:
        """Connect where the part ends, and hand everything to the worker."""
        key, name = f"{record.channel}/{record.subdir}/{record.fn}", record.name or record.stem
        self._report(TransferStarted(key, name, "package", record.size))

        def advanced(amount: int) -> None:
            self._report(TransferAdvanced(key, amount))

        stream = Continuation(
            self._transport,
            record.url,
            start=part.size if part else 0,
            validator=part.validator if part else None,
            headers=headers,
            progress=advanced,
            checked=bool(record.sha256 or record.md5),
        )

        def arriving(pieces: Iterable[bytes]) -> Iterator[bytes]:
            yield from pieces
            self._report(TransferFinished(key))

        def run(pieces: Iterable[bytes]) -> Result:
            if part is None:
                return work(arriving(pieces), None)
            with part, _doubting(part, checked=stream.checked):
                return work(part.passing(arriving(pieces), lambda: stream.validator), part.path)

        if part is not None and part.size:
            self._report(Notice("info", f"Going on with {record.fn}, of which {part.size} bytes are here already"))
            advanced(part.size)
        chunks = nothing() if part is not None and part.is_complete else stream.chunks()
        return await pump(chunks, run, limiter=self._limiter)
