"""Many overlapping environments, cold and warm: `bulk` against loops over `create`, py-rattler and micromamba.

    python -m perf.bulk [--counts 1,10,50] [--rounds 5] [--channel DIRECTORY] [--base DIRECTORY]

Environments are drawn from a seed: python and a handful of the projects of `perf.science`, with all that they need.
Every contender makes the same ones in the same place, on the file system of its caches; whole processes are timed. In
each round everyone goes once, in an order that rotates: with empty caches (cold), then with full ones (warm). A loop is
a process for each environment, as a script would have it; py-rattler also makes them one by one in a single process
that keeps its index. Writes the section "Many environments" of RESULTS.md, and bulk.svg.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perf.bulk_report import write_report
from perf.measure import Run, run
from perf.science import PROJECTS, science_channels
from perf.serve import serving
from tests.kit.demo import ROOT, clean_environment
from tests.kit.tree import tree

TEMPERATURES = ("cold", "warm")
_SEED = 20


@dataclass(frozen=True)
class Job:
    """All environments to make once."""

    channel: str
    cache: Path
    place: Path
    wanted: dict[str, list[str]]
    """Name → specs."""

    @property
    def files(self) -> Path:
        """The folder of their files."""
        return self.place.parent / f"files-{len(self.wanted)}"


@dataclass(frozen=True)
class Contender:
    """A program; ``command`` is one that makes them all."""

    name: str
    command: Callable[[Job], list[str]]
    compiles: bool = False
    """Whether it byte-compiles."""


def _loop(each: Callable[[Job, str], list[str]]) -> Callable[[Job], list[str]]:
    """A shell that makes one after the other, each by a process of its own."""

    def command(job: Job) -> list[str]:
        lines = [" ".join(f"'{word}'" for word in each(job, name)) + " >/dev/null" for name in job.wanted]
        return ["sh", "-ec", "\n".join(lines)]

    return command


def _whipsnake(job: Job, *words: str) -> list[str]:
    source = ["--override-channels", "-c", job.channel, "-r", str(job.cache / "root")]
    return [sys.executable, "-m", "cli", *words, "--yes", "--quiet", *source]


def _bulk(job: Job, *options: str) -> list[str]:
    return [*_whipsnake(job, "bulk", *options), "--prefix-dir", str(job.place), str(job.files)]


def _create(job: Job, name: str, *options: str) -> list[str]:
    return [*_whipsnake(job, "create", *options), "-p", str(job.place / name), *job.wanted[name]]


def _rattler(job: Job, name: str) -> list[str]:
    place = [job.channel, str(job.place / name), str(job.cache)]
    return [sys.executable, "-m", "perf.peer_rattler", "create", *place, *job.wanted[name]]


def _rattler_once(job: Job) -> list[str]:
    wanted = job.place.parent / "wanted.json"
    wanted.write_text(json.dumps([[str(job.place / name), specs] for name, specs in job.wanted.items()]))
    return [sys.executable, "-m", "perf.peer_rattler_bulk", job.channel, str(job.cache), str(wanted)]


def _micromamba(program: str, *options: str) -> Callable[[Job, str], list[str]]:
    def command(job: Job, name: str) -> list[str]:
        place = ["-r", str(job.cache / "root"), "-p", str(job.place / name)]
        source = ["--override-channels", "-c", job.channel, "--no-rc", *options]
        return [program, "create", "-y", "-q", *place, *source, *job.wanted[name]]

    return command


OURS = Contender("whipsnake bulk", _bulk, compiles=True)
OURS_PLAIN = Contender("whipsnake bulk --no-pyc", lambda job: _bulk(job, "--no-pyc"))
CREATE = Contender("loop: whipsnake create", _loop(_create), compiles=True)
CREATE_PLAIN = Contender("loop: whipsnake create --no-pyc", _loop(lambda job, name: _create(job, name, "--no-pyc")))
RATTLER = Contender("loop: py-rattler", _loop(_rattler))
RATTLER_ONCE = Contender("py-rattler in one process", _rattler_once)


def everyone() -> list[Contender]:
    """Those who can take part on this machine."""
    found = [OURS, OURS_PLAIN, CREATE, CREATE_PLAIN, RATTLER, RATTLER_ONCE]
    program = shutil.which("micromamba")
    if program:
        found.append(Contender("loop: micromamba", _loop(_micromamba(program)), compiles=True))
        found.append(Contender("loop: micromamba --no-pyc", _loop(_micromamba(program, "--no-pyc"))))
    return found


@dataclass
class Bench:
    """The runs so far: (contender, temperature, count) → runs."""

    base: Path
    channel: str
    names: Sequence[str]
    runs: dict[tuple[str, str, int], list[Run]] = field(default_factory=dict)
    memory: dict[tuple[str, int], int] = field(default_factory=dict)
    """Of all processes of `bulk` together, in bytes."""
    files: dict[int, int] = field(default_factory=dict)

    def job(self, contender: Contender, count: int) -> Job:
        """What a contender is to do."""
        folder = self.base / "caches" / "".join(char if char.isalnum() else "-" for char in contender.name)
        job = Job(self.channel, folder, self.base / "envs", draw(self.names, count))
        job.files.mkdir(exist_ok=True)
        for name, specs in job.wanted.items():
            lines = "".join(f"- {spec}\n" for spec in specs)
            (job.files / f"{name}.yml").write_text(f"dependencies:\n{lines}")
        return job

    def round(self, number: int, contenders: Sequence[Contender], count: int) -> None:
        """Everyone once, cold, then warm."""
        turn = number % len(contenders)
        for contender in (*contenders[turn:], *contenders[:turn]):
            job = self.job(contender, count)
            shutil.rmtree(job.cache, ignore_errors=True)
            for temperature in TEMPERATURES:
                finished = self._once(contender, job)
                self.runs.setdefault((contender.name, temperature, count), []).append(finished)
                numbers = f"{finished.seconds:7.2f} s  {finished.cpu_seconds:7.2f} s of processor"
                print(f"  {count:>3}  {temperature}  {contender.name:<34} {numbers}", flush=True)
            if contender is OURS:
                self.files[count] = sum(len(tree(job.place / name)) for name in job.wanted)
            shutil.rmtree(job.cache, ignore_errors=True)

    def _once(self, contender: Contender, job: Job) -> Run:
        """One run; that each environment is there is checked."""
        shutil.rmtree(job.place, ignore_errors=True)
        job.place.mkdir()
        finished = run(contender.command(job), env=self._environ(), cwd=ROOT)
        lacking = [name for name in job.wanted if not (job.place / name / "bin/python").exists()]
        assert not lacking, f"{contender.name} did not make {', '.join(lacking)}"
        return finished

    def _environ(self) -> dict[str, str]:
        return clean_environment(self.base / "home")

    def weigh(self, count: int) -> None:
        """The peak memory of `bulk`, in runs apart, since looking takes time."""
        job = self.job(OURS, count)
        shutil.rmtree(job.cache, ignore_errors=True)
        for temperature in TEMPERATURES:
            shutil.rmtree(job.place, ignore_errors=True)
            self.memory[temperature, count] = peak_of_tree(OURS.command(job), self._environ())
        shutil.rmtree(job.cache, ignore_errors=True)

    def differences(self) -> list[str]:
        """Paths at which an environment of `bulk` differs from the same one of `create`; records apart."""
        job = self.job(OURS, 1)
        (name,) = job.wanted
        trees = []
        for command in (_bulk(job), _create(job, name)):
            shutil.rmtree(job.place, ignore_errors=True)
            run(command, env=self._environ(), cwd=ROOT)
            trees.append(tree(job.place / name, skip=lambda path: path == "conda-meta"))
        shutil.rmtree(job.cache, ignore_errors=True)
        one, other = trees
        return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def draw(names: Sequence[str], count: int) -> dict[str, list[str]]:
    """The environments: names and specs. Those of few are among those of many."""
    chance = random.Random(_SEED)
    least, most = (3, 8) if set(names) <= set(PROJECTS) else (15, 45)  # what has no dependencies stands for itself
    found = {}
    for number in range(count):
        chosen = chance.sample(list(names), min(len(names), chance.randint(least, most)))
        found[f"env{number:02}"] = ["python", *sorted(chosen)]
    return found


def package_names(channel: Path) -> list[str]:
    """What is asked for: the projects of `perf.science`, or of another channel all but what stands for everything."""
    names: set[str] = set()
    for path in channel.glob("*/repodata.json"):
        document = json.loads(path.read_text())
        names |= {record["name"] for part in ("packages", "packages.conda") for record in document[part].values()}
    if "science" in names:
        return sorted(names.intersection(PROJECTS))
    return sorted(names - {"python", "pip", "bench-all"})


def peak_of_tree(command: Sequence[str], env: dict[str, str]) -> int:
    """The largest sum of the proportional memory of a process and all below it, looked at all the time (Linux)."""
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_proportional, _tree(process.pid))))
    assert process.returncode == 0, f"{' '.join(command)} failed"
    return peak


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from _tree(int(child))
    except OSError:  # it just ended
        return


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0")
    return int(line.split()[1]) * 1024


def main() -> int:
    """Run the rounds, compare, write the report."""
    parser = argparse.ArgumentParser(description="Measure `bulk` against loops.")
    parser.add_argument("--counts", default="1,10,50", help="how many environments")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--channel", type=Path, help="a channel's directory (default: the one of perf.science)")
    parser.add_argument("--base", type=Path, help="where to work; a folder of the system's for temporary files if left")
    parser.add_argument("--only", default="", help="contenders, by a part of their names, joined by commas")
    parser.add_argument("--report", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    args = parser.parse_args()
    counts = [int(word) for word in args.counts.split(",")]
    wanted = args.only.split(",")
    contenders = [one for one in everyone() if any(word in one.name for word in wanted)]
    channel = args.channel or science_channels().conda
    with tempfile.TemporaryDirectory(prefix="whipsnake-bulk-", dir=args.base) as folder, serving(channel) as url:
        bench = Bench(Path(folder).resolve(), url, package_names(channel))
        (bench.base / "home").mkdir()
        for number in range(args.rounds):
            for count in counts:
                print(f"Round {number + 1} of {args.rounds}", flush=True)
                bench.round(number, contenders, count)
        for count in counts if sys.platform == "linux" else ():
            bench.weigh(count)
        differing = bench.differences()
    write_report(args.report, bench, counts=counts, differing=differing)
    print(args.report.read_text())
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
