"""Real requests on real records have the same answers and explanations from shards and from whole indexes."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest

from engine.errors import SolveError
from engine.events import silent
from engine.fetch.http.transport import Transport
from engine.fetch.index.load import load_subdirs
from engine.fetch.index.repodata import RepodataSettings
from engine.fetch.index.shard_walk import Wanted
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.shards import ShardRows
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from tests.fetch.sharded import Rows
from tests.kit.shards import shard_channel
from tests.kit.shared import needs_shared, shared_data
from tests.kit.universe import virtual

pytestmark = needs_shared
MACHINE = virtual("__archspec 1 x86_64", "__glibc 2.39", "__linux 6.1", "__unix")
REQUESTS = (
    "python numpy pandas scipy matplotlib",
    "python=3.11 jupyterlab",
    "numpy<1.20 python>=3.12",
    "pandas nmpy",
)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Channel:
    """The saved linux-64 and noarch of conda-forge, in both forms."""
    place = tmp_path_factory.mktemp("forge")
    for subdir in ("linux-64", "noarch"):
        (place / subdir).mkdir()
        source = shared_data("repodata", subdir, "repodata.json.zst")
        shutil.copyfile(source, place / subdir / source.name)
    shard_channel(place)
    return Channel("forge", Path(place).as_uri())


@pytest.fixture(scope="module")
def whole(channel: Channel) -> Rows:
    return load(channel, None)


def load(channel: Channel, wanted: Wanted | None) -> Rows:
    async def run() -> Rows:
        async with Transport() as transport:
            return await load_subdirs([channel], "linux-64", transport, RepodataSettings(), silent, wanted=wanted)

    return anyio.run(run)


def answer(specs: list[MatchSpec], rows: Rows) -> list[str] | str:
    try:
        found = solve(SolveTask(specs=tuple(specs), repodata=rows, virtual=MACHINE))
    except SolveError as error:
        return error.message
    return [record.url for record in found.records]


@pytest.mark.parametrize("request_text", REQUESTS)
def test_the_answer_is_the_same(channel: Channel, whole: Rows, request_text: str) -> None:
    specs = [MatchSpec.parse(text) for text in request_text.split()]
    rows = load(channel, Wanted.of(specs, add_pip=True))
    assert {type(one) for one in rows} == {ShardRows}
    found = answer(specs, rows)
    assert found == answer(specs, whole)
    assert isinstance(found, str) == (request_text in REQUESTS[2:])
