"""What the benchmark says follows from what was measured."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("rattler", reason="the benchmark's peer is not installed")

from perf.contenders import RATTLER, WHIPSNAKE, WHIPSNAKE_PLAIN, Job, everyone
from perf.create import differences
from perf.measure import Run, RunFailed, run
from perf.report import Facts, otherwise_left, write_report
from perf.scenarios import SCENARIOS, Scenario
from perf.syscalls import Calls
from tests.kit.tree import Entry


def test_phases() -> None:
    assert WHIPSNAKE.phases('{"success": true, "timings": {"solve": 0.25, "link": 1.5}}') == {
        "solve": 0.25,
        "link": 1.5,
    }
    assert RATTLER.phases('warning\n{"solve": 1.5}\n') == {"solve": 1.5}


def test_everyone_does_the_same_job() -> None:
    job = Job("create", "http://127.0.0.1:1", Path("prefix"), Path("cache"), ("python", "x"))
    for contender in everyone():
        command = contender.command(job)
        assert command is not None and command[-2:] == ["python", "x"]
        assert {"http://127.0.0.1:1", "prefix"} <= set(command)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_scenario_names_its_place(scenario: Scenario) -> None:
    job = scenario.job(Job("create", "http://127.0.0.1:1", Path("/prefix"), Path("/cache"), ("python", "x")))
    for contender in (WHIPSNAKE, RATTLER):
        command = contender.command(job)
        assert command is not None and "/prefix" in " ".join(command)


def test_a_run_is_measured(tmp_path: Path) -> None:
    code = "import time; block = b'x' * 60_000_000; time.sleep(0.1); print('done')"
    found = run([sys.executable, "-c", code], env=os.environ, cwd=tmp_path)
    assert found.output == "done\n"
    assert 0.1 < found.seconds < 30
    assert 60_000_000 < found.rss < 200_000_000
    small = run([sys.executable, "-c", "pass"], env=os.environ, cwd=tmp_path)
    assert small.rss < 40_000_000
    with pytest.raises(RunFailed, match="exit code 3"):
        run([sys.executable, "-c", "exit(3)"], env=os.environ, cwd=tmp_path)


def test_differences_name_paths_and_spare_entry_points() -> None:
    file, other, link = Entry("file", 0o644, "a"), Entry("file", 0o644, "b"), Entry("link", 0, "a")
    ours = {"same": file, "bin/pip": file, "changed": file, "ours": link, "bin/bench-001": file}
    theirs = {"same": file, "bin/pip": other, "changed": other, "bin/bench-001": link}
    assert list(differences(ours, theirs)) == ["bin/bench-001", "changed", "ours"]


def test_who_else_may_write_a_script_is_no_difference() -> None:
    assert list(differences({"bin/x": Entry("file", 0o755, "a")}, {"bin/x": Entry("file", 0o775, "b")})) == []
    assert list(differences({"lib/x": Entry("file", 0o755, "a")}, {"lib/x": Entry("file", 0o775, "a")})) == ["lib/x"]


def test_differences_pass_over_the_text_of_scripts_only() -> None:
    ours, theirs = {"bin/x": Entry("file", 0o755, "a")}, {"bin/x": Entry("file", 0o644, "b")}
    assert list(differences(ours, theirs)) == ["bin/x"]


def test_the_report_has_medians_and_ratios(tmp_path: Path) -> None:
    seconds = {WHIPSNAKE.name: (1.0, 2.0, 9.0), WHIPSNAKE_PLAIN.name: (1.0, 1.0, 1.0), RATTLER.name: (4.0, 4.0, 4.0)}
    runs = {
        (name, scenario): [Run(number, 1.0, 50_000_000, "{}") for number in numbers]
        for name, numbers in seconds.items()
        for scenario in ("cold", "warm")
    }
    path = tmp_path / "RESULTS.md"
    facts = Facts("made", 3, ["--rounds", "3"], "nginx", 12, 5_000_000)
    trees = {WHIPSNAKE_PLAIN.name: {"a": Entry("file", 0o644)}, RATTLER.name: {"a": Entry("file", 0o644)}}
    calls = {(WHIPSNAKE.name, "warm"): Calls(1234, 56)}
    write_report(path, runs, facts, trees=trees, left={}, calls=calls, floors={"warm": 0.5}, differing=[])
    text = path.read_text()
    assert "`python -m perf.create --rounds 3`" in text
    assert "| **cold**: nothing cached | whipsnake | 2.00 | 1.00 – 9.00 | 0.50 | 1.00 | 0.50 | 50 MB |" in text
    assert "| | floor: `cp -al` of the same files | 0.50 | | 0.12 | | | |" in text
    assert "| warm | whipsnake | 1,234 | 56 |" in text
    assert "equal file for file" in text
    write_report(path, runs, facts, trees=trees, left={}, calls={}, floors={}, differing=["lib/x"])
    assert "- `lib/x`" in path.read_text()


def test_what_changes_an_environment_has_a_part_of_its_own(tmp_path: Path) -> None:
    names = (WHIPSNAKE.name, RATTLER.name)
    runs = {(name, scenario): [Run(1.0, 1.0, 50_000_000, "{}")] for name in names for scenario in ("update", "remove")}
    left = {(name, "update"): frozenset({"a-1-0", "b-1-0"}) for name in names}
    path = tmp_path / "RESULTS.md"
    facts = Facts("conda", 3, ["--rounds", "3"], "nginx", 12, 5_000_000)
    write_report(path, runs, facts, trees={}, left=left, calls={}, floors={}, differing=[])
    text = path.read_text()
    assert "<!-- change-conda -->" in text and "## Changing an environment (`.conda` only)" in text
    assert "- update: the 2 packages that py-rattler leaves; they run." in text
    left[WHIPSNAKE.name, "update"] = frozenset({"a-1-0", "c-1-0"})
    told = "update, whipsnake: 1 (c-1-0) more, 1 (b-1-0) fewer"
    assert list(otherwise_left(left)) == [(WHIPSNAKE.name, told)]
    write_report(path, runs, facts, trees={}, left=left, calls={}, floors={}, differing=[])
    assert f"- But {told}." in path.read_text()


def test_who_takes_too_long_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    found = run(command, env=os.environ, cwd=tmp_path, limit=0.2)
    assert found.stopped
    assert found.seconds >= 0.2
    assert not run(["true"], env=os.environ, cwd=tmp_path, limit=60).stopped
