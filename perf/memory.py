"""Does memory grow with the number of packages? Creates environments of 10, 100 and 450 packages, cold and warm.

    python -m perf.memory [--rounds 3]

Whipsnake, byte-compiling, and py-rattler, from the made channel (`perf.channel`). Peak resident memory of the largest
process, the most of all rounds. Writes its part of RESULTS.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from perf.channel import build_channel
from perf.contenders import RATTLER, WHIPSNAKE, Contender, Job
from perf.measure import run
from perf.sections import put
from perf.serve import serving
from tests.kit.demo import ROOT, clean_environment

COUNTS = (10, 100, 450)


def measure(base: Path, channel: str, contender: Contender, count: int) -> dict[str, int]:
    """Peak memory in bytes by temperature."""
    names = tuple(f"bench-{number:03}" for number in range(count))
    found: dict[str, int] = {}
    cache, prefix = base / "cache", base / "env"
    shutil.rmtree(cache, ignore_errors=True)
    for heat in ("cold", "warm"):
        shutil.rmtree(prefix, ignore_errors=True)
        command = contender.command(Job("create", channel, prefix, cache, ("python", *names)))
        assert command is not None
        found[heat] = run(command, env=clean_environment(base / "home"), cwd=ROOT).rss
    return found


def write_report(path: Path, peaks: Mapping[tuple[str, int, str], int], rounds: int) -> None:
    """The table: a row for each program and temperature, a column for each number of packages."""
    lines = [
        "## Memory and the number of packages",
        "",
        f"Made by `python -m perf.memory --rounds {rounds}`. Peak resident memory of the largest process, in MB.",
        "",
        "| | | " + " | ".join(f"{count} packages" for count in COUNTS) + " |",
        "|---|---|" + "---:|" * len(COUNTS),
    ]
    for heat in ("cold", "warm"):
        for contender in (WHIPSNAKE, RATTLER):
            cells = [f"{peaks[contender.name, count, heat] / 1e6:.0f}" for count in COUNTS]
            lines.append(f"| {heat} | {contender.name} | {' | '.join(cells)} |")
    put(path, "memory", lines)


def main(words: Sequence[str] | None = None) -> int:
    """Build the channel, measure, write."""
    parser = argparse.ArgumentParser(description="Peak memory against the number of packages.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    args = parser.parse_args(words)
    peaks: dict[tuple[str, int, str], int] = {}
    with tempfile.TemporaryDirectory(prefix="whipsnake-perf-") as folder:
        base = Path(folder).resolve()
        (base / "home").mkdir()
        build_channel(base / "channel", packages=max(COUNTS))
        with serving(base / "channel") as url:
            for number in range(args.rounds):
                for contender in (WHIPSNAKE, RATTLER):
                    for count in COUNTS:
                        for heat, rss in measure(base, url, contender, count).items():
                            key = (contender.name, count, heat)
                            peaks[key] = max(peaks.get(key, 0), rss)
                print(f"Round {number + 1} of {args.rounds}", flush=True)
    write_report(args.report, peaks, args.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
