"""``bulk`` as a process with forked workers: shared work, kill -9, Ctrl-C, and workers that die."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from engine.bulk.crew import can_fork
from engine.model.platform import native_platform
from tests.commands.conftest import build_channel
from tests.kit.demo import ROOT
from tests.kit.package import make_package
from tests.kit.server import ChannelServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no processes are forked")

NAMES = ("four", "one", "three", "two")
SLOW = "slow-1.0-h_0.conda"


class World:
    """A channel with one package that takes its time, five environment files, and a place for what is made."""

    def __init__(self, base: Path, server: ChannelServer) -> None:
        self.base, self.server = base, server
        self.envs = base / "root/envs"
        files = base / "files"
        files.mkdir()
        for name, specs in zip(NAMES, ("data", "tool, data", "old-tool", "tool"), strict=True):
            (files / f"{name}.yml").write_text(f"dependencies: [{specs}]\n")
        (files / "late.yml").write_text("dependencies: [slow, tool]\n")

    @contextmanager
    def running(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """``bulk`` in a session of its own, so that the whole of it can be killed."""
        source = ["--override-channels", "-c", self.server.url, "-r", str(self.base / "root")]
        command = [
            sys.executable,
            "-m",
            "cli",
            "bulk",
            "--json",
            "-j",
            "2",
            *source,
            str(self.base / "files"),
            *options,
        ]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(self.base)}
        if native_platform("Linux", "x86_64") != "linux-64":
            environ["CONDA_SUBDIR"] = "linux-64"
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, start_new_session=True
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *options: str) -> dict[str, Any]:
        """Once, to its end: the summary."""
        with self.running(*options) as process:
            out, err = process.communicate()
        assert (process.returncode, err) == (0, ""), out + err
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found

    def stall(self) -> None:
        """From now on the slow package takes for ever."""
        self.server.fail(f"*/{SLOW}", bandwidth=1_000, times=None)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    channel = build_channel(tmp_path / "channel")
    channel.add(make_package("slow", files={"share/slow": os.urandom(60_000)})).write()
    with ChannelServer(channel.path) as server:
        yield World(tmp_path, server)


def wait_for(process: subprocess.Popen[str], count: int) -> list[str]:
    """The names of the first environments that are made."""
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(count)]
    assert {line["state"] for line in lines} == {"created"}, lines
    return sorted(line["name"] for line in lines)


def workers_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_workers_share_all_work(world: World) -> None:
    summary = world.run()
    assert summary["states"] == {"created": 5}
    paths = [path for path in world.server.paths("*") if path.endswith((".conda", ".bz2"))]
    assert len(paths) == len(set(paths)) == 6
    assert sorted(path.name for path in world.envs.iterdir()) == sorted([*NAMES, "late"])
    world.server.forget()
    assert world.run()["states"] == {"unchanged": 5}
    assert world.server.requests == []


def test_killed_in_the_middle_and_run_again(world: World) -> None:
    world.stall()
    with world.running() as process:
        assert wait_for(process, 4) == sorted(NAMES)
        os.killpg(process.pid, signal.SIGKILL)
    world.server.forget()
    summary = world.run()
    assert summary["states"] == {"created": 1, "unchanged": 4}
    assert [path for path in world.server.paths() if "repodata" not in path] == [f"/linux-64/{SLOW}"]
    assert sorted(path.name for path in world.envs.iterdir()) == sorted([*NAMES, "late"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(world: World, number: signal.Signals) -> None:
    world.stall()
    with world.running() as process:
        wait_for(process, 4)
        os.killpg(process.pid, number)
        out, err = process.communicate()
    assert (process.returncode, err) == (128 + number, "")
    late, summary = [json.loads(line) for line in out.splitlines()]
    assert (late["name"], late["state"]) == ("late", "stopped")
    assert summary["states"] == {"created": 4, "stopped": 1}
    assert summary["success"] is False
    assert sorted(os.listdir(world.envs)) == sorted(NAMES)


def test_workers_go_when_the_run_is_killed(world: World) -> None:
    world.stall()
    with world.running() as process:
        wait_for(process, 4)
        opened = [os.pidfd_open(pid) for pid in workers_of(process.pid)]
        process.kill()
        for fd in opened:
            assert select.select([fd], [], [], 15)[0], "a worker is still there"
            os.close(fd)
    assert len(opened) == 2
    assert sorted(os.listdir(world.envs)) == sorted(NAMES)


def test_a_worker_that_dies_takes_only_its_environment_along(world: World) -> None:
    world.stall()
    with world.running() as process:
        wait_for(process, 4)
        for pid in workers_of(process.pid):
            with suppress(ProcessLookupError):  # the run may be over once the first is dead
                os.kill(pid, signal.SIGKILL)
        out, err = process.communicate()
    late, summary = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, err) == (1, "")
    assert late["error"]["exception_name"] == "WorkerDied"
    assert summary["states"] == {"created": 4, "failed": 1}
    world.server.forget()
    assert world.run()["states"] == {"created": 1, "unchanged": 4}
    assert sorted(os.listdir(world.envs)) == sorted([*NAMES, "late"])


def test_a_process_with_threads_does_not_fork(world: World) -> None:
    assert not can_fork()  # the server of this test is one
