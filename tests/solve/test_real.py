"""Real requests on real repodata: every answer is sound, and what real tools locked is accepted when asked for."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import pytest
import zstandard

from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.model.repodata import RepoData, RepoDataSplitter
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from tests.kit.checker import check
from tests.kit.shared import needs_shared, shared_data
from tests.kit.universe import virtual

pytestmark = [needs_shared, pytest.mark.shared]

MACHINE = virtual("__unix", "__linux 6.1", "__glibc 2.39", "__archspec 1 x86_64", "__cuda 12.8")
PLATFORM = "linux-64"


@cache
def repodata(subdir: str) -> RepoData:
    splitter = RepoDataSplitter(Channel(name="conda-forge", base_url="https://conda.anaconda.org/conda-forge"), subdir)
    with shared_data("repodata", subdir, "repodata.json.zst").open("rb") as file:
        for chunk in zstandard.ZstdDecompressor().read_to_iter(file):
            splitter.feed(chunk)
    return splitter.finish()


def instances() -> Iterator[dict[str, Any]]:
    with shared_data("repodata", "instances.jsonl.zst").open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            instance = json.loads(line)
            if instance["platform"] == PLATFORM and instance["specs_complete"]:
                yield instance


def request(*specs: str) -> SolveTask:
    rows = (repodata(PLATFORM), repodata("noarch"))
    return SolveTask(specs=tuple(map(MatchSpec.parse, specs)), repodata=rows, virtual=MACHINE, add_pip=False)


def sample(start: int) -> list[dict[str, Any]]:
    return list(islice(instances(), start, None, 61))


def test_answers_to_real_requests_are_sound() -> None:
    for instance in sample(0):
        found = solve(request(*instance["specs"]))
        assert check(found.records, instance["specs"], virtual=MACHINE) == [], instance["id"]


def test_locked_sets_are_accepted_when_asked_for_exactly() -> None:
    for instance in sample(7):
        names = [path.split("/")[1].removesuffix(".conda").removesuffix(".tar.bz2") for path in instance["locked"]]
        specs = [" ".join(name.rsplit("-", 2)) for name in names]
        try:
            found = solve(request(*specs))
        except Exception as error:
            raise AssertionError(instance["id"]) from error
        assert {record.dist for record in found.records} == set(names)


def test_a_usual_request_needs_hardly_any_search() -> None:
    found = solve(request("python", "numpy", "pandas", "scipy", "matplotlib"))
    assert len(found.records) > 100
    assert found.conflicts < 20, "a cheap guard of the search's quality"


def test_the_machine_decides_between_variants() -> None:
    rows = (repodata(PLATFORM), repodata("noarch"))

    def builds(machine: tuple[PackageRecord, ...]) -> str:
        task = SolveTask(specs=(MatchSpec.parse("pytorch 2.7.*"),), repodata=rows, virtual=machine, add_pip=False)
        return next(record.build for record in solve(task).records if record.name == "pytorch")

    assert "cuda" in builds(MACHINE)
    assert "cuda" not in builds(tuple(fact for fact in MACHINE if fact.name != "__cuda"))
