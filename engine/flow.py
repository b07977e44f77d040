"""The only helpers for many tasks at once. A task starts in a group that waits for it, and nowhere else; so does a
process that may start others."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.abc import Process, TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from engine.errors import ExitCode, Interrupted

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

In = TypeVar("In")
Value = TypeVar("Value")


def feed(group: TaskGroup, items: Iterable[In], sink: MemoryObjectSendStream[In]) -> None:
    """Start sending ``items`` into ``sink``, which is closed after the last one."""
    group.start_soon(_send_all, items, sink)


async def _send_all(items: Iterable[In], sink: MemoryObjectSendStream[In]) -> None:
    async with sink:
        for item in items:
            await sink.send(item)


async def in_thread(work: Callable[..., Value], *args: object) -> Value:
    """Disk work that must not be left half done: it is not cancelled."""
    scope = anyio.CancelScope(shield=True)
    with scope:
        result = await anyio.to_thread.run_sync(work, *args)
    return result  # noqa: RET504 - inside the scope, mypy would think that it may be swallowed


def first_error(error: BaseException) -> BaseException:
    """The first leaf of an exception group, which is what made the group's other tasks stop."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@asynccontextmanager
async def delivering(sink: MemoryObjectSendStream[Any]) -> AsyncIterator[None]:
    """Close ``sink`` at the end. Of the errors of several tasks the first comes out, alone; none does if the receiver
    left: it has one of its own."""
    async with sink:
        try:
            yield
        except BaseExceptionGroup as group:
            error = first_error(group)
            if not isinstance(error, anyio.BrokenResourceError):
                raise error from error.__cause__


@asynccontextmanager
async def child(command: Sequence[str], **options: Any) -> AsyncIterator[Process]:
    """Run a process; ``options`` are those of `anyio.open_process`. Raises `OSError` if it can't be started.

    Who leaves with an error, or is cancelled, kills it and all that it started: they would go on writing into what is
    being put back. (Therefore it has a session of its own, and Ctrl-C reaches it through us.)
    """
    process = await anyio.open_process(command, start_new_session=os.name == "posix", **options)
    async with process:
        try:
            yield process
        except BaseException:
            _kill_group(process.pid)
            raise


def _kill_group(pid: int) -> None:
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):  # all gone, or (a script with sudo) not ours
            os.killpg(pid, signal.SIGKILL)


_SIGNAL_CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


def run(main: Callable[[], Awaitable[Value]]) -> Value:
    """Run ``main`` in an event loop of its own.

    Ctrl-C and SIGTERM cancel it, so that everything is put back, and are raised as `Interrupted`. Of the errors of
    several tasks the first is raised, alone.
    """
    # asyncio warns of a child that ended while its pipes were being closed: nothing that anybody could act on.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    try:
        return anyio.run(_guarded, main)
    except BaseExceptionGroup as group:
        raise first_error(group) from None


async def _guarded(main: Callable[[], Awaitable[Value]]) -> Value:
    caught: list[ExitCode] = []
    results: list[Value] = []
    with _signals() as signals:
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_on_signal, signals, group, caught)
            results.append(await main())
            group.cancel_scope.cancel()
    if not results:
        raise Interrupted(caught[0])
    return results[0]


@contextmanager
def _signals() -> Iterator[AsyncIterator[signal.Signals] | None]:
    """The signals that ask us to stop; None where the event loop can't tell.

    They are ours to the very end: a second Ctrl-C would else tear down the loop while everything is put back, and the
    process would wait for threads that wait for the loop.
    """
    with ExitStack() as stack:
        try:
            signals = stack.enter_context(anyio.open_signal_receiver(*_SIGNAL_CODES))
        except NotImplementedError:
            signals = None  # Windows' event loop has no signal handlers: Ctrl-C arrives as KeyboardInterrupt
        yield signals


async def _cancel_on_signal(
    signals: AsyncIterator[signal.Signals] | None, group: TaskGroup, caught: list[ExitCode]
) -> None:
    if signals is not None:
        caught.append(_SIGNAL_CODES[await anext(signals)])
        group.cancel_scope.cancel()
