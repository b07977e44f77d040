"""Make and change a large real environment, in every scenario, against every peer on this machine, in one run.

    python -m perf.create [--rounds 5] [--channel mixed|conda|made] [--scenarios cold,warm,…] [--base DIR]
                          [--latency 0.02] [--bandwidth 12500000] [--packages 300] [--apart NAME]

Each run is a process of its own, start of the interpreter included. In each round everyone goes once through all
scenarios, in an order that rotates. All write to the same prefix, one after the other, so that their environments can
be compared byte for byte. Writes RESULTS.md. ``--channel made`` needs no network: packages made from a seed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from perf.channel import SPECS as MADE_SPECS
from perf.channel import build_channel
from perf.contenders import RATTLER, WHIPSNAKE, WHIPSNAKE_PLAIN, Contender, Job, everyone
from perf.floor import link_floor, unpack_floor
from perf.measure import Run, run
from perf.report import CHANGING, Facts, otherwise_left, write_report
from perf.scenarios import NEW, SCENARIOS, Scenario
from perf.science import CHECK, science_channels
from perf.serve import Wire, server_name, serving
from perf.syscalls import Calls, count
from tests.kit.demo import ROOT, clean_environment
from tests.kit.tree import Entry, tree


@dataclass
class Bench:
    """The runs so far: (contender, scenario) → runs, and the environment that each made last."""

    base: Path
    channel: str
    specs: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    contenders: tuple[Contender, ...] = field(default_factory=everyone)
    check: str = ""
    """Python that must work in the environment."""
    runs: dict[tuple[str, str], list[Run]] = field(default_factory=dict)
    trees: dict[str, dict[str, Entry]] = field(default_factory=dict)
    left: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """The packages that a scenario left in the environment, as ``name-version-build``."""
    floors: dict[str, float] = field(default_factory=dict)
    calls: dict[tuple[str, str], Calls] = field(default_factory=dict)

    def round(self, number: int) -> None:
        """Everyone once, through all scenarios."""
        turn = number % len(self.contenders)
        for contender in (*self.contenders[turn:], *self.contenders[:turn]):
            shutil.rmtree(self.prefix, ignore_errors=True)
            for scenario in self.scenarios:
                self._once(contender, scenario)

    @property
    def prefix(self) -> Path:
        return self.base / "env"

    def _once(self, contender: Contender, scenario: Scenario) -> None:
        job = self._job(contender)
        command = contender.command(scenario.job(job))
        if command is None:
            return
        scenario.prepare(contender, job, self._execute)
        finished = run(command, env=self._environ(), cwd=ROOT)
        self.runs.setdefault((contender.name, scenario.name), []).append(finished)
        print(f"  {scenario.name:<7} {contender.name:<22} {finished.seconds:7.2f} s", flush=True)
        if scenario.name == "warm" and contender.name not in self.trees:
            self._look_at(contender)
        if scenario.name in CHANGING:
            self.left[contender.name, scenario.name] = packages_in(self.prefix)
            check_runs(self.prefix, "" if scenario.name == "remove" else self.check)

    def _look_at(self, contender: Contender) -> None:
        """The environment must work. Ours also tells how long the plainest program needs for the same."""
        check_runs(self.prefix, self.check)
        self.trees[contender.name] = tree(self.prefix, skip=_is_bookkeeping)
        if contender is WHIPSNAKE:
            self.floors["warm"] = min(link_floor(self.prefix) for _ in range(3))

    def count_calls(self, names: tuple[str, ...] = ("warm", "cold", "direct")) -> None:
        """Count system calls, once for each contender and scenario."""
        for scenario in (one for one in self.scenarios if one.name in names):
            for contender in self.contenders:
                job = self._job(contender)
                command = contender.command(scenario.job(job))
                before = partial(scenario.prepare, contender, job, self._execute)
                found = command and count(command, env=self._environ(), cwd=ROOT, before=before)
                if found:
                    self.calls[contender.name, scenario.name] = found

    def _execute(self, command: list[str]) -> None:
        run(command, env=self._environ(), cwd=ROOT)

    def _environ(self) -> dict[str, str]:
        return clean_environment(self.base / "home")

    def _job(self, contender: Contender) -> Job:
        cache = self.base / "caches" / contender.name.replace(" ", "").replace("--", "-")
        return Job("create", self.channel, self.prefix, cache, self.specs)


def _is_bookkeeping(path: str) -> bool:
    """What is each program's own: records, bytecode, and the mark for backup programs that py-rattler leaves."""
    return path in ("conda-meta", "CACHEDIR.TAG") or path.endswith("/__pycache__")


def packages_in(prefix: Path) -> frozenset[str]:
    """What an environment has by its records."""
    return frozenset(path.stem for path in prefix.glob("conda-meta/*.json"))


def check_runs(prefix: Path, code: str = "") -> None:
    """Start what was installed. Raises `CalledProcessError` or `AssertionError`."""
    program = f"import ssl, sqlite3, sys; print(sys.prefix)\n{code}"
    for command in (["python", "-I", "-B", "-c", program], ["pip", "--version"]):
        found = subprocess.run([prefix / "bin" / command[0], *command[1:]], capture_output=True, text=True, check=True)
        assert str(prefix) in found.stdout, f"{command[0]} printed {found.stdout!r}"


def differences(ours: dict[str, Entry], theirs: dict[str, Entry]) -> Iterator[str]:
    """Paths at which two environments differ; of entry points, whose texts are each program's own, type and mode, apart
    from who but the owner may write them: that is for the umask to say with us and conda, and always the group with
    py-rattler and micromamba."""
    for path in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(path), theirs.get(path)
        if path.startswith("bin/") and one is not None and other is not None:
            one, other = _as_script(one), _as_script(other)
        if one != other:
            yield path


def _as_script(entry: Entry) -> Entry:
    return replace(entry, content="", mode=entry.mode & ~0o022)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure creating and changing an environment against all peers.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--channel", choices=("mixed", "conda", "made"), default="mixed")
    parser.add_argument("--packages", type=int, default=300, help="how many, of --channel made")
    parser.add_argument("--scenarios", default=",".join(one.name for one in SCENARIOS))
    parser.add_argument("--latency", type=float, default=0.0, help="seconds, there and back")
    parser.add_argument("--bandwidth", type=int, default=0, help="bytes a second, all connections together")
    parser.add_argument("--base", type=Path, help="where to work; a folder of the system's for temporary files if left")
    parser.add_argument(
        "--apart", default="", metavar="NAME", help="a table of its own, where NAME is among the programs"
    )
    parser.add_argument("--no-calls", action="store_true", help="do not count system calls")
    parser.add_argument("--report", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    return parser.parse_args()


def _channel(args: argparse.Namespace, base: Path) -> Path:
    if args.channel == "made":
        print(f"Build a channel of {args.packages} packages", flush=True)
        return build_channel(base / "channel", packages=args.packages).path
    kept = science_channels()
    return kept.mixed if args.channel == "mixed" else kept.conda


def main() -> int:
    """Build the channel, run the rounds, compare, write the report."""
    args = _arguments()
    names = args.scenarios.split(",")
    if args.channel == "made":
        names = [name for name in names if name in ("cold", "warm", "direct")]
    with tempfile.TemporaryDirectory(prefix="whipsnake-perf-", dir=args.base) as folder:
        base = Path(folder).resolve()
        (base / "home").mkdir()
        channel = _channel(args, base)
        with serving(channel, Wire(args.latency, args.bandwidth)) as url:
            made = args.channel == "made"
            bench = Bench(
                base,
                url,
                MADE_SPECS if made else NEW,
                tuple(one for one in SCENARIOS if one.name in names),
                check="" if made else CHECK,
            )
            for number in range(args.rounds):
                print(f"Round {number + 1} of {args.rounds}", flush=True)
                bench.round(number)
            if not args.no_calls:
                bench.count_calls()
        archives = sorted(channel.glob("*/*.conda")) + sorted(channel.glob("*/*.tar.bz2"))
        bench.floors |= _cold_floor(bench, archives, args.bandwidth)
        size = _bytes(archives)
    found = _compared(bench)
    wrong = [line for name, line in otherwise_left(bench.left) if name in (WHIPSNAKE.name, WHIPSNAKE_PLAIN.name)]
    facts = Facts(args.channel, args.rounds, _words(args), server_name(), len(archives), size, args.apart)
    write_report(
        args.report,
        bench.runs,
        facts,
        trees=bench.trees,
        left=bench.left,
        calls=bench.calls,
        floors=bench.floors,
        differing=found,
    )
    print(args.report.read_text())
    return 1 if found or wrong else 0


def _cold_floor(bench: Bench, archives: list[Path], bandwidth: int) -> dict[str, float]:
    """Far away: what the bytes that came need on the wire. Otherwise: what unpacking alone takes."""
    runs = bench.runs.get((WHIPSNAKE.name, "cold"))
    if runs and bandwidth:
        fetched: dict[str, int] = json.loads(runs[0].output)["fetch"]
        return {"cold": (fetched["bytes"] + fetched["repodata_bytes"]) / bandwidth}
    seconds = unpack_floor(_installed(bench, archives), bench.base) if runs else None
    return {} if seconds is None else {"cold": seconds}


def _installed(bench: Bench, archives: list[Path]) -> list[Path]:
    """The archives that the environment is made of."""
    runs = bench.runs[WHIPSNAKE.name, "cold"]
    names = {record["fn"] for record in json.loads(runs[0].output)["actions"]["LINK"]}
    return [path for path in archives if path.name in names]


def _compared(bench: Bench) -> list[str]:
    ours, theirs = bench.trees.get(WHIPSNAKE_PLAIN.name), bench.trees.get(RATTLER.name)
    return list(differences(ours, theirs)) if ours and theirs else []


def _bytes(archives: list[Path]) -> int:
    return sum(path.stat().st_size for path in archives)


def _words(args: argparse.Namespace) -> list[str]:
    """The arguments that decide what is measured, as they would be typed."""
    names = ["channel", "rounds", "latency", "bandwidth", *(["packages"] if args.channel == "made" else [])]
    words = [word for name in names if (value := getattr(args, name)) for word in (f"--{name}", str(value))]
    words += [] if args.scenarios == _arguments_default() else ["--scenarios", args.scenarios]
    return [*words, "--apart", args.apart] if args.apart else words


def _arguments_default() -> str:
    return ",".join(one.name for one in SCENARIOS)


if __name__ == "__main__":
    sys.exit(main())
