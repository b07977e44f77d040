"""Hostile indexes for as long as it is told: random ones, whole commands on random channels, then some that are only
large.

    python -m perf.fuzz [--seconds 60] [--seed 0] [--candidates 1000000]

Prints what took longest. Ends with the exception, and the seed that makes it, where there is a fault.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import cli
from engine.errors import WhipsnakeError
from tests.kit.demo import clean_environment
from tests.kit.hostile import hostile_index, hostile_request, outcome
from tests.kit.hostile_commands import check, command_lines, write_channel
from tests.kit.server import ChannelServer
from tests.solve.test_fuzz import SIZES

LIMIT = 10.0
"""Processor seconds for a random index."""
LARGE_LIMIT = 300.0


def random_rounds(seconds: float, first: int) -> Counter[str]:
    """Random malice until the time is over; how often there was an answer, and which errors."""
    found: Counter[str] = Counter()
    end = time.monotonic() + seconds
    slowest = 0.0
    for seed in itertools.count(first):
        if time.monotonic() > end:
            return found
        chance = random.Random(seed)
        started = time.process_time()
        try:
            answer = outcome(hostile_index(chance), hostile_request(chance), seconds=LIMIT)
        except BaseException:
            print(f"seed {seed}", flush=True)
            raise
        took = time.process_time() - started
        if took > slowest:
            slowest = took
            print(f"  seed {seed}: {took:.3f} s", flush=True)
        found[type(answer).__name__] += 1
    return found


class Done(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


def _run(*words: str) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(list(words))
    return Done(code, out.getvalue(), err.getvalue())


def command_rounds(seconds: float, first: int) -> Counter[str]:
    """Whole commands on random channels, in shards and whole, until the time is over; how often there was which exit
    code."""
    found: Counter[str] = Counter()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="whipsnake-fuzz-") as folder:
        base = Path(folder)
        rc = base / "rc"
        rc.write_text("use_sharded_repodata: false\n")
        (base / "home").mkdir()
        environ = clean_environment(base / "home")
        os.environ.clear()
        os.environ.update(environ)
        for seed in itertools.count(first):
            if time.monotonic() > end:
                break
            found.update(_command_round(seed, base, rc))
    return found


def _command_round(seed: int, base: Path, rc: Path) -> list[str]:
    chance = random.Random(seed)
    sound = write_channel(chance, base / "channel")
    shutil.rmtree(base / "root", ignore_errors=True)
    codes = []
    with ChannelServer(base / "channel") as server:
        for words in command_lines(chance, server.url, base / "root"):
            try:
                codes.append(f"exit code {check(_run, words, sound, ('--rc-file', str(rc)))}")
            except BaseException:
                print(f"seed {seed}: {words}", flush=True)
                raise
    return codes


def large_rounds(candidates: int) -> None:
    """Each of the test suite's large cases, grown so that the largest has so many candidates."""
    factor = candidates / max(size for _, size, _ in SIZES)
    for make, size, _ in SIZES:
        grown = int(size * (factor if make.__name__ == "many_versions" else factor**0.5))
        document = make(grown)
        started = time.process_time()
        answer = outcome(document, ["p0"], seconds=LARGE_LIMIT)
        took = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        kind = "an error" if isinstance(answer, WhipsnakeError) else "an answer"
        print(f"  {make.__name__} {grown:,}: {kind} after {took:.1f} s, {len(document) / 1e6:.0f} MB of JSON; "
              f"peak of the process so far {peak:.0f} MB", flush=True)  # fmt: skip


def main() -> int:
    """Run; an exception is a fault."""
    parser = argparse.ArgumentParser(description="Throw hostile indexes at the reader and the solver.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--candidates", type=int, default=1_000_000)
    args = parser.parse_args()
    print("Random indexes", flush=True)
    for name, count in random_rounds(args.seconds, args.seed).most_common():
        print(f"  {count:,} × {name}")
    print("Commands on random channels", flush=True)
    for name, count in command_rounds(args.seconds, args.seed).most_common():
        print(f"  {count:,} × {name}")
    print("Large indexes", flush=True)
    large_rounds(args.candidates)
    return 0


if __name__ == "__main__":
    sys.exit(main())
