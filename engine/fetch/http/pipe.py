"""Bytes on their way from the event loop to one worker thread.

Rule of this file: the loop never blocks and the worker never touches the loop. The loop side `send`s and is held
back while more than ``limit`` bytes wait; the worker side iterates and sleeps while there are none. Either side may
leave early: `fail` ends the worker's iteration with an error, `abandon` ends the sender's.

    result = await pump(chunks, work)       # what most callers want: work(iterable of bytes) runs while they arrive
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from engine.fetch.http.broken import PipeBroken

Result = TypeVar("Result")

DEFAULT_LIMIT = 4 << 20
"""Bytes that may wait in a pipe: some tens of milliseconds of a fast network."""


class BytePipe:
    """A bounded queue of byte chunks with an asynchronous sending side and a synchronous receiving side."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._abandoned = False
        self._error: BaseException | None = None
        self._wake_sender: Callable[[], object] | None = None

    def __repr__(self) -> str:
        state = "abandoned" if self._abandoned else "ended" if self._ended else "open"
        return f"<BytePipe {state}, {self._size} of {self._limit} bytes>"

    # -- the loop's side

    async def send(self, chunk: bytes) -> None:
        """Hand over ``chunk``, then wait while the pipe is full. Raises `PipeBroken` if nobody will read it.

        The chunk counts as sent even where the wait is cancelled.
        """
        with self._changed:
            if self._abandoned or self._ended:
                raise PipeBroken("the pipe is closed")
            self._chunks.append(chunk)
            self._size += len(chunk)
            self._changed.notify()
            if self._size < self._limit:
                return
            room = self._promise_of_room()
        await room.wait()

    def _promise_of_room(self) -> asyncio.Event:
        """An event that the worker sets when it has taken what waits; made under the lock, so no wake-up is lost."""
        loop, room = asyncio.get_running_loop(), asyncio.Event()
        self._wake_sender = lambda: loop.call_soon_threadsafe(room.set)
        return room

    def close(self) -> None:
        """There will be no more bytes: the worker's iteration ends after those that wait."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def fail(self, error: BaseException, *, at_once: bool = True) -> None:
        """The bytes end here for a bad reason: the worker's iteration raises ``error`` instead of what waits, or, if
        not ``at_once``, after it (bytes that came before the line broke are worth keeping)."""
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
                if at_once:
                    self._chunks.clear()
                    self._size = 0
            self._changed.notify()

    # -- the worker's side

    def __iter__(self) -> Iterator[bytes]:
        """The chunks in their order, until the sender closed or failed the pipe. For one worker only."""
        while chunks := self._take():
            yield from chunks

    def _take(self) -> deque[bytes]:
        """All that waits, at once (one lock for many chunks); empty at the end."""
        with self._changed:
            while not self._chunks and not self._ended:
                self._changed.wait()
            if self._error is not None and not self._chunks:
                raise self._error
            chunks, self._chunks, self._size = self._chunks, deque(), 0
            self._let_sender_go()
        return chunks

    def abandon(self) -> None:
        """The worker wants no more bytes: what waits is dropped and `send` raises `PipeBroken`."""
        with self._changed:
            self._abandoned = True
            self._chunks.clear()
            self._size = 0
            self._let_sender_go()

    def _let_sender_go(self) -> None:
        wake, self._wake_sender = self._wake_sender, None
        if wake is not None:
            wake()


async def pump(
    chunks: AsyncIterable[bytes],
    work: Callable[[Iterable[bytes]], Result],
    *,
    limit: int = DEFAULT_LIMIT,
    limiter: anyio.CapacityLimiter | None = None,
) -> Result:
    """Run ``work`` in one worker thread over ``chunks`` as they arrive, and return its result.

    An error of ``chunks`` is raised inside ``work``'s iteration, so that ``work`` can clean up, and comes out of here
    if ``work`` lets it. ``work`` may return before the chunks end; the rest is not read. When cancelled, the iteration
    raises `PipeBroken` and this function waits until ``work`` is done with its cleaning up.
    """
    pipe = BytePipe(limit)
    results: list[Result] = []
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_fill, chunks, pipe)
        try:
            results.append(await anyio.to_thread.run_sync(_drain, work, pipe, limiter=limiter))
        except Exception as error:  # raised below, outside the group, which would wrap it
            failure = error
        group.cancel_scope.cancel()
    if isinstance(failure, PipeBroken):
        await anyio.lowlevel.checkpoint()  # cancelled: this raises what the canceller waits for
    if failure is not None:
        raise failure
    return results[0]


async def _fill(chunks: AsyncIterable[bytes], pipe: BytePipe) -> None:
    """Send all ``chunks``; whatever happens, the worker hears of the end and a generator is closed at once."""
    close = getattr(chunks, "aclose", None)
    try:
        async for chunk in chunks:
            await pipe.send(chunk)
        pipe.close()
    except PipeBroken:
        return
    except Exception as error:  # the worker raises it: there it can be cleaned up after
        pipe.fail(error, at_once=False)
    finally:
        pipe.fail(PipeBroken("cancelled"))  # no effect unless we are leaving early
        if close is not None:
            await close()


def _drain(work: Callable[[Iterable[bytes]], Result], pipe: BytePipe) -> Result:
    try:
        return work(pipe)
    finally:
        pipe.abandon()
