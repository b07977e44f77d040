"""Loading channels whole or in shards: which form is asked for when, what is remembered, related channels, offline."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ChannelNotFound, ConfigError, OfflineError, RepodataError
from engine.fetch.index import repodata as module
from engine.model.channel import Channel
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows
from tests.fetch.sharded import CHAIN, INDEX, REACHED, Loader, facts, make_channel, reached, row, shard_count
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer
from tests.kit.shards import shard_channel
from tests.kit.shared import needs_shared, shared_data

pytestmark = pytest.mark.anyio


@pytest.fixture
def load(tmp_path: Path) -> Loader:
    return Loader(tmp_path / "pkgs")


@pytest.fixture
def www(tmp_path: Path) -> Path:
    make_channel(tmp_path / "www" / "chan", CHAIN)
    return tmp_path / "www"


def lose_shards(channel: Path, subdir: str = "*") -> None:
    for path in channel.glob(f"{subdir}/shards/*"):
        path.unlink()


def whole_channel(path: Path) -> Path:
    """Without shards."""
    ChannelBuilder(path).add_record("app-1-0.conda", row("app")).write()
    return path


# --- both forms


async def test_both_forms_give_the_same(www: Path, load: Loader, tmp_path: Path) -> None:
    with ChannelServer(www) as server:
        url = f"{server.url}/chan"
        sharded, whole = await load(url, want=["app", "other"]), await Loader(tmp_path / "other")(url, want=None)
        assert [type(one) for one in (*sharded, *whole)] == [ShardRows, ShardRows, RepoData, RepoData]
        assert facts(sharded) == facts(whole)
        assert [one.subdir for one in sharded] == ["linux-64", "noarch"]


@needs_shared
async def test_both_forms_of_real_channels_give_the_same(tmp_path: Path, load: Loader) -> None:
    for subdir in ("win-arm64", "noarch"):
        data = shared_data("repodata", subdir, "repodata.json.zst").read_bytes()
        place = tmp_path / "www" / "chan" / subdir.replace("win-arm64", "linux-64")
        place.mkdir(parents=True)
        (place / "repodata.json.zst").write_bytes(data)
    shard_channel(tmp_path / "www" / "chan")
    with ChannelServer(tmp_path / "www") as server:
        url = f"{server.url}/chan"
        sharded, whole = await load(url, want=["jupyterlab", "pip"]), await load(url, want=None, use_shards=False)
    names = reached(sharded)
    assert 50 < len(names) < 1000
    for one, other in zip(sharded, whole, strict=True):
        assert set(one.names()) == set(other.names())
        for name in names:
            assert facts([_Only(one, name)]) == facts([_Only(other, name)])  # type: ignore[list-item]


class _Only:
    """One name of some rows."""

    def __init__(self, rows: Any, name: str) -> None:
        self.names, self.records = lambda: [name], rows.records


async def test_a_request_that_may_lead_anywhere_asks_for_no_shards(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        assert [type(one) for one in await load(f"{server.url}/chan", want=None)] == [RepoData, RepoData]
        assert server.count(f"*/{INDEX}") == 0


async def test_shards_can_be_switched_off(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        assert [type(one) for one in await load(f"{server.url}/chan", use_shards=False)] == [RepoData, RepoData]
        assert server.count(f"*/{INDEX}") == 0


async def test_a_fresh_whole_index_serves_as_well(www: Path, load: Loader) -> None:
    with ChannelServer(www, cache_control="max-age=60") as server:
        await load(f"{server.url}/chan", want=None)
        server.forget()
        assert [type(one) for one in await load(f"{server.url}/chan")] == [RepoData, RepoData]
        assert server.requests == []
        assert [type(one) for one in await load(f"{server.url}/chan", ttl=0)] == [ShardRows, ShardRows]


# --- channels without shards


async def test_that_a_channel_has_no_shards_is_remembered(tmp_path: Path, load: Loader) -> None:
    whole_channel(tmp_path / "www" / "chan")
    with ChannelServer(tmp_path / "www") as server:
        assert reached(await load(f"{server.url}/chan")) == {"app"}
        assert (server.count(f"*/{INDEX}"), len(server.requests)) == (2, 4)
        notes = [json.loads(path.read_bytes()) for path in (load.pkgs / "cache").glob("*.info.json")]
        assert {note["has_shards"]["value"] for note in notes} == {False}
        server.forget()
        await load(f"{server.url}/chan")
        assert [(request.path[-4:], request.status) for request in server.requests] == [(".zst", 304)] * 2
        assert server.count(f"*/{INDEX}") == 0
        server.forget()
        await load(f"{server.url}/chan", shards_ttl=0)
        assert server.count(f"*/{INDEX}") == 2


async def test_it_is_looked_for_again_when_the_memory_is_old(
    tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_channel(tmp_path / "www" / "chan")
    with ChannelServer(tmp_path / "www") as server:
        await load(f"{server.url}/chan")
        shard_channel(tmp_path / "www" / "chan")
        assert isinstance((await load(f"{server.url}/chan"))[0], RepoData)
        later = module.now_ns() + 86401 * 10**9
        monkeypatch.setattr(module, "now_ns", lambda: later)
        assert isinstance((await load(f"{server.url}/chan"))[0], ShardRows)


@pytest.mark.parametrize("status", [403, 410, 501])
async def test_other_ways_to_say_that_there_are_none(www: Path, load: Loader, status: int) -> None:
    with ChannelServer(www) as server:
        server.fail(f"*/{INDEX}", status=status, times=None)
        assert isinstance((await load(f"{server.url}/chan"))[0], RepoData)
        assert load.notices("warning") == []
        await load(f"{server.url}/chan")
        assert server.count(f"*/{INDEX}") == 2


@pytest.mark.parametrize("fault", [{"status": 500}, {"html": True}, {"body": b"\x28\xb5\x2f\xfdtorn"}, {"status": 401}])
async def test_a_shard_index_that_can_not_be_used_leads_to_the_whole_one(
    www: Path, load: Loader, fault: dict[str, Any]
) -> None:
    with ChannelServer(www) as server:
        server.fail(f"*/linux-64/{INDEX}", times=None, **fault)
        found = await load(f"{server.url}/chan")
        assert [type(one) for one in found] == [RepoData, ShardRows]
        assert reached(found) >= REACHED
        (warning,) = load.notices("warning")
        assert "chan/linux-64: its shards are not used, but its whole index" in warning
        server.forget()
        assert [type(one) for one in await load(f"{server.url}/chan", ttl=0)] == [ShardRows, ShardRows]


async def test_a_channel_may_have_nothing_but_shards(www: Path, load: Loader) -> None:
    shard_channel(www / "chan", keep_whole=False)
    with ChannelServer(www) as server:
        assert reached(await load(f"{server.url}/chan")) == REACHED
        with pytest.raises(ChannelNotFound):
            await load(f"{server.url}/chan", want=None)


async def test_a_channel_that_is_not_there(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server, pytest.raises(ChannelNotFound, match="There is no channel at"):
        await load(f"{server.url}/chann")


async def test_one_subdir_may_be_missing(www: Path, load: Loader) -> None:
    for path in (www / "chan" / "noarch").iterdir():
        path.rename(path.with_suffix(".gone"))
    with ChannelServer(www) as server:
        found = await load(f"{server.url}/chan")
    assert reached(found) == {"app", "lib", "deep"}
    assert load.notices("warning") == [f"Channel chan has no noarch at {server.url}/chan; it is taken as empty."]


# --- indexes that are out of date


async def test_an_old_index_that_names_shards_which_are_gone_is_fetched_anew(www: Path, load: Loader) -> None:
    with ChannelServer(www, cache_control="max-age=1000") as server:
        await load(f"{server.url}/chan", want=["data"])
        lose_shards(www / "chan")
        make_channel(www / "chan", [line.replace("lib >=1", "lib >=1,<2") for line in CHAIN])
        server.forget()
        assert reached(await load(f"{server.url}/chan")) == REACHED
        assert server.count(f"*/{INDEX}") == 1
        assert load.notices("warning") == []


async def test_without_the_shards_of_its_own_index_a_channel_is_loaded_whole(www: Path, load: Loader) -> None:
    lose_shards(www / "chan", "linux-64")
    with ChannelServer(www) as server:
        found = await load(f"{server.url}/chan")
        assert [type(one) for one in found] == [RepoData, ShardRows]
        assert reached(found) >= REACHED
        assert "The whole index of chan/linux-64 is used." in load.notices("warning")[0]
    shard_channel(www / "chan", keep_whole=False)
    lose_shards(www / "chan", "linux-64")
    with ChannelServer(www) as server, pytest.raises(RepodataError, match="for which the server answered 404"):
        await Loader(load.pkgs / "fresh")(f"{server.url}/chan")


# --- offline


async def test_offline_after_online_gives_the_same(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        url = f"{server.url}/chan"
        online = facts(await load(url))
    assert facts(await load(url, offline=True)) == online
    assert load.notes() == ["cached", "cached"]
    assert load.notices("warning") == []


async def test_offline_what_was_never_fetched_counts_as_absent(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(f"{server.url}/chan")
    found = await load(f"{server.url}/chan", want=["app", "other"], offline=True)
    assert reached(found) == REACHED
    assert load.notices("warning") == [
        "The cache lacks what the channels have of 1 packages, which count as absent: other"
    ]


async def test_offline_a_whole_index_serves_where_shards_are_missing(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(f"{server.url}/chan", want=None)
        await load(f"{server.url}/chan")
    assert [type(one) for one in await load(f"{server.url}/chan", offline=True)] == [ShardRows, ShardRows]
    found = await load(f"{server.url}/chan", want=["app", "other"], offline=True)
    assert reached(found) == {*REACHED, "other", "more"}
    assert load.notices("warning") == []


async def test_offline_the_newer_form_counts(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(f"{server.url}/chan")
        await load(f"{server.url}/chan", use_shards=False)
    assert [type(one) for one in await load(f"{server.url}/chan", offline=True)] == [RepoData, RepoData]


async def test_offline_without_anything(www: Path, load: Loader) -> None:
    with pytest.raises(OfflineError, match="Nothing of channel chan is in the cache"):
        await load("http://127.0.0.1:9/chan", offline=True)


async def test_offline_a_broken_index_is_nothing(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(f"{server.url}/chan")
    for path in (load.pkgs / "cache").glob("*.msgpack.zst"):
        path.write_bytes(b"torn")
    with pytest.raises(OfflineError):
        await load(f"{server.url}/chan", offline=True)


async def test_a_broken_cached_index_is_fetched_again(www: Path, load: Loader) -> None:
    with ChannelServer(www, cache_control="max-age=60") as server:
        await load(f"{server.url}/chan")
        for path in (load.pkgs / "cache").glob("*.msgpack.zst"):
            stat = path.stat()
            path.write_bytes(b"!" * stat.st_size)
            os.utime(path, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
        server.forget()
        assert reached(await load(f"{server.url}/chan")) == REACHED
        # the server calls our index unmodified, so it must be asked again without conditions
        assert sorted(request.status for request in server.requests) == [200, 200, 304, 304]
        server.forget()
        await load(f"{server.url}/chan")
        assert server.requests == []


# --- local channels


async def test_local_channels_have_shards_too_and_are_not_cached(www: Path, load: Loader) -> None:
    found = await load((www / "chan").as_uri())
    assert [type(one) for one in found] == [ShardRows, ShardRows]
    assert reached(found) == REACHED
    assert not load.pkgs.exists() or not list(load.pkgs.rglob("*.zst"))
    assert facts(await load((www / "chan").as_uri(), offline=True)) == facts(found)


async def test_a_local_index_may_name_shards_on_a_server(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        for subdir in ("linux-64", "noarch"):
            os.rename(www / "chan" / subdir / "shards", www / f"shards-{subdir}")
        shard_channel(www / "chan", shards_base_url=f"{server.url}/shards/", place=www / "shards")
        assert reached(await load((www / "chan").as_uri())) == REACHED
        assert len(server.requests) == 4
        assert reached(await load((www / "chan").as_uri())) == REACHED
        assert len(server.requests) == 4


# --- related channels (CEP 42)


RELATED = {"bio": ["app -> lib"], "forge": ["lib -> deep", "app"], "deeper": ["deep"]}


@pytest.fixture
def related(tmp_path: Path) -> Path:
    """bio has the base forge, which overrides deeper."""
    make_channel(tmp_path / "www" / "bio", RELATED["bio"], relations={"base": "../forge"})
    make_channel(tmp_path / "www" / "forge", RELATED["forge"], relations={"overrides": "../deeper"})
    make_channel(tmp_path / "www" / "deeper", RELATED["deeper"])
    return tmp_path / "www"


def in_whole_indexes(www: Path) -> None:
    """Write the relations of shard indexes into the whole ones, and take the shards away."""
    for name, said in (("bio", {"base": "../forge"}), ("forge", {"overrides": "../deeper"})):
        path = www / name / "noarch" / "repodata.json"
        document = json.loads(path.read_bytes())
        document["info"]["channel_relations"] = said
        path.write_text(json.dumps(document))
        path.with_name("repodata.json.zst").unlink()
    for path in www.glob(f"*/*/{INDEX}"):
        path.unlink()


@pytest.mark.parametrize("sharded", [True, False])
async def test_channels_bring_others_along(related: Path, load: Loader, sharded: bool) -> None:
    if not sharded:
        in_whole_indexes(related)
    with ChannelServer(related, cache_control="max-age=60") as server:
        found = await load(f"{server.url}/bio")
        names = [one.channel.name for one in found[::2]]
        assert [name.rpartition("/")[2] for name in names] == ["forge", "bio", "deeper"]
        assert {type(one) for one in found} == {ShardRows if sharded else RepoData}
        assert reached(found) == {"app", "lib", "deep"}
        assert load.notices("info") == [
            "The channel bio brings along forge.",
            "The channel forge brings along deeper.",
        ]
        server.forget()
        assert facts(await load(f"{server.url}/bio")) == facts(found)
        assert server.requests == []
    assert facts(await load(f"{server.url}/bio", offline=True)) == facts(found)


async def test_the_users_order_wins(related: Path, load: Loader) -> None:
    with ChannelServer(related) as server:
        found = await load(f"{server.url}/bio", f"{server.url}/forge")
        assert [one.channel.name for one in found[::2]] == ["bio", "forge", "deeper"]
        assert len({request.path for request in server.requests}) == len(server.requests)


async def test_relations_can_be_left_alone(related: Path, load: Loader) -> None:
    with ChannelServer(related) as server:
        found = await load(f"{server.url}/bio", relations_depth=0)
        assert [one.channel.name for one in found] == ["bio", "bio"]
        with pytest.raises(RepodataError, match="more than 1 steps away"):
            await load(f"{server.url}/bio", relations_depth=1)


async def test_circles_are_an_error(related: Path, load: Loader) -> None:
    make_channel(related / "deeper", [], relations={"overrides": "../forge"})
    with ChannelServer(related) as server, pytest.raises(RepodataError, match="goes in circles"):
        await load(f"{server.url}/bio")


async def test_a_related_channel_that_is_not_there_is_an_error(related: Path, load: Loader) -> None:
    make_channel(related / "deeper", [], relations={"base": "../nowhere"})
    with (
        ChannelServer(related) as server,
        pytest.raises(ChannelNotFound, match="/nowhere, which the channel deeper names"),
    ):
        await load(f"{server.url}/bio")


async def test_channels_that_are_forbidden_stay_so(related: Path, load: Loader) -> None:
    def admit(channel: Channel) -> None:
        if channel.name == "deeper":
            raise ConfigError("forbidden")

    with ChannelServer(related) as server, pytest.raises(ConfigError, match="forbidden"):
        await load(f"{server.url}/bio", admit=admit)
    assert server.count("/deeper/*") == 0


async def test_malformed_relations_are_an_error(related: Path, load: Loader) -> None:
    in_whole_indexes(related)
    path = related / "bio" / "noarch" / "repodata.json"
    path.write_text(json.dumps({"info": {"channel_relations": {"base": 1}}, "packages": {}, "packages.conda": {}}))
    with ChannelServer(related) as server, pytest.raises(RepodataError, match="'channel_relations' are malformed"):
        await load(f"{server.url}/bio")


# --- the rest


async def test_a_cache_that_can_not_be_written_costs_only_requests(www: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    load = Loader(tmp_path / "file")
    with ChannelServer(www) as server:
        assert reached(await load(f"{server.url}/chan")) == REACHED
        assert reached(await load(f"{server.url}/chan")) == REACHED
        assert shard_count(server) == 8


async def test_unused_shards_are_collected_after_an_index_changed(www: Path, load: Loader) -> None:
    with ChannelServer(www) as server:
        await load(f"{server.url}/chan")
        place = load.pkgs / "cache" / "shards"
        before = set(place.glob("*.zst"))
        for path in (*before, place / ".collected"):
            os.utime(path, (1e9, 1e9))
        make_channel(www / "chan", [line.replace("deep -> data", "deep -> data 1.*") for line in CHAIN])
        assert reached(await load(f"{server.url}/chan")) == REACHED
        after = set(place.glob("*.zst"))
        assert (len(before), len(after), len(before - after)) == (4, 4, 1)
