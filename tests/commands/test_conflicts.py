"""``path_conflict``: two packages with the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package


@pytest.fixture
def words(channel: ChannelBuilder) -> tuple[str, ...]:
    for name in ("first", "second"):
        channel.add(make_package(name, "1.0", files={"share/same": name}))
    channel.write()
    return ("--override-channels", "-c", f"file://{channel.path}")


def test_conflicts_are_said_or_prevented(run_command: RunCommand, words: tuple[str, ...], root: Path) -> None:
    done = run_command("create", "-y", "-n", "one", "first", "second", *words)
    assert done.code == 0
    assert "bring the same files: share/same" in done.err


def test_prevented_when_an_environment_is_made(
    run_command: RunCommand, words: tuple[str, ...], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_PATH_CONFLICT", "prevent")
    done = run_command("create", "-y", "-n", "one", "first", "second", *words)
    assert done.code == 1
    assert "bring the same files: share/same." in done.err
    assert "`path_conflict: prevent`" in done.err
    assert not (root / "envs/one").exists()


def test_prevented_when_one_is_changed(
    run_command: RunCommand, words: tuple[str, ...], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_command("create", "-y", "-n", "one", "first", *words).code == 0
    monkeypatch.setenv("CONDA_PATH_CONFLICT", "prevent")
    done = run_command("install", "-y", "-n", "one", "second", *words)
    assert done.code == 1
    assert "share/same" in done.err
    assert (root / "envs/one/share/same").read_text() == "first"
    assert "second" not in run_command("list", "-n", "one").out
