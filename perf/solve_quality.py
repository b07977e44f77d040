"""Every real problem instance, solved by us and by py-rattler on the same records, and the answers compared.

    python -m perf.solve_quality [--every 10] [--jobs 2] [--spoil] [--keep runs.jsonl]

Each instance is solved in a process of its own that has the records in memory, not decoded, and nothing else: so the
times of both sides hold all that a solve costs but reading the index. Writes docs/solver-quality.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from cli import GARBAGE
from engine.errors import SolveError
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.model.repodata import RepoData
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from perf import compare
from perf.instances import Instance, available, load_rows, machine, read_instances, unpack
from perf.quality_report import Outcome, failures, write_report
from perf.solve_quality_peer import peer_answer
from perf.spoil import WAYS, spoilt
from perf.spoilt_report import write_spoilt
from tests.kit.checker import check

TIME_LIMIT = 120.0
"""Seconds after which either side gives up."""


def judge(instance: Instance, rows: Sequence[RepoData], folder: Path, turn: int = 0) -> Outcome:
    """Solve an instance on both sides and compare; the ``turn``-th time, if there are several."""
    outcome = Outcome(instance.id, instance.platform)
    specs = with_pip(instance.specs)
    theirs = peer_answer(instance, specs, folder, rows, outcome, turn)
    ours = _ours(instance, rows, outcome)
    if ours is not None and theirs is not None:
        _compare(outcome, ours, theirs, compare.requested_names(specs), rows)
    if instance.has_everything and not turn:
        _check_locked(instance, rows, outcome)
    return outcome


def with_pip(specs: Sequence[str]) -> list[str]:
    """We ask for pip where somebody asks for python; so does the peer then."""
    names = compare.requested_names(specs)
    return [*specs, "pip"] if "python" in names and "pip" not in names else list(specs)


def _ours(instance: Instance, rows: Sequence[RepoData], outcome: Outcome) -> compare.Answer | None:
    started, spent = time.perf_counter(), time.process_time()
    deadline = started + TIME_LIMIT
    task = SolveTask(
        specs=tuple(map(MatchSpec.parse, instance.specs)),
        repodata=rows,
        virtual=machine(instance.platform),
        stop=lambda: time.perf_counter() > deadline,
    )
    try:
        found = solve(task)
    except SolveError as error:
        outcome.changes.append(str(error))
        return None
    finally:
        outcome.seconds, outcome.cpu = time.perf_counter() - started, time.process_time() - spent
    outcome.feasible, outcome.conflicts, outcome.sat_calls = True, found.conflicts, found.sat_calls
    outcome.wrong = check(found.records, with_pip(instance.specs), virtual=task.virtual, add_pip=True)
    return {record.name: record for record in found.records}


def _compare(
    outcome: Outcome, ours: compare.Answer, theirs: compare.Answer, names: list[str], rows: Sequence[RepoData]
) -> None:
    def family(name: str) -> list[PackageRecord]:
        return [record for subdir in rows for record in subdir.records(name)]

    outcome.older = compare.older_request(ours, theirs, names) or ""
    outcome.dominated = compare.dominated(ours, theirs)
    outcome.dominating = compare.dominated(theirs, ours)
    outcome.newer = compare.newer(ours, theirs, ours)
    outcome.peer_newer = compare.newer(theirs, ours, ours)
    outcome.same_versions = compare.same_versions(ours, theirs)
    outcome.same_builds = {r.dist for r in ours.values()} == {r.dist for r in theirs.values()}
    if not outcome.same_builds:
        found = compare.first_difference(ours, theirs, names, family)
        outcome.difference = None if found is None else asdict(found)
        outcome.changes = list(_changes(ours, theirs))


def _changes(ours: compare.Answer, theirs: compare.Answer) -> Iterator[str]:
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(name), theirs.get(name)
        mine = f"{one.version} {one.build}" if one else "absent"
        peer = f"{other.version} {other.build}" if other else "absent"
        if mine != peer:
            yield f"{name}: {mine} | {peer}"


def _check_locked(instance: Instance, rows: Sequence[RepoData], outcome: Outcome) -> None:
    outcome.locked_tried = True
    task = SolveTask(
        specs=tuple(map(MatchSpec.parse, instance.locked)),
        repodata=rows,
        virtual=machine(instance.platform),
        add_pip=False,
    )
    try:
        found = {f"{record.name} {record.version} {record.build}" for record in solve(task).records}
    except SolveError as error:
        outcome.locked_refused = str(error)
    else:
        if found != set(instance.locked):
            outcome.locked_refused = f"other packages: {sorted(found ^ set(instance.locked))}"
    if outcome.locked_refused:
        there = {f"{record.name} {record.version} {record.build}": record for record in _all_records(instance, rows)}
        wrong = check([there[text] for text in instance.locked], instance.locked, virtual=task.virtual)
        outcome.locked_wrong = [text for text in wrong if " is linked after " not in text]  # a lock has no link order


def _all_records(instance: Instance, rows: Sequence[RepoData]) -> list[PackageRecord]:
    """The candidates of the names of the locked set."""
    names = {text.split()[0] for text in instance.locked}
    return [record for subdir in rows for name in sorted(names) for record in subdir.records(name)]


_rows: tuple[RepoData, ...] = ()


def _in_child(folder: Path, spoil: str, job: tuple[Instance, int]) -> Outcome:
    instance, turn = job
    gc.set_threshold(*GARBAGE)  # as whoever uses the solver has it
    try:
        return judge(spoilt(instance, _rows, spoil) if spoil else instance, _rows, folder, turn)
    except BaseException as error:
        raise RuntimeError(f"{instance.id}: {error!r}") from error


def run_all(
    instances: Sequence[Instance],
    jobs: int,
    folder: Path,
    tell: Callable[[Outcome], None],
    *,
    spoil: str = "",
    rounds: int = 1,
) -> None:
    """Judge all instances, platform by platform, each in a fork of this process; of several rounds the least times."""
    global _rows  # noqa: PLW0603 -- what forks inherit
    for platform in dict.fromkeys(instance.platform for instance in instances):
        _rows = load_rows(platform)
        unpack(platform, folder)
        gc.freeze()
        mine = [(instance, turn) for instance in instances if instance.platform == platform for turn in range(rounds)]
        with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
            found = pool.imap(partial(_in_child, folder, spoil), mine, chunksize=1)
            for first in found:
                tell(least(first, [next(found) for _ in range(rounds - 1)]))


def least(first: Outcome, others: Sequence[Outcome]) -> Outcome:
    """An outcome with the least times of several rounds: what else the machine does only ever adds to them."""
    for other in others:
        first.cpu, first.peer_cpu = min(first.cpu, other.cpu), min(first.peer_cpu, other.peer_cpu)
        first.seconds = min(first.seconds, other.seconds)
        first.peer_seconds = min(first.peer_seconds, other.peer_seconds)
    return first


def main() -> int:
    """Judge, write the report; 1 if an answer was wrong, a locked set refused, or we were worse by our own order."""
    parser = argparse.ArgumentParser(description="Compare the solver's answers with py-rattler's.")
    parser.add_argument("--every", type=int, default=1, help="take one instance in so many")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", action="append", help="take the instances whose id holds this text")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="solve each so often, and take the least times")
    parser.add_argument("--spoil", choices=list(WAYS), default="", help="make most of them impossible, in a way")
    parser.add_argument("--keep", type=Path, help="write each outcome to this file, one JSON object a line")
    parser.add_argument(
        "--peer", type=Path, help="keep the peer's answers and times in this folder, or take them from it"
    )
    parser.add_argument("--kept", type=Path, nargs="+", help="solve nothing: report what earlier runs wrote by --keep")
    parser.add_argument("--report", type=Path, default=Path(__file__).parents[1] / "docs" / "solver-quality.md")
    args = parser.parse_args()
    if not available():
        print("There are no instances beside this checkout.")
        return 0
    if args.kept:
        kept_ones = [outcome for path in args.kept for outcome in _read(path)]
        return _report(args.report, kept_ones, ["--kept", "…"], args.spoil)
    instances = [found for found in read_instances() if not args.only or any(text in found.id for text in args.only)]
    instances = instances[args.start :: args.every]
    outcomes: list[Outcome] = []
    kept = args.keep.open("w") if args.keep else None

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if kept is not None:
            print(json.dumps(asdict(outcome)), file=kept, flush=True)

    with tempfile.TemporaryDirectory(prefix="whipsnake-quality-") as folder:
        if args.peer:
            args.peer.mkdir(parents=True, exist_ok=True)
        run_all(instances, args.jobs, args.peer or Path(folder), tell, spoil=args.spoil, rounds=args.rounds)
    return _report(args.report, outcomes, _words(args), args.spoil)


def _words(args: argparse.Namespace) -> list[str]:
    words = [
        *(["--every", str(args.every)] if args.every > 1 else []),
        *(["--start", str(args.start)] if args.start else []),
        *(["--rounds", str(args.rounds)] if args.rounds > 1 else []),
    ]
    return [*words, *(word for text in args.only or () for word in ("--only", text))]


def _report(path: Path, outcomes: Sequence[Outcome], words: Sequence[str], spoil: str) -> int:
    if spoil:
        write_spoilt(path, outcomes, way=spoil, words=words)
    else:
        write_report(path, outcomes, words=words)
    print(path.read_text(encoding="utf-8"))
    return int(bool(failures(outcomes)))


def _read(path: Path) -> list[Outcome]:
    return [Outcome(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())
