"""py-rattler, which reads shards in its own way, finds the same in the same channel, served without whole indexes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fetch.sharded import CHAIN, INDEX, REACHED, Loader, make_channel, reached
from tests.kit.server import ChannelServer

rattler = pytest.importorskip("rattler")
pytestmark = pytest.mark.anyio


async def test_it_walks_to_the_same_records(tmp_path: Path) -> None:
    make_channel(tmp_path / "www" / "chan", CHAIN, keep_whole=False)
    with ChannelServer(tmp_path / "www") as server:
        url = f"{server.url}/chan"
        gateway = rattler.Gateway(cache_dir=tmp_path / "peer")
        found = await gateway.query([url], ["linux-64", "noarch"], ["app"], recursive=True)
        assert server.count(f"*/{INDEX}") == 2
        ours = await Loader(tmp_path / "pkgs")(url)
    theirs = {record.url: record for records in found for record in records}
    assert {record.name.normalized for record in theirs.values()} == REACHED == reached(ours)
    for rows in ours:
        for name in REACHED:
            for record in rows.records(name):
                peer = theirs.pop(record.url)
                assert (str(peer.version), peer.file_name, peer.depends) == ("1", record.fn, list(record.depends))
                assert (peer.sha256.hex(), peer.md5.hex(), peer.size) == (record.sha256, record.md5, record.size)
    assert not theirs
