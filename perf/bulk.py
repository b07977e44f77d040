"""Many overlapping environments, cold and warm: `bulk` against loops over `create`, py-rattler and micromamba.

    python -m perf.bulk [--counts 1 10 50] [--rounds 5] [--channel DIRECTORY] [--base DIRECTORY]

Environments are drawn from a seed: python and some thirty packages of the channel each. Every contender makes the same
ones, in places of its own on the same file system as its caches; whole processes are timed. In each round everyone goes
once, in an order that rotates: with empty caches (cold), then with full ones (warm). The loops are a process for each
environment, as a script would have it; py-rattler also in one process that keeps its index ("one process"). At the
end each whipsnake environment is compared with the one that `create` makes. Writes the section "Bulk" of RESULTS.md and
bulk.svg.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perf.measure import Run, run
from tests.kit.demo import ROOT, clean_environment

HERE = Path(__file__).parent
TEMPERATURES = ("cold", "warm")
_SEED = 20
_LEAST, _MOST = 15, 45
"""Packages that an environment asks for."""


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
        return self.place.parent / f"files-{len(self.wanted)}"


@dataclass(frozen=True)
class Contender:
    """A program; ``command`` is one that makes them all."""

    name: str
    command: Callable[[Job], list[str]]


def _loop(each: Callable[[Job, str], list[str]]) -> Callable[[Job], list[str]]:
    """A shell that makes one after the other, each by a process of its own."""

    def command(job: Job) -> list[str]:
        lines = [" ".join(f"'{word}'" for word in each(job, name)) + " >/dev/null" for name in job.wanted]
        return ["sh", "-ec", "\n".join(lines)]

    return command


def _whipsnake(job: Job, *words: str) -> list[str]:
    source = ["--override-channels", "-c", job.channel, "-r", str(job.cache / "root")]
    return [sys.executable, "-m", "cli", *words, "--yes", *source]


def _bulk(job: Job, *options: str) -> list[str]:
    return [*_whipsnake(job, "bulk", *options), "--quiet", "--prefix-dir", str(job.place), str(job.files)]


def _create(job: Job, name: str, *options: str) -> list[str]:
    return [*_whipsnake(job, "create", *options), "--quiet", "-p", str(job.place / name), *job.wanted[name]]


def _rattler(job: Job, name: str) -> list[str]:
    place = [job.channel, str(job.place / name), str(job.cache)]
    return [sys.executable, "-m", "perf.peer_rattler", *place, *job.wanted[name]]


def _rattler_once(job: Job) -> list[str]:
    wanted = job.place.parent / "wanted.json"
    wanted.write_text(json.dumps([[str(job.place / name), specs] for name, specs in job.wanted.items()]))
    return [sys.executable, "-m", "perf.peer_rattler_bulk", job.channel, str(job.cache), str(wanted)]


def _micromamba(program: str) -> Callable[[Job, str], list[str]]:
    def command(job: Job, name: str) -> list[str]:
        place = ["-r", str(job.cache / "root"), "-p", str(job.place / name)]
        source = ["--override-channels", "-c", job.channel, "--no-rc"]
        return [program, "create", "-y", "-q", *place, *source, *job.wanted[name]]

    return command


OURS = Contender("whipsnake bulk", _bulk)
OURS_PLAIN = Contender("whipsnake bulk --no-pyc", lambda job: _bulk(job, "--no-pyc"))
CREATE = Contender("loop: whipsnake create", _loop(_create))
CREATE_PLAIN = Contender("loop: whipsnake create --no-pyc", _loop(lambda job, name: _create(job, name, "--no-pyc")))
RATTLER = Contender("loop: py-rattler", _loop(_rattler))
RATTLER_ONCE = Contender("py-rattler, one process", _rattler_once)


def everyone() -> list[Contender]:
    """Those who can take part on this machine."""
    found = [OURS, OURS_PLAIN, RATTLER, RATTLER_ONCE, CREATE, CREATE_PLAIN]
    program = os.environ.get("MICROMAMBA") or shutil.which("micromamba")
    return [*found, Contender("loop: micromamba", _loop(_micromamba(program)))] if program else found


@dataclass
class Bench:
    """The runs so far: (contender, temperature, count) → runs."""

    base: Path
    channel: str
    names: Sequence[str]
    runs: dict[tuple[str, str, int], list[Run]] = field(default_factory=dict)
    memory: dict[tuple[str, int], int] = field(default_factory=dict)

    def job(self, contender: Contender, count: int) -> Job:
        """What a contender is to do; all make the same environments in the same place."""
        folder = self.base / "caches" / contender.name.replace(" ", "-").replace(":", "").replace(",", "")
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
                finished = self.once(contender, job)
                self.runs.setdefault((contender.name, temperature, count), []).append(finished)
                numbers = f"{finished.seconds:7.2f} s  {finished.cpu_seconds:7.2f} s of processor"
                print(f"  {count:>3}  {temperature}  {contender.name:<34} {numbers}", flush=True)
            shutil.rmtree(job.cache, ignore_errors=True)

    def once(self, contender: Contender, job: Job) -> Run:
        """One run; that each environment is there is checked."""
        shutil.rmtree(job.place, ignore_errors=True)
        job.place.mkdir()
        finished = run(contender.command(job), env=clean_environment(self.base / "home"), cwd=ROOT)
        lacking = [name for name in job.wanted if not (job.place / name / "bin/python").exists()]
        assert not lacking, f"{contender.name} did not make {', '.join(lacking)}"
        return finished

    def weigh(self, count: int) -> None:
        """The peak memory of all processes of `bulk` together, cold and warm, in runs apart."""
        job = self.job(OURS, count)
        shutil.rmtree(job.cache, ignore_errors=True)
        for temperature in TEMPERATURES:
            shutil.rmtree(job.place, ignore_errors=True)
            self.memory[temperature, count] = peak_of_tree(OURS.command(job), clean_environment(self.base / "home"))


def draw(names: Sequence[str], count: int) -> dict[str, list[str]]:
    """The environments: names and specs. Those of few are among those of many."""
    chance = random.Random(_SEED)
    found = {}
    for number in range(count):
        size = min(len(names), chance.randint(_LEAST, _MOST))
        found[f"env{number:02}"] = ["python", *sorted(chance.sample(list(names), size))]
    return found


def package_names(channel: Path) -> list[str]:
    """What can be asked for: everything but python and what stands for everything."""
    names: set[str] = set()
    for path in channel.glob("*/repodata.json"):
        document = json.loads(path.read_text())
        names |= {record["name"] for part in ("packages", "packages.conda") for record in document[part].values()}
    return sorted(names - {"python", "pip", "bench-all"})


def peak_of_tree(command: Sequence[str], env: dict[str, str]) -> int:
    """The largest sum of the proportional memory of a process and all below it, looked at all the time (Linux)."""
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_proportional, _tree(process.pid))))
    assert process.returncode == 0
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
