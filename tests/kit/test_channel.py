"""Channels on disk are what CEP 36 says, and the same in whatever order packages came."""

from __future__ import annotations

import json
from pathlib import Path

import zstandard

from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.tree import tree

_PACKAGES = (make_package("a"), make_package("b", format=".tar.bz2"), make_package("c", noarch="generic"))


def test_indexes_hold_the_records(tmp_path: Path) -> None:
    channel = ChannelBuilder(tmp_path / "channel")
    for package in _PACKAGES:
        channel.add(package)
    path = channel.write()
    index = json.loads((path / "linux-64/repodata.json").read_text())
    assert list(index["packages.conda"]) == ["a-1.0-h_0.conda"]
    assert list(index["packages"]) == ["b-1.0-h_0.tar.bz2"]
    assert index["packages"]["b-1.0-h_0.tar.bz2"] == _PACKAGES[1].record
    packed = zstandard.ZstdDecompressor().decompressobj().decompress((path / "noarch/repodata.json.zst").read_bytes())
    assert json.loads(packed) == channel.repodata("noarch")
    assert (path / "noarch/c-1.0-h_0.conda").read_bytes() == _PACKAGES[2].data


def test_order_does_not_matter(tmp_path: Path) -> None:
    for name, packages in (("one", _PACKAGES), ("other", reversed(_PACKAGES))):
        channel = ChannelBuilder(tmp_path / name)
        for package in packages:
            channel.add(package)
        channel.write()
    assert tree(tmp_path / "one") == tree(tmp_path / "other")


def test_records_can_lie_and_go(tmp_path: Path) -> None:
    channel = ChannelBuilder(tmp_path, base_url="https://example.org/x", noarch=False, forms=["repodata.json"])
    channel.add(_PACKAGES[0], sha256="0" * 64, md5=None).add(_PACKAGES[1])
    channel.remove("linux-64", _PACKAGES[1].fn).add_record("d-1-0.conda", {"name": "d", "subdir": "linux-64"})
    channel.write()
    index = json.loads((tmp_path / "linux-64/repodata.json").read_text())
    record = index["packages.conda"]["a-1.0-h_0.conda"]
    assert (record["sha256"], "md5" in record) == ("0" * 64, False)
    assert index["removed"] == [_PACKAGES[1].fn]
    assert index["packages"] == {}
    assert index["info"]["base_url"] == "https://example.org/x"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linux-64"]
    assert not (tmp_path / "linux-64/repodata.json.zst").exists()
    assert not (tmp_path / "linux-64/d-1-0.conda").exists()
