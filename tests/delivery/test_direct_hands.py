"""Processes that make files out of archives. What they make is looked at in tests/commands/test_no_cache.py."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.delivery.direct_hands import DirectHands, direct_hands
from engine.errors import CacheError, StorageError
from engine.fetch.packages import spooled
from engine.fetch.packages.settings import FetchSettings
from engine.fetch.packages.spooled import SpooledArchive, spool
from engine.fetch.packages.unpack import UnpackOptions
from engine.fetch.packages.unpackers import WORTH
from engine.link.packages.making import Making
from engine.link.request import PrefixTarget
from tests.fetch.feeding import record_of, whole
from tests.kit.package import make_package

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no such processes on Windows")


@pytest.fixture
def hands() -> Iterator[DirectHands]:
    made = DirectHands(1)
    yield made
    made.close()


@pytest.fixture
def payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpooledArchive]:
    monkeypatch.setattr(spooled, "NAMED", 0)
    built = make_package("tool", files={"share/tool": "x" * 5000})
    kept = spool(whole(built.data), record_of(built), str(tmp_path), UnpackOptions(), named=True)
    assert kept.open()
    yield kept
    kept.close()
    assert os.listdir(tmp_path) in ([], ["prefix"])


def making(place: Path) -> Making:
    target = PrefixTarget(str(place), str(place), str(place), "linux-64", None)
    plain = {"share/tool": f"{place}/tool"}
    return Making(dist="tool", target=target, aside=f"{place}/aside", umask=0o22, plain=plain, special={}, lost=set())


def test_files_are_made(hands: DirectHands, payload: SpooledArchive, tmp_path: Path) -> None:
    (tmp_path / "prefix").mkdir()
    assert hands.make(payload, making(tmp_path / "prefix"), lambda: None).unpacked == 1
    assert (tmp_path / "prefix/tool").read_text() == "x" * 5000


def test_a_disk_that_refuses(hands: DirectHands, payload: SpooledArchive, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"Could not link tool into {tmp_path}/prefix: No such file"):
        hands.make(payload, making(tmp_path / "prefix"), lambda: None)


def test_a_process_that_is_killed(hands: DirectHands, payload: SpooledArchive, tmp_path: Path) -> None:
    (tmp_path / "prefix").mkdir()
    hands.all[0].process.kill()
    hands.all[0].process.wait()
    with pytest.raises(CacheError, match="Could not unpack tool: the process that unpacks ended unexpectedly"):
        hands.make(payload, making(tmp_path / "prefix"), lambda: None)
    assert hands.make(payload, making(tmp_path / "prefix"), lambda: None).unpacked == 1  # by this thread


def test_whoever_is_to_stop_does_not_wait(
    hands: DirectHands, payload: SpooledArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prefix").mkdir()
    os.mkfifo(tmp_path / "prefix/pipe")
    waiting = making(tmp_path / "prefix")
    found = payload.spooled()
    assert found is not None
    monkeypatch.setattr(payload, "_path", str(tmp_path / "prefix/pipe"))  # to open it takes until somebody writes

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        hands.make(payload, waiting, stop)
    assert not len(hands)


@pytest.mark.parametrize(("size", "threads"), [(WORTH - 1, 2), (WORTH, 1)])
def test_where_they_would_not_pay(size: int, threads: int) -> None:
    record = record_of(make_package("tool"), size=size)
    assert direct_hands([record], FetchSettings(extract_threads=threads)) is None


def test_whoever_is_to_stop_does_not_wait_for_a_process(
    hands: DirectHands, payload: SpooledArchive, tmp_path: Path
) -> None:
    """Who else stops kills the process that it had: that is no failure of who waits for it."""
    (tmp_path / "prefix").mkdir()
    busy = hands.take()
    stopped = threading.Event()

    def stop_too() -> None:
        stopped.set()
        busy.process.kill()
        hands.give_back(busy)

    def checkpoint() -> None:
        if stopped.is_set():
            raise InterruptedError

    other = threading.Timer(0.1, stop_too)
    other.start()
    with pytest.raises(InterruptedError):
        hands.make(payload, making(tmp_path / "prefix"), checkpoint)
    other.join()
