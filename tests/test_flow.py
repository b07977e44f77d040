"""`engine.flow`: tasks that are waited for, and nothing else."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from engine import flow
from engine.errors import ExitCode, Interrupted


def test_every_item_is_fed_once_and_then_the_stream_ends() -> None:
    async def main() -> list[int]:
        sink, items = anyio.create_memory_object_stream[int](0)
        found = []
        async with anyio.create_task_group() as group, items:
            flow.feed(group, range(50), sink)
            async for item in items:
                found.append(item)
        return found

    assert flow.run(main) == list(range(50))


def test_the_first_error_of_several_tasks_is_raised_alone() -> None:
    async def fail(text: str) -> None:
        raise ValueError(text)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(fail, "first")
            group.start_soon(fail, "second")

    with pytest.raises(ValueError, match="first"):
        flow.run(main)


@pytest.mark.skipif(os.name != "posix", reason="os.kill ends the process at once there")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_a_signal_cancels_and_cleans_up(number: signal.Signals, code: ExitCode) -> None:
    cleaned = []

    async def main() -> None:
        try:
            await anyio.sleep(0.05)
            os.kill(os.getpid(), number)
            await anyio.sleep(30)
        finally:
            cleaned.append(True)

    with pytest.raises(Interrupted) as caught:
        flow.run(main)
    assert caught.value.code == code
    assert cleaned == [True]


@pytest.mark.skipif(os.name != "posix", reason="no process groups")
def test_what_a_child_started_goes_with_it(tmp_path: Path) -> None:
    """Its children hold the writing end of a pipe: who reads sees the end when the last one is gone."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    async def main() -> None:
        with anyio.fail_after(10):
            async with flow.child(["sh", "-c", f"sleep 60 > {pipe} & echo started; wait"]) as process:
                assert process.stdout is not None and await process.stdout.receive() == b"started\n"
                raise Interrupted

    with pytest.raises(Interrupted):
        flow.run(main)
    os.set_blocking(reading, True)
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_child_that_ends_by_itself() -> None:
    async def main() -> tuple[bytes, int]:
        async with flow.child([sys.executable, "-c", "print('x'); raise SystemExit(3)"]) as process:
            assert process.stdout is not None
            return await process.stdout.receive(), await process.wait()

    output, code = flow.run(main)
    assert output.strip() == b"x" and code == 3


@pytest.mark.skipif(os.name != "posix", reason="no signals of this kind")
def test_a_second_signal_does_not_disturb_the_cleaning_up() -> None:
    done = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await anyio.sleep(10)
        finally:
            with anyio.CancelScope(shield=True):
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGTERM)
                await anyio.sleep(0.05)
                done.append("cleaned up")

    with pytest.raises(Interrupted) as caught:
        flow.run(main)
    assert done == ["cleaned up"] and caught.value.code == ExitCode.INTERRUPTED
