"""py-rattler's answer to an instance, on the same records as ours, and what it took.

Rule of this file: only the peer's part is measured, without the reading of its index and without what becomes of its
answer. An answer that was kept is taken as it was, its times too.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.model.lazy_records import fns_of
from engine.model.records import PackageRecord, RepoDataRecord
from engine.model.repodata import RepoData
from perf import compare
from perf.instances import CHANNEL, Instance, machine, unpack
from perf.quality_report import Outcome


def peer_answer(
    instance: Instance, specs: Sequence[str], folder: Path, rows: Sequence[RepoData], outcome: Outcome, turn: int = 0
) -> compare.Answer | None:
    """The peer's answer; an earlier run's, if it was kept: same version and same records give the same answer.

    ``turn``: of several times, each of which is kept by itself.
    """
    asked = [instance.id, *specs, *([turn] if turn else [])]
    kept = folder / f"{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]}.peer"
    if kept.exists():
        told = json.loads(kept.read_text())
        outcome.peer_feasible, outcome.peer_seconds, outcome.peer_cpu = told["feasible"], told["seconds"], told["cpu"]
        return _found(told["fns"], rows) if told["feasible"] else None
    answer = _solved_by_peer(instance, specs, folder, outcome)
    facts = {"feasible": outcome.peer_feasible, "seconds": outcome.peer_seconds, "cpu": outcome.peer_cpu}
    fns = {} if answer is None else {name: record.fn for name, record in answer.items()}  # type: ignore[attr-defined]
    kept.write_text(json.dumps({**facts, "fns": fns}))
    return answer


def _found(fns: Mapping[str, str], rows: Sequence[RepoData]) -> compare.Answer:
    """The records of some files, by name."""
    found: dict[str, PackageRecord] = {}
    for name, fn in fns.items():
        for subdir in rows:
            records = subdir.lazy_records(name)
            if fn in fns_of(records):
                found[name] = records[fns_of(records).index(fn)]
    return found


def _solved_by_peer(instance: Instance, specs: Sequence[str], folder: Path, outcome: Outcome) -> compare.Answer | None:
    import rattler
    from rattler.exceptions import SolverError

    virtual = [
        rattler.GenericVirtualPackage(
            rattler.PackageName(fact.name), rattler.Version(fact.version), rattler.BuildString(fact.build)
        )
        for fact in machine(instance.platform)
    ]
    channel = rattler.Channel(CHANNEL)
    sparse = [rattler.SparseRepoData(channel, subdir, path) for subdir, path in unpack(instance.platform, folder)]
    started, spent = time.perf_counter(), time.process_time()
    try:
        found = _wait(
            rattler.solve_with_sparse_repodata(
                [rattler.MatchSpec(spec, strict=False) for spec in specs],
                sparse,
                virtual_packages=virtual,
                add_pip_as_python_dependency=True,
            )
        )
    except SolverError:
        return None
    finally:
        outcome.peer_seconds, outcome.peer_cpu = time.perf_counter() - started, time.process_time() - spent
    outcome.peer_feasible = True
    return {record.name.normalized: _converted(record) for record in found}


def _wait(work: Any) -> Any:
    import asyncio

    async def waiting() -> Any:
        return await work

    return asyncio.run(waiting())


def _converted(record: Any) -> RepoDataRecord:
    """A record of the peer as one of ours."""
    fields = json.loads(record.to_json())
    wire = {key: value for key, value in fields.items() if value is not None and key not in ("channel", "fn", "url")}
    made = msgspec.convert(wire, RepoDataRecord, strict=False)
    return msgspec.structs.replace(made, fn=record.file_name)
