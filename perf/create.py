"""Create an environment of a few hundred packages, cold and warm, against py-rattler in the same run.

    python -m perf.create [--rounds 5] [--packages 300] [--latency 0.02] [--bandwidth 12000000]

Each run is a process of its own, start of the interpreter included. In each round everyone goes once, in an order that
rotates: first with empty caches (cold), then with full ones (warm). All write to the same prefix, one after the other,
so that their environments can be compared byte for byte. Writes RESULTS.md.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from perf.channel import SPECS, build_channel
from perf.contenders import EVERYONE, RATTLER, WHIPSNAKE, Contender, Job
from perf.measure import Run, run
from perf.report import write_report
from tests.kit.demo import ROOT, clean_environment, serving
from tests.kit.tree import Entry, tree

TEMPERATURES = ("cold", "warm")


@dataclass
class Bench:
    """The runs so far: (contender, temperature) → runs, and the environment that each made last."""

    base: Path
    channel: str
    specs: tuple[str, ...] = SPECS
    runs: dict[tuple[str, str], list[Run]] = field(default_factory=dict)
    trees: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def round(self, number: int) -> None:
        """Everyone once, cold, then warm."""
        turn = number % len(EVERYONE)
        for contender in (*EVERYONE[turn:], *EVERYONE[:turn]):
            shutil.rmtree(self._cache(contender), ignore_errors=True)
            for temperature in TEMPERATURES:
                self._once(contender, temperature)

    def _once(self, contender: Contender, temperature: str) -> None:
        prefix = self.base / "env"
        shutil.rmtree(prefix, ignore_errors=True)
        job = Job(self.channel, prefix, self._cache(contender), self.specs)
        finished = run(contender.command(job), env=clean_environment(self.base / "home"), cwd=ROOT)
        self.runs.setdefault((contender.name, temperature), []).append(finished)
        print(f"  {temperature}  {contender.name:<28} {finished.seconds:6.2f} s", flush=True)
        if contender.name not in self.trees:
            check_runs(prefix)
            self.trees[contender.name] = tree(prefix, skip=_is_bookkeeping)

    def _cache(self, contender: Contender) -> Path:
        return self.base / "caches" / contender.name.replace(" ", "-").replace(",", "")


def _is_bookkeeping(path: str) -> bool:
    """What is each program's own: records, bytecode, and the mark for backup programs that py-rattler leaves."""
    return path in ("conda-meta", "CACHEDIR.TAG") or path.endswith("/__pycache__")


def check_runs(prefix: Path) -> None:
    """Start what was installed. Raises `CalledProcessError` or `AssertionError`."""
    for command, expected in (
        (["python", "-I", "-B", "-c", "import ssl, sqlite3, sys; print(sys.prefix)"], str(prefix)),
        (["whereami"], str(prefix)),
        (["pip", "--version"], str(prefix)),
    ):
        found = subprocess.run([prefix / "bin" / command[0], *command[1:]], capture_output=True, text=True, check=True)
        assert expected in found.stdout, f"{command[0]} printed {found.stdout!r}"


def differences(ours: dict[str, Entry], theirs: dict[str, Entry]) -> Iterator[str]:
    """Paths at which two environments differ; of entry points, whose texts are each program's own, type and mode."""
    for path in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(path), theirs.get(path)
        if _is_entry_point(path) and one is not None and other is not None:
            one, other = replace(one, content=""), replace(other, content="")
        if one != other:
            yield path


def _is_entry_point(path: str) -> bool:
    return path.startswith(("bin/pip", "bin/bench-")) and path.count("-") < 2


def _words(args: argparse.Namespace) -> list[str]:
    """The arguments that decide what is measured, as they would be typed."""
    named = {name: getattr(args, name) for name in ("rounds", "packages", "latency", "bandwidth")}
    return [word for name, value in named.items() if value for word in (f"--{name}", str(value))]


def main() -> int:
    """Build the channel, run the rounds, compare, write the report."""
    parser = argparse.ArgumentParser(description="Measure `create` against py-rattler.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--packages", type=int, default=300)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer of the server")
    parser.add_argument("--bandwidth", type=int, default=0, help="bytes a second and connection")
    parser.add_argument("--report", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whipsnake-perf-") as folder:
        base = Path(folder).resolve()
        (base / "home").mkdir()
        print(f"Build a channel of {args.packages} packages", flush=True)
        build_channel(base / "channel", packages=args.packages)
        with serving(base / "channel", "--latency", str(args.latency), "--bandwidth", str(args.bandwidth)) as url:
            bench = Bench(base, url)
            for number in range(args.rounds):
                print(f"Round {number + 1} of {args.rounds}", flush=True)
                bench.round(number)
    found = list(differences(bench.trees[WHIPSNAKE.name], bench.trees[RATTLER.name]))
    write_report(args.report, bench.runs, files=len(bench.trees[RATTLER.name]), differing=found, words=_words(args))
    print(args.report.read_text())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
