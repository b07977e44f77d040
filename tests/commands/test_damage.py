"""A cached index that is spoilt while a command works with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ExitCode
from engine.planning import planner as planning
from engine.solve.task import Solution, SolveTask
from tests.commands.conftest import Done

Create = Callable[..., Done]


@pytest.fixture
def spoiling(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Between loading and the first solve another program writes into the cached files."""
    solve, spoilt = planning._interruptible, []

    async def after_damage(task: SolveTask) -> Solution:
        if not spoilt:
            for path in (root / "pkgs/cache").glob("????????.json"):
                spoilt.append(path)
                path.write_bytes(b"x" * path.stat().st_size)
        assert spoilt
        return await solve(task)

    monkeypatch.setattr(planning, "_interruptible", after_damage)


@pytest.mark.usefixtures("spoiling")
def test_it_is_fetched_anew_and_the_command_goes_on(create: Create, root: Path) -> None:
    done = create("-n", "one", "tool")
    assert done.code == 0
    assert "damaged" in done.err
    assert (root / "envs/one/bin/tool").exists()
    again = create("-n", "two", "tool")
    assert (again.code, again.err) == (0, "")


def test_offline_it_is_one_clear_error(create: Create, request: pytest.FixtureRequest, root: Path) -> None:
    create("-n", "one", "tool")
    request.getfixturevalue("spoiling")
    done = create("-n", "two", "tool", "--offline")
    assert done.code == ExitCode.FAILURE
    assert "damaged" in done.err
    assert not (root / "envs/two").exists()
