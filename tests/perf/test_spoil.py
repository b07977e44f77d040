"""Spoilt requests: the same ones each time, and of the kind that their way says."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rattler", reason="the benchmark's peer is not installed")

from engine.errors import Unsatisfiable
from engine.model.channel import Channel
from engine.model.repodata import RepoData, RepoDataSplitter
from engine.solve.solver import solve
from perf.channels import Shape, make_channel
from perf.instances import Instance
from perf.quality_report import Outcome
from perf.solve_quality import least
from perf.spoil import WAYS, spoilt
from perf.spoilt_report import write_spoilt
from tests.solve.kit import task

ASKED = ("numpy", "pandas")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[RepoData]:
    path = tmp_path_factory.mktemp("channel")
    make_channel(path, Shape(names=400, records=6_000))
    found = []
    for subdir in ("linux-64", "noarch"):
        splitter = RepoDataSplitter(Channel(name="made", base_url="https://conda.anaconda.org/made"), subdir)
        splitter.feed((path / subdir / "repodata.json").read_bytes())
        found.append(splitter.finish())
    return found


@pytest.fixture(scope="module")
def instance(rows: list[RepoData]) -> Instance:
    records = solve(task(rows, *ASKED)).records
    locked = tuple(f"{record.name} {record.version} {record.build}" for record in records)
    return Instance("one", "linux-64", ASKED, locked, has_everything=True)


@pytest.mark.parametrize("way", list(WAYS))
def test_the_same_instance_is_spoilt_the_same_way(way: str, rows: list[RepoData], instance: Instance) -> None:
    found = spoilt(instance, rows, way)
    assert found == spoilt(instance, rows, way)
    assert found.specs[: len(ASKED)] == ASKED
    assert len(found.specs) > len(ASKED)
    assert not found.has_everything


def test_what_clashes_has_no_answer(rows: list[RepoData], instance: Instance) -> None:
    with pytest.raises(Unsatisfiable):
        solve(task(rows, *spoilt(instance, rows, "clash").specs))


def test_of_several_rounds_the_least_times_count() -> None:
    rounds = [
        Outcome("a", "linux-64", cpu=ours, peer_cpu=theirs) for ours, theirs in ((2.0, 5.0), (1.0, 6.0), (3.0, 4.0))
    ]
    found = least(rounds[0], rounds[1:])
    assert (found.cpu, found.peer_cpu) == (1.0, 4.0)


def test_the_report_names_the_worst(tmp_path: Path) -> None:
    good = Outcome("a", "linux-64", feasible=True, peer_feasible=True, cpu=1.0, peer_cpu=2.0)
    bad = Outcome("b", "linux-64", cpu=3.0, peer_cpu=1.0)
    write_spoilt(tmp_path / "Q.md", [good, bad], way="clash", words=["--every", "2"])
    text = (tmp_path / "Q.md").read_text()
    assert "`python -m perf.solve_quality --spoil clash --every 2`" in text
    assert "| … without an answer | 1 |" in text
    assert text.index("- 3.00: `b`, no answer") < text.index("- 0.50: `a`, an answer")
