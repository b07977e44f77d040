"""What the benchmark says follows from what was measured."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("rattler", reason="the benchmark's peer is not installed")

from perf.contenders import EVERYONE, RATTLER, WHIPSNAKE, Job
from perf.create import differences
from perf.measure import Run, RunFailed, run
from perf.report import write_report
from tests.kit.tree import Entry


def test_phases() -> None:
    assert WHIPSNAKE.phases('{"success": true, "timings": {"solve": 0.25, "link": 1.5}}') == {
        "solve": 0.25,
        "link": 1.5,
    }
    assert RATTLER.phases('warning\n{"solve": 1.5}\n') == {"solve": 1.5}


def test_everyone_does_the_same_job() -> None:
    job = Job("http://127.0.0.1:1", Path("prefix"), Path("cache"), ("python", "x"))
    for contender in EVERYONE:
        command = contender.command(job)
        assert command[-2:] == ["python", "x"]
        assert {"http://127.0.0.1:1", "prefix"} <= set(command)


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


def test_the_report_has_medians_and_ratios(tmp_path: Path) -> None:
    seconds = {WHIPSNAKE.name: (1.0, 2.0, 9.0), RATTLER.name: (4.0, 4.0, 4.0)}
    runs = {
        (contender.name, heat): [Run(number, 1.0, 50_000_000, "{}") for number in seconds.get(contender.name, (8.0,))]
        for contender in EVERYONE
        for heat in ("cold", "warm")
    }
    path = tmp_path / "RESULTS.md"
    write_report(path, runs, files=12, differing=[], words=["--rounds", "3"])
    text = path.read_text()
    assert "`python -m perf.create --rounds 3`" in text
    assert "| cold (empty caches) | whipsnake | 2.00 | 1.00 – 9.00 | 0.50 | 1.00 | 50 MB |" in text
    assert "equal file for file" in text
    write_report(path, runs, files=12, differing=["lib/x"], words=[])
    assert "- `lib/x`" in path.read_text()
