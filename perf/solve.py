"""How long until a program says what it will do, and how much memory that takes: whole processes, over HTTP.

    python -m perf.solve [--rounds 5] [--only wide] [--channels FOLDER]

Two channels: one as wide as conda-forge, one in which the names that the request reaches have some 100 000 records;
from real records where they stand beside the checkout, else made from a seed. In each round everyone goes once, in an
order that rotates: first without any cache (first use), then with the one they filled (warm). At last a request that
can't be met. Who says that it is done, but prints a plan without what was asked for, ends the run; who takes longer
than the limit is stopped and not asked that again. Writes its part of RESULTS.md, and solve.svg where matplotlib is
installed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from perf.channels import SPECS, deep_channel, wide_channel
from perf.measure import Run, run
from perf.solve_report import Scenario, write_report
from perf.solvers import Question, Solver, planned, solvers
from tests.kit.demo import ROOT, clean_environment, serving
from tests.kit.shared import has_shared

_CLASH = ("numpy <1.20", "pandas >=2.2", "python >=3.11") if has_shared() else ("numpy 1.0.*", "pandas >=4")
"""Nobody can have these together."""


@dataclass
class Bench:
    """One channel and its runs so far: (scenario, program) → runs."""

    base: Path
    url: str
    kind: str
    limit: float
    runs: dict[tuple[Scenario, str], list[Run]] = field(default_factory=dict)
    plans: dict[str, dict[str, str]] = field(default_factory=dict)
    """The versions of what was asked for, by program."""

    def round(self, number: int, programs: list[Solver]) -> None:
        """Everyone once: first use, warm, and what can't be had."""
        turn = number % len(programs)
        for program in (*programs[turn:], *programs[:turn]):
            if not self._gave_up(Scenario(self.kind, "first use"), program):
                shutil.rmtree(self._folder(program), ignore_errors=True)
            self._once(Scenario(self.kind, "first use"), program, SPECS)
            self._once(Scenario(self.kind, "warm"), program, SPECS)
            self._once(Scenario(self.kind, "warm, no answer"), program, _CLASH, code=1)

    def _once(self, scenario: Scenario, program: Solver, specs: tuple[str, ...], code: int = 0) -> None:
        if self._gave_up(scenario, program):
            return
        question = Question(self.url, specs, self._folder(program))
        question.folder.mkdir(parents=True, exist_ok=True)
        env = {**clean_environment(self.base / "home"), **program.environment(question)}
        finished = run(program.command(question), env=env, cwd=ROOT, codes=(code,), limit=self.limit)
        if code == 0 and not finished.stopped:
            self._check(program, finished.output)
        self.runs.setdefault((scenario, program.name), []).append(finished)
        told = f"{finished.seconds:6.2f} s {finished.rss / 1e6:5.0f} MB"
        print(f"  {scenario.kind}, {scenario.heat:<16} {program.name:<12} {told}", flush=True)

    def _gave_up(self, scenario: Scenario, program: Solver) -> bool:
        return any(run.stopped for run in self.runs.get((scenario, program.name), ()))

    def _check(self, program: Solver, output: str) -> None:
        """That there is a plan, with all that was asked for, and the same as before."""
        found = planned(output, SPECS)
        if found.keys() != set(SPECS) or self.plans.setdefault(program.name, found) != found:
            raise RuntimeError(f"{program.name} did not solve it as it should:\n{output}")

    def _folder(self, program: Solver) -> Path:
        return self.base / "caches" / self.kind / program.name


def _channels(folder: Path, only: str) -> Iterator[tuple[str, Path, str]]:
    for kind, make in (("wide", wide_channel), ("deep", deep_channel)):
        if only in ("", kind):
            print(f"Prepare the {kind} channel", flush=True)
            yield kind, *make(folder)


def _words(args: argparse.Namespace) -> list[str]:
    words = ["--rounds", str(args.rounds), "--limit", f"{args.limit:g}"]
    return [*words, "--only", args.only] if args.only else words


def main() -> int:
    """Make or find the channels, run the rounds, write the report."""
    parser = argparse.ArgumentParser(description="Measure `create --dry-run` against py-rattler and others.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds after which a program is stopped")
    parser.add_argument("--only", choices=["wide", "deep"], default="")
    parser.add_argument("--channels", type=Path, help="keep the channels in this folder, or take them from it")
    parser.add_argument("--report", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    args = parser.parse_args()
    programs = solvers()
    runs: dict[tuple[Scenario, str], list[Run]] = {}
    plans: dict[str, dict[str, dict[str, str]]] = {}
    origins: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="whipsnake-perf-") as temporary:
        base = Path(temporary).resolve()
        (base / "home").mkdir()
        for kind, channel, origins[kind] in _channels(args.channels or base, args.only):
            with serving(channel) as url:
                bench = Bench(base, url, kind, args.limit)
                for number in range(args.rounds):
                    print(f"Round {number + 1} of {args.rounds}", flush=True)
                    bench.round(number, programs)
            runs.update(bench.runs)
            plans[kind] = bench.plans
    write_report(args.report, runs, origins=origins, plans=plans, words=_words(args))
    print(args.report.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
