"""One archive from afar, as bytes for a worker thread: gone on with where an earlier run stopped, and fetched once more
where its bytes were not the right ones.

Rule of this file: it decides what is asked of whom and what is kept; what becomes of the bytes is for the caller's
``work``, which sees one unbroken stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Generic, TypeVar

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


def _key(record: RepoDataRecord) -> str:
    """What the transfer of an archive is known by."""
    return f"{record.channel}/{record.subdir}/{record.fn}"


class Downloads:
    """What all downloads of one run share."""

    def __init__(self, transport: Transport, report: Report, limiter: anyio.CapacityLimiter) -> None:
        self.transport, self.report, self.limiter = transport, report, limiter

    async def fetch(
        self,
        record: RepoDataRecord,
        work: Work[Result],
        pkgs_dir: str | None,
        part: Partial | None = None,
        done: Callable[[], None] = lambda: None,
    ) -> Result:
        """Run ``work`` in a worker thread over the bytes of ``record`` as they arrive, and return its result; where all
        went well, that thread calls ``done`` at last.

        ``pkgs_dir`` is where a part of the archive may be found and kept; give it only while holding the package's
        lock, and None where nothing is to be kept. ``part`` is what was found there, if somebody has looked. Where
        ``work`` says by a `VerificationError` that these were not the promised bytes, all of it is done once more, past
        the caches that may have served an old file.

        Raises `NetworkError`, `FileChanged`, and what ``work`` raises.
        """
        download = _Download(self, record, work, None if record.url.startswith("file:") else pkgs_dir, done)
        try:
            return await download.attempt({}, part)
        except FilesDiffer:
            raise  # it is the right archive, made wrong
        except (VerificationError, FileChanged, _DoubtfulPart) as error:
            self.report(Notice("warning", f"{error}\nIt is fetched once more, past all caches."))
        return await download.attempt(PAST_CACHES)

    async def whole(self, record: RepoDataRecord) -> bytes:
        """The bytes of a small archive; they are to be checked, and may end too early or have a little too much.

        Raises `NetworkError`, `HttpStatusError` and `FileChanged`.
        """
        stream = self.stream(record)
        found: list[bytes] = []
        async with aclosing(stream.chunks()) as chunks:
            async for chunk in chunks:
                found.append(chunk)
                if record.size is not None and stream.position > record.size:
                    break
        self.report(TransferFinished(_key(record)))
        return b"".join(found)

    def stream(
        self, record: RepoDataRecord, part: Partial | None = None, headers: Mapping[str, str] | None = None
    ) -> Continuation:
        """The bytes of an archive from where its part ends; that it was begun is told, and so is how far it comes."""
        key = _key(record)
        self.report(TransferStarted(key, record.name or record.stem, "package", record.size))
        return Continuation(
            self.transport,
            record.url,
            start=part.size if part else 0,
            validator=part.validator if part else None,
            headers=headers,
            progress=lambda amount: self.report(TransferAdvanced(key, amount)),
            checked=bool(record.sha256 or record.md5),
        )


class _Download(Generic[Result]):
    """One of them."""

    def __init__(
        self,
        all_: Downloads,
        record: RepoDataRecord,
        work: Work[Result],
        pkgs_dir: str | None,
        done: Callable[[], None],
    ) -> None:
        self._all, self._record, self._work, self._pkgs_dir, self._done = all_, record, work, pkgs_dir, done

    async def attempt(self, headers: Mapping[str, str], part: Partial | None = None) -> Result:
        """Do all of it once."""
        if part is None and self._pkgs_dir is not None:
            limiter = self._all.limiter
            part = await anyio.to_thread.run_sync(open_partial, self._pkgs_dir, self._record, limiter=limiter)
        try:
            return await self._receive(part, headers)
        finally:
            if part is not None and part.is_open:
                await in_thread(part.drop_unused)

    async def _receive(self, part: Partial | None, headers: Mapping[str, str]) -> Result:
        """Connect where the part ends, and hand everything to the worker."""
        record, report = self._record, self._all.report
        stream = self._all.stream(record, part, headers)

        def arriving(pieces: Iterable[bytes]) -> Iterator[bytes]:
            yield from pieces
            report(TransferFinished(_key(record)))

        if part is not None and part.size:
            report(Notice("info", f"Going on with {record.fn}, of which {part.size} bytes are here already"))
            report(TransferAdvanced(_key(record), part.size))
        chunks = nothing() if part is not None and part.is_complete else stream.chunks()
        run = partial(self._run, part, stream, arriving)
        return await pump(chunks, run, limiter=self._all.limiter)

    def _run(
        self,
        part: Partial | None,
        stream: Continuation,
        arriving: Callable[[Iterable[bytes]], Iterator[bytes]],
        pieces: Iterable[bytes],
    ) -> Result:
        """In a worker thread."""
        if part is None:
            result = self._work(arriving(pieces), None)
        else:
            with part, _doubting(part, checked=stream.checked):
                result = self._work(part.passing(arriving(pieces), lambda: stream.validator), part.path)
        self._done()
        return result
