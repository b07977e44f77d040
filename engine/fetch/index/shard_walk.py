"""From the names of a request to all shards that a solution may need: a walk along the dependencies, breadth first.

Every shard names further packages, and each may be in any subdir of any channel, so one walk goes through all of them
at once. Requests run side by side; whatever has arrived is looked at together, in one worker thread: check the digest,
keep the shard in the cache, read which names it needs, take from the cache what is there, and hand back what is not.
The event loop does nothing but fetch; a run that finds all shards in the cache hops to the worker once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import anyio
import anyio.to_thread
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine.errors import HttpStatusError, RepodataError, VerificationError
from engine.events import TransferAdvanced, TransferFinished, TransferStarted
from engine.fetch.http.transfer import Continuation
from engine.fetch.index.shard_cache import ShardCache
from engine.fetch.index.shard_index import ShardMeans, collect
from engine.model.match_spec import MatchSpec
from engine.model.needs import needed_name
from engine.model.records import PackageRecord
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows, needed_texts
from engine.model.url import mask_secrets

LARGEST_WALK: Final = 1 << 30
"""Bytes of packed shards beyond which a walk is given up: some hundred times what all of conda-forge has."""
MOST_PATTERNS: Final = 100
"""Dependencies on a pattern of names that a walk follows; real channels have none, and each is held to all names."""
_TRANSFER: Final = "shards"


class Wanted(msgspec.Struct, frozen=True):
    """Where a walk begins."""

    names: frozenset[str]
    add_pip: bool = False
    """Whether python brings pip along (``add_pip_as_python_dependency``)."""
    deep: bool = True
    """Whether what the packages need is wanted too, and what that needs, and so on."""

    @classmethod
    def of(
        cls, specs: Iterable[MatchSpec], records: Iterable[PackageRecord] = (), *, add_pip: bool = False
    ) -> Wanted | None:
        """What a request for ``specs`` can lead to where ``records`` may stay; None if that may be anything."""
        names: set[str] = set()
        for spec in specs:
            if spec.exact_name is None:
                return None
            names.add(spec.exact_name)
        for record in records:
            needed = [needed_name(text) for text in record.depends]
            names.update((record.name, *(name for name in needed if isinstance(name, str))))
        return cls(frozenset(names), add_pip)


class Job(msgspec.Struct, frozen=True):
    """A shard to fetch."""

    rows: ShardRows
    name: str
    digest: bytes
    again: bool = False
    """What came the first time was something else."""

    @property
    def url(self) -> str:
        """Where it is, with credentials."""
        return self.rows.index.shard_url(self.digest)

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine already."""
        return self.url.startswith("file:")


class ShardUnusable(Exception):
    """A shard is not there, or is none, though its index names it; never seen by users, who get ``error`` or better."""

    def __init__(self, rows: ShardRows, error: RepodataError) -> None:
        super().__init__(str(error))
        self.rows, self.error = rows, error


class Walk:
    """The worker's side: what was seen, what is to be looked at. For one thread at a time."""

    def __init__(self, rows: Sequence[ShardRows | RepoData], wanted: Wanted, cache: ShardCache) -> None:
        self._rows, self._cache, self._add_pip = tuple(rows), cache, wanted.add_pip
        self._deep = wanted.deep
        self._names: dict[str, None] = {}
        self._open: list[str] = []
        self._texts: set[str] = set()
        self._size = self._patterns = 0
        self._reach(sorted(wanted.names))

    def step(self, arrived: Iterable[tuple[Job, bytes]] = ()) -> list[Job]:
        """Take what arrived, go on as far as the cache reaches; gives what must be fetched now.

        Raises `ShardUnusable` for a shard that is none, `VerificationError` for one that twice is not the right one.
        """
        missing: list[Job] = []
        for job, packed in arrived:
            if hashlib.sha256(packed).digest() != job.digest:
                missing.append(_once_more(job, packed))
                continue
            if not job.is_local:
                self._cache.store(job.digest, packed)
            self._take(job, packed)
        while self._open:
            missing += self._look_for(self._open.pop())
        return missing

    def _look_for(self, name: str) -> Iterator[Job]:
        """Take all that is at hand of a name."""
        for rows in self._rows:
            if isinstance(rows, RepoData):
                if self._deep:
                    self._need(_needs_of(rows, name))
                continue
            digest = rows.index.digests.get(name)
            if digest is None:
                continue
            job = Job(rows, name, digest)
            packed = self._cache.find(digest)
            if packed is None:
                yield job
            else:
                self._take(job, packed)

    def _take(self, job: Job, packed: bytes) -> None:
        self._size += len(packed)
        if self._size > LARGEST_WALK:
            raise RepodataError(
                f"The shards that the request leads to have more than {LARGEST_WALK} bytes in all",
                hint="`use_sharded_repodata: false` makes do without them.",
            )
        job.rows.keep(job.name, packed)
        try:
            texts = needed_texts(packed, job.url)  # also where they don't matter: it shows that this is a shard
        except RepodataError as error:
            raise ShardUnusable(job.rows, error) from error
        if self._deep:
            self._need(texts)

    def _need(self, texts: set[str]) -> None:
        fresh = texts - self._texts
        self._texts |= fresh
        for text in fresh:
            found = needed_name(text)
            if isinstance(found, str):
                self._reach((found,))
            elif found is not None:
                self._reach(self._meant_by(found))

    def _meant_by(self, pattern: MatchSpec) -> Iterator[str]:
        self._patterns += 1
        if self._patterns > MOST_PATTERNS:
            raise RepodataError(
                f"More than {MOST_PATTERNS} dependencies have patterns for names",
                hint="`use_sharded_repodata: false` makes do without shards.",
            )
        known = {name for rows in self._rows for name in rows.names()}
        return (name for name in known if pattern.name_matcher is None or pattern.name_matcher.matches(name))

    def _reach(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._names:
                self._names[name] = None
                self._open.append(name)
                if name == "python" and self._add_pip:
                    self._reach(("pip",))


def _needs_of(rows: RepoData, name: str) -> set[str]:
    """As `needed_texts`, from a whole index."""
    found: set[str] = set()
    for record in rows.records(name):
        found.update(record.depends, *record.extra_depends.values())
    return found


def _once_more(job: Job, packed: bytes) -> Job:
    if job.again:
        raise _not_the_one(job, packed)
    return msgspec.structs.replace(job, again=True)


def _not_the_one(job: Job, packed: bytes) -> VerificationError:
    found = hashlib.sha256(packed).hexdigest()
    return VerificationError(
        f"The shard {mask_secrets(job.url)} is not the one that the channel's index names\n"
        f"    sha256: expected {job.digest.hex()}, found {found}",
        hint="Try again; if it stays so, the channel or a proxy serves a damaged file.",
        data={"name": job.name, "expected": job.digest.hex(), "found": found},
    )


async def walk(rows: Sequence[ShardRows | RepoData], wanted: Wanted, means: ShardMeans) -> list[Job]:
    """Fetch into the `ShardRows` among ``rows`` all that ``wanted`` leads to; gives what could not be had.

    That is only what the cache does not have while we are offline. Raises `ShardUnusable`,
    `VerificationError`, `RepodataError` and `NetworkError`.
    """
    search = Walk(rows, wanted, means.cache)
    lacking: list[Job] = []
    missing = _fetchable(await anyio.to_thread.run_sync(search.step), lacking, means)
    if missing:
        means.report(TransferStarted(_TRANSFER, _TRANSFER, "repodata"))
        try:
            await _fetch(search, missing, lacking, means)
        finally:
            means.report(TransferFinished(_TRANSFER))
    return lacking


def _fetchable(missing: list[Job], lacking: list[Job], means: ShardMeans) -> list[Job]:
    """Those that may be asked for; the others are noted in ``lacking``."""
    refused = {id(job) for job in missing if means.offline and not job.is_local}
    lacking += (job for job in missing if id(job) in refused)
    return [job for job in missing if id(job) not in refused]


async def _fetch(search: Walk, missing: list[Job], lacking: list[Job], means: ShardMeans) -> None:
    """Ask for what the walk misses, until it misses nothing and nothing is on its way."""
    async with anyio.create_task_group() as group:
        jobs, taken = anyio.create_memory_object_stream[Job](math.inf)
        given, results = anyio.create_memory_object_stream[tuple[Job, bytes]](math.inf)
        with taken, given:
            for _ in range(means.threads or means.transport.settings.connections_per_host):
                group.start_soon(_work, taken.clone(), given.clone(), means)
        under_way = 0
        async with jobs, results:
            while missing or under_way:
                for job in missing:
                    jobs.send_nowait(job)
                under_way += len(missing)
                arrived = [await results.receive()]
                arrived += [results.receive_nowait() for _ in range(results.statistics().current_buffer_used)]
                under_way -= len(arrived)
                missing = _fetchable(await anyio.to_thread.run_sync(search.step, arrived), lacking, means)


async def _work(
    jobs: MemoryObjectReceiveStream[Job], results: MemoryObjectSendStream[tuple[Job, bytes]], means: ShardMeans
) -> None:
    async with jobs, results:
        async for job in jobs:
            await results.send((job, await _bytes_of(job, means)))


async def _bytes_of(job: Job, means: ShardMeans) -> bytes:
    headers = {"Cache-Control": "no-cache"} if job.again else {}
    stream = Continuation(
        means.transport, job.url, headers=headers, progress=lambda size: means.report(TransferAdvanced(_TRANSFER, size))
    )
    try:
        return await collect(stream, job.url)
    except RepodataError as error:
        raise ShardUnusable(job.rows, error) from error
    except HttpStatusError as error:
        missing = RepodataError(
            f"Could not fetch the shard of {job.name}: the index names {mask_secrets(job.url)}, "
            f"for which the server answered {error.status}",
            hint="The channel is being changed, or is damaged; try again, or set `use_sharded_repodata: false`.",
        )
        raise ShardUnusable(job.rows, missing) from error
