"""The solver's benchmark: same seed, same channel, and one that can be solved; a report of what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("rattler", reason="the benchmark's peer is not installed")

from engine.model.channel import Channel
from engine.model.repodata import RepoData, RepoDataSplitter
from engine.solve.solver import solve
from perf.channels import SPECS, Shape, make_channel
from perf.measure import Run
from perf.sections import put
from perf.solve_report import Scenario, write_report
from perf.solvers import Question, planned, solvers
from tests.kit.checker import check
from tests.solve.kit import task

SHAPE = Shape(names=400, records=6_000)


def rows(path: Path, subdir: str) -> RepoData:
    splitter = RepoDataSplitter(Channel(name="made", base_url="https://conda.anaconda.org/made"), subdir)
    splitter.feed((path / subdir / "repodata.json").read_bytes())
    return splitter.finish()


def test_made_channels(tmp_path: Path) -> None:
    total = make_channel(tmp_path / "one", SHAPE)
    assert 0.7 * SHAPE.records < total < 1.3 * SHAPE.records
    make_channel(tmp_path / "two", SHAPE)
    for subdir in ("linux-64", "noarch"):
        text = (tmp_path / "one" / subdir / "repodata.json").read_bytes()
        assert text == (tmp_path / "two" / subdir / "repodata.json").read_bytes()
        assert json.loads(text)["info"]["subdir"] == subdir
    found = solve(task([rows(tmp_path / "one", "linux-64"), rows(tmp_path / "one", "noarch")], *SPECS))
    assert check(found.records, SPECS) == []
    assert len(found.records) > 30


def test_every_program_gets_the_same_question() -> None:
    question = Question("http://127.0.0.1:1", ("python", "x"), Path("folder"))
    for program in solvers():
        command = program.command(question)
        assert command[-2:] == ["python", "x"]
        assert {"http://127.0.0.1:1", "linux-64"} <= set(command)


def test_a_plan_is_read_whoever_printed_it() -> None:
    for text in (
        "  + numpy        2.1.0  py313_0  conda-forge  9 MB\n  + numpy-base   1.0  0  conda-forge\n",
        "numpy-2.1.0-py313_0.conda\nnumpy-base-1.0-0.conda\n",
        "    numpy-2.1.0                |          py313_0         9 MB\n",
    ):
        assert planned(text, ("numpy", "base", "scipy")) == {"numpy": "2.1.0"}
    assert planned("  - numpy >=2.1.0 is asked for\nnumpy >=3", ("numpy",)) == {}


def test_parts_of_a_file_leave_each_other_alone(tmp_path: Path) -> None:
    path = tmp_path / "R.md"
    put(path, "one", ["first"])
    put(path, "two", ["second"])
    put(path, "one", ["third"])
    text = path.read_text()
    assert "first" not in text
    assert text.index("third") < text.index("second")
    assert text.count("<!-- one -->") == 1


def test_the_report_has_medians_and_ratios(tmp_path: Path) -> None:
    warm = Scenario("wide", "warm")
    runs = {
        (warm, "whipsnake"): [Run(number, 0.5, 50_000_000, "") for number in (1.0, 2.0, 9.0)],
        (warm, "py-rattler"): [Run(4.0, 1.0, 500_000_000, "")] * 3,
        (warm, "conda"): [Run(60.0, 59.0, 900_000_000, "", stopped=True)],
    }
    plans = {"wide": {"whipsnake": {"x": "2"}, "py-rattler": {"x": "1"}, "micromamba": {"x": "2"}}}
    write_report(tmp_path / "RESULTS.md", runs, origins={"wide": "made"}, plans=plans, words=["--rounds", "3"])
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| wide, warm | conda | over 60 | stopped | below 0.033 | over 59 | 900 MB |" in text
    assert "| wide, warm | whipsnake | 2.00 | 1.00 – 9.00 | 1.00 | 0.50 | 50 MB |" in text
    assert "| wide, warm | py-rattler | 4.00 | 4.00 – 4.00 | 0.50 | 1.00 | 500 MB |" in text
    assert "- *wide*: x 2 (whipsnake, micromamba); x 1 (py-rattler)" in text
    assert "`python -m perf.solve --rounds 3`" in text
