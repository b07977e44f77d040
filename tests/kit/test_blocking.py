"""The watch for blocking calls sees what it should, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import linecache
import os
import sys
import weakref
from pathlib import Path
from types import ModuleType

import anyio.to_thread
import pytest

from tests.kit.blocking import watching

pytestmark = pytest.mark.anyio

SOURCE = """
import anyio.to_thread, gc, os, time

def look(path):
    return os.listdir(path)

async def blocks(path):
    look(path)

async def sleeps():
    time.sleep(0)

async def collects():
    gc.collect()

async def does_not(path):
    await anyio.to_thread.run_sync(look, path)
"""


@pytest.fixture
def module() -> ModuleType:
    found = ModuleType("engine.made_up")
    exec(SOURCE, found.__dict__)
    return found


async def test_a_coroutine_that_looks_at_the_disk_is_seen(module: ModuleType, tmp_path: Path) -> None:
    with watching() as found:
        await module.blocks(tmp_path)
    assert len(found) == 1 and "os.listdir" in found[0] and "engine.made_up.blocks" in found[0]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="older interpreters don't tell of it")
async def test_a_coroutine_that_sleeps_is_seen(module: ModuleType) -> None:
    with watching() as found:
        await module.sleeps()
    assert len(found) == 1 and "time.sleep" in found[0]


async def test_threads_and_the_tests_themselves_may(module: ModuleType, tmp_path: Path) -> None:
    with watching() as found:
        await module.does_not(tmp_path)
        await anyio.to_thread.run_sync(module.look, tmp_path)
        module.look(tmp_path)  # called from a coroutine of the test
    module.look(tmp_path)
    assert found == []


class Garbage:
    """An object in a cycle, with a finalizer that removes a file."""

    def __init__(self, path: Path) -> None:
        self.me = self
        weakref.finalize(self, os.unlink, path)


async def test_what_others_left_is_not_its_fault(module: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with watching() as found:
        Garbage(path)
        await module.collects()
    assert found == [] and not path.exists()


async def fail() -> None:
    raise ValueError("nobody asks")


async def leave_failed() -> None:
    """Leave a task that failed in a cycle, for the collector to find."""
    kept: list[object] = [asyncio.create_task(fail())]
    kept.append(kept)
    await asyncio.sleep(0.01)


async def test_what_is_told_of_a_task_that_others_left_is_not_its_fault(
    module: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    gc.disable()
    try:
        await anyio.to_thread.run_sync(asyncio.run, leave_failed())
        linecache.clearcache()  # so that the task's traceback has to be read
        with watching() as found:
            await module.collects()
    finally:
        gc.enable()
    assert "Task exception was never retrieved" in caplog.text
    assert found == []


async def test_nothing_is_seen_afterwards(module: ModuleType, tmp_path: Path) -> None:
    with watching() as found:
        pass
    await module.blocks(tmp_path)
    assert found == []
