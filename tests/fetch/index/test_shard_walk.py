"""The walk over shards: what it reaches and asks for, and what happens when shards are wrong."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import HttpStatusError, NetworkError, RepodataError, VerificationError
from engine.events import TransferAdvanced
from engine.fetch.index import shard_walk as module
from engine.fetch.index.shard_cache import ShardCache
from engine.fetch.index.shard_walk import Walk, Wanted
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.repodata import RepoData
from engine.model.shard_index import ShardIndex
from engine.model.shards import ShardRows
from tests.fetch.sharded import CHAIN, INDEX, REACHED, Loader, make_channel, reached, row, shard_count
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer
from tests.kit.shards import pack
from tests.kit.universe import record

pytestmark = pytest.mark.anyio


@pytest.fixture
def load(tmp_path: Path) -> Loader:
    return Loader(tmp_path / "pkgs")


@pytest.fixture
def www(tmp_path: Path) -> Path:
    make_channel(tmp_path / "www" / "chan", CHAIN)
    return tmp_path / "www"


async def test_only_what_the_request_can_reach_is_fetched(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        found = await load(f"{server.url}/chan")
        assert [type(one) for one in found] == [ShardRows, ShardRows]
        assert reached(found) == REACHED
        assert (server.count(f"*/{INDEX}"), shard_count(server), len(server.requests)) == (2, 4, 6)
        sent = sum(request.sent for request in server.requests)
    assert sum(event.amount for event in load.events if isinstance(event, TransferAdvanced)) == sent
    assert set(found[0].names()) == {"app", "lib", "deep", "other"}


async def test_shards_are_cached_for_ever(www: Path, load: Loader) -> None:
    with ChannelServer(www, cache_control="max-age=60") as server:
        await load(f"{server.url}/chan")
        server.forget()
        assert reached(await load(f"{server.url}/chan")) == REACHED
        assert server.requests == []
        assert reached(await load(f"{server.url}/chan", want=["other"])) == {"other", "more"}
        assert (shard_count(server), len(server.requests)) == (2, 2)
        server.forget()
        await load(f"{server.url}/chan", ttl=0)
        assert [request.status for request in server.requests] == [304, 304]
        server.forget()
        await load(f"{server.url}/chan", refresh=True)
        assert [request.status for request in server.requests] == [200, 200]


async def test_a_changed_channel_costs_only_what_changed(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(f"{server.url}/chan")
        make_channel(www / "chan", [line.replace("deep -> data", "deep -> data 1.*; more") for line in CHAIN])
        server.forget()
        assert reached(await load(f"{server.url}/chan")) == {*REACHED, "more"}
        assert (shard_count(server), server.count(f"*/{INDEX}")) == (2, 2)


async def test_python_brings_pip_if_so_configured(tmp_path: Path, load: Loader) -> None:
    make_channel(tmp_path / "www" / "chan", ["app -> python", "python", "noarch:pip -> wheel", "noarch:wheel"])
    with ChannelServer(tmp_path / "www") as server:
        assert reached(await load(f"{server.url}/chan")) == {"app", "python"}
        assert reached(await load(f"{server.url}/chan", add_pip=True)) == {"app", "python", "pip", "wheel"}


async def test_a_dependency_may_be_a_pattern(tmp_path: Path, load: Loader) -> None:
    make_channel(tmp_path / "www" / "chan", ["app -> blas-* 1", "blas-a", "noarch:blas-b", "bla"])
    with ChannelServer(tmp_path / "www") as server:
        assert reached(await load(f"{server.url}/chan")) == {"app", "blas-a", "blas-b"}


async def test_patterns_are_followed_within_bounds(
    tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PATTERNS", 3)
    make_channel(tmp_path / "www" / "chan", ["app -> a*; b*; c*; d*"])
    with ChannelServer(tmp_path / "www") as server, pytest.raises(RepodataError, match="More than 3 dependencies"):
        await load(f"{server.url}/chan")


async def test_what_is_no_dependency_leads_nowhere(tmp_path: Path, load: Loader) -> None:
    make_channel(tmp_path / "www" / "chan", ["app -> [[; __glibc >=2; nowhere; lib 1 2 3 4", "lib"])
    with ChannelServer(tmp_path / "www") as server:
        assert reached(await load(f"{server.url}/chan")) in ({"app"}, {"app", "lib"})


async def test_the_walk_goes_through_all_channels(tmp_path: Path, load: Loader) -> None:
    make_channel(tmp_path / "www" / "one", ["app -> far", "back"])
    make_channel(tmp_path / "www" / "two", ["noarch:far -> back"])
    with ChannelServer(tmp_path / "www") as server:
        found = await load(f"{server.url}/one", f"{server.url}/two")
    assert reached(found) == {"app", "far", "back"}


async def test_it_goes_through_whole_indexes_too(tmp_path: Path, load: Loader) -> None:
    make_channel(tmp_path / "www" / "one", ["app -> far", "back"])
    far = {**row("far"), "extra_depends": {"more": ["back"]}}
    ChannelBuilder(tmp_path / "www" / "two").add_record("far-1-0.conda", far).write()
    with ChannelServer(tmp_path / "www") as server:
        found = await load(f"{server.url}/one", f"{server.url}/two")
    assert [type(one) for one in found] == [ShardRows, ShardRows, RepoData, RepoData]
    assert reached(found) == {"app", "far", "back"}


async def test_shards_are_fetched_side_by_side(tmp_path: Path, load: Loader) -> None:
    names = [f"n{number}" for number in range(40)]
    make_channel(tmp_path / "www" / "chan", [f"app -> {'; '.join(names)}", *names])
    with ChannelServer(tmp_path / "www") as server:
        server.fail("*/shards/*", delay=0.1, times=None)
        began = time.monotonic()
        assert len(reached(await load(f"{server.url}/chan"))) == 41
        assert time.monotonic() - began < 3  # one by one it would take more than four seconds


async def test_how_many_at_once_can_be_set(tmp_path: Path, load: Loader) -> None:
    make_channel(tmp_path / "www" / "chan", ["app -> a; b; c; d", "a", "b", "c", "d"])
    with ChannelServer(tmp_path / "www") as server:
        server.fail("*/shards/*", delay=0.05, times=None)
        began = time.monotonic()
        await load(f"{server.url}/chan", shards_threads=1)
        assert time.monotonic() - began > 0.25


@pytest.mark.parametrize("base", ["./shards/", "../../elsewhere", "/elsewhere/", "absolute"])
async def test_shards_may_be_anywhere(tmp_path: Path, load: Loader, base: str) -> None:
    (tmp_path / "www" / "elsewhere").mkdir(parents=True)
    place = None if base == "./shards/" else tmp_path / "www" / "elsewhere"
    with ChannelServer(tmp_path / "www") as server:
        url = f"{server.url}/elsewhere" if base == "absolute" else base
        make_channel(tmp_path / "www" / "chan", CHAIN, shards_base_url=url, place=place)
        found = await load(f"{server.url}/chan")
    assert reached(found) == REACHED
    assert found[0].records("app")[0].url.startswith(f"{server.url}/chan/linux-64/app-")


async def test_archives_may_be_elsewhere(tmp_path: Path, load: Loader) -> None:
    make_channel(tmp_path / "www" / "chan", CHAIN, base_url="https://cdn.example.org/x/")
    with ChannelServer(tmp_path / "www") as server:
        found = await load(f"{server.url}/chan")
    assert found[0].records("app")[0].url == "https://cdn.example.org/x/app-1-0.conda"


# --- faults


@pytest.mark.parametrize(
    ("fault", "more"),
    [({"status": 500}, 1), ({"status": 429, "retry_after": 0}, 1), ({"cut_after": 20}, 1), ({"flip_at": 30}, 1),
     ({"body": b"other"}, 1), ({"html": True}, 1), ({"delay": 0.2}, 0), ({"cut_after": 0}, 1)],
)  # fmt: skip
async def test_what_passes_is_overcome(www: Path, load: Loader, fault: dict[str, object], more: int) -> None:
    with ChannelServer(www) as server:
        server.fail("*/shards/*", **fault)
        assert reached(await load(f"{server.url}/chan", retries=2)) == REACHED
        assert shard_count(server) == 4 + more
        server.forget()
        assert reached(await load(f"{server.url}/chan")) == REACHED
        assert shard_count(server) == 0


async def test_a_wrong_shard_is_asked_for_past_proxies_then_refused(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        server.fail("*/shards/*", body=b"other", times=None)
        with pytest.raises(VerificationError, match="is not the one that the channel's index names") as caught:
            await load(f"{server.url}/chan")
        asked = [request for request in server.requests if "/shards/" in request.path]
        assert [request.headers.get("cache-control") for request in asked] == [None, "no-cache"]
    assert caught.value.data["name"] == "app"
    assert str(caught.value.data["expected"]) in caught.value.message
    assert not list((load.pkgs / "cache" / "shards").glob("*.zst"))


async def test_a_shard_that_is_none_is_one_error(tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.kit.shards.split", lambda document: {"app": ["hostile"]})
    make_channel(tmp_path / "www" / "chan", CHAIN, keep_whole=False)
    with ChannelServer(tmp_path / "www") as server, pytest.raises(RepodataError, match="no part of a sharded index"):
        await load(f"{server.url}/chan")


async def test_where_a_shard_is_none_the_whole_index_serves(
    tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.kit.shards.split", lambda document: {"app": ["hostile"], "data": {}})
    make_channel(tmp_path / "www" / "chan", CHAIN)
    with ChannelServer(tmp_path / "www") as server:
        assert reached(await load(f"{server.url}/chan")) >= REACHED
    assert "no part of a sharded index" in load.notices("warning")[0]


async def test_where_a_shard_can_not_be_had_the_whole_index_serves(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        server.fail("*/linux-64/shards/*", status=503, times=None)
        found = await load(f"{server.url}/chan", retries=1)
        assert [type(one) for one in found] == [RepoData, ShardRows]
        assert (
            "for which the server answered 503. The whole index of chan/linux-64 is used." in load.notices("warning")[0]
        )
        server.fail("*", status=503, times=None)
        with pytest.raises(HttpStatusError):
            await load(f"{server.url}/chan", ttl=0)


async def test_a_server_that_gives_up_is_one_error(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        server.fail("*/shards/*", cut_after=10, times=None)
        with pytest.raises(NetworkError):
            await load(f"{server.url}/chan", retries=1)


async def test_a_huge_shard_is_given_up(www: Path, load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.fetch.index.shard_index.LARGEST_PACKED", 10_000)
    for path in www.glob("*/*/repodata.json*"):  # noqa: ASYNC240 - a few names
        path.unlink()
    with ChannelServer(www) as server:
        server.fail("*/shards/*", body=b"x" * 100_000)
        with pytest.raises(RepodataError, match="more than 10000 bytes"):
            await load(f"{server.url}/chan")


async def test_a_walk_without_end_is_given_up(www: Path, load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_WALK", 300)
    with ChannelServer(www) as server, pytest.raises(RepodataError, match="more than 300 bytes in all"):
        await load(f"{server.url}/chan")


async def test_a_damaged_cached_shard_is_fetched_again(www: Path, load: Loader) -> None:
    with ChannelServer(www, cache_control="max-age=60") as server:
        await load(f"{server.url}/chan")
        victim = next(iter((load.pkgs / "cache" / "shards").glob("*.zst")))
        victim.write_bytes(victim.read_bytes()[:-1] + b"!")
        server.forget()
        assert reached(await load(f"{server.url}/chan")) == REACHED
        assert len(server.requests) == 1


# --- the worker's side alone


class Memory(ShardCache):
    """A cache without a disk."""

    def __init__(self, shards: Iterable[bytes]) -> None:
        super().__init__([])
        self.shards = {hashlib.sha256(packed).digest(): packed for packed in shards}

    def find(self, digest: bytes) -> bytes | None:
        return self.shards.get(digest)

    def store(self, digest: bytes, packed: bytes) -> None:
        self.shards[digest] = packed


NAMES = "abcdefgh"


@given(
    st.fixed_dictionaries({name: st.sets(st.sampled_from(NAMES), max_size=3) for name in NAMES}),
    st.sets(st.sampled_from(NAMES)),
    st.sets(st.sampled_from(NAMES)),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100, deadline=None)
def test_a_walk_is_the_closure_in_whatever_order_shards_arrive(
    needs: dict[str, set[str]], roots: set[str], cached: set[str], random: Random
) -> None:
    records = {name: {f"{name}-1-0.conda": row(name, depends=sorted(needed))} for name, needed in needs.items()}
    packed = {name: pack({"packages.conda": table}) for name, table in records.items()}
    digests = {name: hashlib.sha256(data).digest() for name, data in packed.items()}
    rows = ShardRows(Channel("c", "https://h/c"), "noarch", ShardIndex("https://h/c", "https://h/s", digests))
    search = Walk([rows], Wanted(frozenset(roots)), Memory(packed[name] for name in cached))
    under_way = search.step()
    asked = [job.name for job in under_way]
    while under_way:
        random.shuffle(under_way)
        count = random.randint(1, len(under_way))
        arrived, under_way = under_way[:count], under_way[count:]
        missing = search.step((job, packed[job.name]) for job in arrived)
        asked += [job.name for job in missing]
        under_way += missing
    closure = set(roots)
    while more := {name for one in closure for name in needs[one]} - closure:
        closure |= more
    assert reached([rows]) == closure
    assert sorted(asked) == sorted(closure - cached)


# --- where a walk begins


def test_a_walk_begins_with_the_names_of_the_request() -> None:
    specs = [MatchSpec.parse("a >=1"), MatchSpec.parse("conda-forge::b")]
    installed = [record("c 1 -> d >2; e*")]
    assert Wanted.of(specs, installed) == Wanted(frozenset("abcd"))
    assert Wanted.of(specs, add_pip=True) == Wanted(frozenset("ab"), True)


@pytest.mark.parametrize("text", ["a*", "*", "*[build=x]"])
def test_a_spec_without_a_name_can_lead_anywhere(text: str) -> None:
    assert Wanted.of([MatchSpec.parse("a"), MatchSpec.parse(text)]) is None
