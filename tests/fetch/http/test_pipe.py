"""The pipe between the loop and a worker: order, back-pressure, and leaving early on either side."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from engine.fetch.http.broken import PipeBroken
from engine.fetch.http.pipe import BytePipe, pump

pytestmark = pytest.mark.anyio


async def numbered(count: int, size: int = 10) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 256]) * size
        await anyio.lowlevel.checkpoint()


async def test_bytes_arrive_whole_and_in_order() -> None:
    expected = b"".join([bytes([n % 256]) * 10 for n in range(1000)])
    assert await pump(numbered(1000), b"".join, limit=64) == expected


async def test_a_full_pipe_holds_the_sender_back() -> None:
    pipe = BytePipe(limit=100)
    sent = 0

    async def fill() -> None:
        nonlocal sent
        for _ in range(10):
            await pipe.send(b"x" * 40)
            sent += 1
        pipe.close()

    async with anyio.create_task_group() as group:
        group.start_soon(fill)
        await anyio.wait_all_tasks_blocked()
        assert sent == 2, "the third chunk reaches the limit and waits"
        assert "120 of 100" in repr(pipe)
        assert await anyio.to_thread.run_sync(lambda: len(b"".join(pipe))) == 400
    assert sent == 10


async def test_an_error_of_the_source_is_raised_inside_the_work() -> None:
    seen: list[BaseException] = []

    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise OSError("cable cut")

    def work(chunks: Iterable[bytes]) -> bytes:
        try:
            return b"".join(chunks)
        except OSError as error:
            seen.append(error)
            raise

    with pytest.raises(OSError, match="cable cut"):
        await pump(broken(), work)
    assert len(seen) == 1


async def test_an_error_of_the_work_stops_the_source() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await anyio.lowlevel.checkpoint()

    def work(chunks: Iterable[bytes]) -> None:
        for _ in chunks:
            raise ValueError("not what I wanted")

    with pytest.raises(ValueError, match="not what I wanted"):
        await pump(endless(), work, limit=2000)


async def test_work_may_stop_before_the_end() -> None:
    def first(chunks: Iterable[bytes]) -> bytes:
        return next(iter(chunks))

    assert await pump(numbered(100_000, 1000), first, limit=5000) == b"\x00" * 1000


async def test_cancelling_ends_the_worker_too() -> None:
    started, ended = threading.Event(), threading.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield b"x"
        await anyio.sleep_forever()

    def work(chunks: Iterable[bytes]) -> None:
        try:
            for _ in chunks:
                started.set()
        finally:
            ended.set()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(pump, silent(), work)
            await anyio.to_thread.run_sync(started.wait)
            group.cancel_scope.cancel()
    assert ended.is_set()
    assert group.cancel_scope.cancelled_caught


async def test_cancelling_a_sender_that_waits_for_room() -> None:
    pipe = BytePipe(limit=1)
    with anyio.move_on_after(0.01) as scope:
        await pipe.send(b"ab")
    assert scope.cancelled_caught
    pipe.close()
    assert await anyio.to_thread.run_sync(lambda: list(pipe)) == [b"ab"]


async def test_sending_into_a_closed_or_abandoned_pipe() -> None:
    closed, abandoned = BytePipe(), BytePipe()
    closed.close()
    abandoned.abandon()
    for pipe in (closed, abandoned):
        with pytest.raises(PipeBroken):
            await pipe.send(b"x")


async def test_abandoning_frees_a_waiting_sender() -> None:
    pipe = BytePipe(limit=1)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(pipe.send, b"ab")
            await anyio.wait_all_tasks_blocked()
            await anyio.to_thread.run_sync(pipe.abandon)


async def test_the_source_is_closed_when_the_work_stops_early() -> None:
    closed: list[bool] = []

    async def source() -> AsyncIterator[bytes]:
        try:
            for _ in range(1000):
                yield b"x" * 100
        finally:
            closed.append(True)

    await pump(source(), lambda chunks: next(iter(chunks)), limit=200)
    assert closed == [True]


def test_failing_after_the_end_changes_nothing() -> None:
    pipe = BytePipe()
    pipe.close()
    pipe.fail(OSError("late"))
    assert list(pipe) == []


async def test_bytes_before_a_break_still_arrive() -> None:
    pipe = BytePipe()
    await pipe.send(b"one")
    await pipe.send(b"two")
    pipe.fail(OSError("the line is dead"), at_once=False)
    pieces = iter(pipe)
    assert [next(pieces), next(pieces)] == [b"one", b"two"]
    with pytest.raises(OSError, match="the line is dead"):
        next(pieces)
