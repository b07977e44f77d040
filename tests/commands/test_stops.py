"""Every change of an environment, stopped at each of its steps on disk: after the next command all is old or new.

The process is killed, or one operation fails (ENOSPC, EIO, EACCES). The place that is compared holds the environments
and whatever hidden things may be left beside them.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands.conftest import build_channel
from tests.kit.layer import Layer
from tests.kit.stops import KILL, Ended, run_stopped
from tests.kit.tree import Entry, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs fork")


@dataclass(frozen=True)
class Case:
    """A command to be stopped. In words, ``{p}`` is the environment and ``{q}`` another place."""

    before: Sequence[str]
    """What makes the environment that is there; nothing where the list is empty."""
    words: Sequence[str]
    looks: Sequence[str] = ("{p}",)
    """The environments that the next commands look at."""

    @property
    def odd(self) -> int:
        """Which half of the steps is refused; cases with many steps in common take turns."""
        return list(CASES.values()).index(self) % 2


CASES = {
    "create": Case([], ["create", "-p", "{p}", "tool", "data"]),
    "create with a script": Case([], ["create", "-p", "{p}", "scripted", "base-lib"]),
    "replace": Case(["create", "-p", "{p}", "old-tool"], ["create", "-p", "{p}", "data"]),
    "replace with a script": Case(["create", "-p", "{p}", "data"], ["create", "-p", "{p}", "scripted"]),
    "install": Case(["create", "-p", "{p}", "base-lib=1"], ["install", "-p", "{p}", "base-lib=2", "data"]),
    "install with a script": Case(["create", "-p", "{p}", "base-lib"], ["install", "-p", "{p}", "checked"]),
    "remove": Case(["create", "-p", "{p}", "tool", "data"], ["remove", "-p", "{p}", "base-lib"]),
    "update": Case(["create", "-p", "{p}", "base-lib=1"], ["update", "-p", "{p}", "--all"]),
    "clone": Case(["create", "-p", "{p}", "data"], ["create", "-p", "{q}", "--clone", "{p}"], ("{q}", "{p}")),
    "rename": Case(["create", "-p", "{p}", "data"], ["rename", "-p", "{p}", "{q}"], ("{p}", "{q}")),
    "rename, seen from the other end": Case(
        ["create", "-p", "{p}", "tool"], ["rename", "-p", "{p}", "{q}"], ("{q}", "{p}")
    ),
    "rename with a script": Case(["create", "-p", "{p}", "scripted"], ["rename", "-p", "{p}", "{q}"], ("{p}", "{q}")),
    "env remove": Case(["create", "-p", "{p}", "tool", "data"], ["env", "remove", "-p", "{p}"]),
}


CODES = (errno.ENOSPC, errno.EIO, errno.EACCES)


class World:
    """A place with environments, and commands on it."""

    def __init__(self, tmp_path: Path, case: Case, layer: Layer | None = None) -> None:
        self.layer = layer
        self.place, self.saved = tmp_path / "envs", tmp_path / "saved"
        self.channel, self.case = tmp_path / "channel", case
        self.place.mkdir()
        build_channel(self.channel)
        if case.before:
            assert self.run(case.before).code == 0
        shutil.copytree(self.place, self.saved, symlinks=True)
        self.old = self.state()
        assert self.run(case.words).code == 0
        self.new = self.state()
        self.restore()
        self.whole = self.run(case.words)  # with the package cache as it will be from now on
        assert self.whole.code == 0, self.whole.text
        assert self.new != self.old

    def run(self, words: Sequence[str], step: int = -1, error: int = 0, signal: int = KILL) -> Ended:
        places = {"p": str(self.place / "env"), "q": str(self.place / "other")}
        told = [word.format(**places) for word in words]
        if words[0] in ("create", "install", "update") and "--clone" not in words:
            told += ["--override-channels", "-c", self.channel.as_uri()]
        return run_stopped([*told, "--yes"] if words[0] != "list" else told, self.place, step, error, signal)

    def restore(self) -> None:
        shutil.rmtree(self.place)
        shutil.copytree(self.saved, self.place, symlinks=True)
        if self.layer is not None:
            self.layer.bring(self.place)

    def state(self) -> dict[str, Entry | str]:
        """Everything there, without the times in histories and the kinds of links."""
        found: dict[str, Entry | str] = dict(tree(self.place, dirs=True))
        for path in found:
            if path.endswith("conda-meta/history"):
                found[path] = re.sub(r"==>.*<==", "", (self.place / path).read_text())
            elif path.endswith(".json"):  # a link that is refused becomes a copy
                found[path] = re.sub(r'"link":{.*?}', "", (self.place / path).read_text())
        return found

    def look(self) -> str:
        """The next commands; what they said."""
        return "\n".join(self.run(["list", "-p", prefix]).text for prefix in self.case.looks)


@pytest.fixture
def world(tmp_path: Path, root: Path, request: pytest.FixtureRequest) -> World:
    return World(tmp_path, CASES[request.param])


IN_AN_IMAGE = ["replace with a script", "rename", "env remove"]
"""What renames a whole directory elsewhere."""


@pytest.fixture
def image(
    tmp_path: Path, root: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world whose environment came with an image."""
    layer = Layer(monkeypatch)
    yield World(tmp_path, CASES[request.param], layer)
    layer.forget()


@pytest.mark.parametrize("world", CASES, indirect=True)
def test_killed_at_every_step(world: World) -> None:
    kill_at_every_step(world)


@pytest.mark.parametrize("image", IN_AN_IMAGE, indirect=True)
def test_killed_at_every_step_in_an_image(image: World) -> None:
    kill_at_every_step(image)


def kill_at_every_step(world: World) -> None:
    ends = []
    for step, name in enumerate(world.whole.steps):
        world.restore()
        ended = world.run(world.case.words, step)
        assert ended.code == -9, (name, ended)
        said = world.look()
        state = world.state()
        assert state in (world.old, world.new), (step, name, said, _difference(state, world.old), world.whole.steps)
        ends.append(state == world.new)
    assert ends == sorted(ends) and not ends[0], "once it is new, it stays new"


@pytest.mark.parametrize("world", CASES, indirect=True)
def test_refused_at_every_step(world: World) -> None:
    refuse_at_every_step(world)


@pytest.mark.parametrize("image", IN_AN_IMAGE, indirect=True)
def test_refused_at_every_step_in_an_image(image: World) -> None:
    refuse_at_every_step(image)


def refuse_at_every_step(world: World) -> None:
    for step, name in list(enumerate(world.whole.steps))[world.case.odd :: 2]:  # half of them: it takes a while
        world.restore()
        ended = world.run(world.case.words, step, CODES[step % len(CODES)])
        assert "has a fault" not in ended.text and "Traceback" not in ended.text, (name, ended.text)
        said = world.look()
        state = world.state()
        state, old, new = map(_files, (state, world.old, world.new))  # an empty directory that can't be removed stays
        assert state in (old, new), (step, name, ended, said, _difference(state, old))
        assert ended.code in (0, 1), (name, ended)
        assert ended.code or state == new, (name, ended)


def _files(state: dict[str, Entry | str]) -> dict[str, Entry | str]:
    return {path: entry for path, entry in state.items() if isinstance(entry, str) or entry.kind != "dir"}


def _difference(one: dict[str, Entry | str], other: dict[str, Entry | str]) -> object:
    return {path for path in {*one, *other} if one.get(path) != other.get(path)}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("world", ["create", "replace", "install with a script", "rename", "remove"], indirect=True)
def test_asked_to_stop(world: World, number: int, code: int) -> None:
    """What is done by then is done; else all is as before at once, and the exit code tells."""
    for step, name in list(enumerate(world.whole.steps))[3::4]:
        world.restore()
        ended = world.run(world.case.words, step, signal=number)
        assert ended.code in (code, 0), (name, ended)
        state, old, new = map(_files, (world.state(), world.old, world.new))
        assert state == (new if ended.code == 0 else old) or (ended.code and state == new), (name, ended)


def _step(world: World, part: str) -> int:
    return next(number for number, name in enumerate(world.whole.steps) if part in name)


@pytest.mark.parametrize("world", ["install"], indirect=True)
def test_recover_says_what_it_did(world: World) -> None:
    for part, said in (("base-lib-1.0-h_0.json", "An interrupted change of"), ("conda-meta/.whipsnake-", "nothing")):
        world.restore()
        world.run(world.case.words, _step(world, part) + 1)
        assert said in world.run(["recover", "-p", "{p}"]).text
        assert world.state() == world.old


@pytest.mark.parametrize("world", ["env remove"], indirect=True)
def test_clean_removes_what_a_cut_short_removal_left(world: World) -> None:
    world.restore()
    world.run(world.case.words, _step(world, "envs/env ") + 1)
    assert [name for name in os.listdir(world.place) if name.startswith(".env.")]
    other = world.place / "env2"
    assert world.run(["create", "-p", str(other)]).code == 0  # so that the place is known
    assert world.run(["clean", "--trash"]).code == 0
    assert os.listdir(world.place) == ["env2"]


def test_without_exchange_the_gap_is_closed(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file system can't let two directories change places, there are two renames."""
    monkeypatch.setattr("engine.link.transaction.staging.exchange", lambda one, other: False)
    world = World(tmp_path, CASES["replace"])
    world.restore()
    gap = next(number for number, name in enumerate(world.whole.steps) if name.endswith(".old")) + 1
    assert world.run(world.case.words, gap).code == -9
    assert not (world.place / "env").exists()
    assert "put back" in world.look()
    assert world.state() == world.old


@pytest.mark.parametrize("world", ["install"], indirect=True)
def test_who_only_looks_waits_for_nobody(world: World) -> None:
    """The state of a live change is left alone."""
    fcntl = pytest.importorskip("fcntl")
    world.restore()
    world.run(world.case.words, _step(world, "base-lib-1.0-h_0.json") + 1)
    before = world.state()
    with open(world.place / "env/conda-meta/.whipsnake.lock") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert world.run(["list", "-p", "{p}"]).code == 0
        assert world.state() == before
    assert "was undone" in world.look()
    assert world.state() == world.old
