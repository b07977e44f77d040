from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from engine.errors import ArchiveError
from engine.fetch.cache.marker import Marker, completed, is_same, marker_text, read_marker
from engine.model.records import RepoDataRecord

RECORD = RepoDataRecord(
    name="p", version="1", fn="p-1-0.conda", url="https://user:pw@host/t/secret/chan/noarch/p-1-0.conda",
    sha256="a" * 64, md5="b" * 32, size=7, channel="https://host/chan", subdir="noarch",
)  # fmt: skip


@pytest.mark.parametrize(
    ("marker", "same"),
    [
        (Marker(sha256="a" * 64), True),
        (Marker(sha256="A" * 64, url="https://mirror/x"), True),
        (Marker(sha256="c" * 64, md5="b" * 32), False),
        (Marker(md5="b" * 32, size=8), True),
        (Marker(md5="c" * 32), False),
        (Marker(url="http://host/chan/noarch/p-1-0.conda"), True),
        (Marker(url="http://host/chan/noarch/p-1-0.conda", size=8), False),
        (Marker(url="http://other/chan/noarch/p-1-0.conda"), False),
        (Marker(), False),
    ],
)
def test_identity(marker: Marker, same: bool) -> None:
    assert is_same(RECORD, marker) is same


def test_an_index_record_is_kept_with_fields_unknown_to_us_but_without_secrets() -> None:
    record = msgspec.structs.replace(RECORD, raw=b'{"name": "p", "odd": [1], "depends": ["q"]}')
    text = marker_text(record, b'{"name": "p", "constrains": ["removed by a patch"]}')
    document = json.loads(text)
    assert document["odd"] == [1]
    assert document["depends"] == ["q"]
    assert document["constrains"] == []
    assert document["url"] == "https://host/chan/noarch/p-1-0.conda"
    assert document["channel"] == "https://host/chan"
    assert (document["fn"], document["sha256"], document["size"]) == ("p-1-0.conda", "a" * 64, 7)
    assert b"secret" not in text
    assert b"pw" not in text
    assert completed(record, text) is record


def test_an_address_is_completed_from_the_package() -> None:
    bare = RepoDataRecord(name="", version="", fn="p-1-0.conda", url=RECORD.url, size=7, sha256="a" * 64)
    index = {"name": "p", "version": "1", "build": "0", "depends": ["q >=1"], "raw": "nonsense", "subdir": "noarch"}
    text = marker_text(bare, json.dumps(index).encode())
    found = completed(bare, text)
    assert (found.name, found.depends, found.sha256, found.url) == ("p", ("q >=1",), "a" * 64, RECORD.url)
    assert found.channel == "https://host/chan"
    assert found.raw == text


@pytest.mark.parametrize("index", [b"", b"[]", b"{", b'{"name": 3, "version": "1"}'])
def test_a_broken_index_json_is_our_error(index: bytes) -> None:
    bare = RepoDataRecord(name="", version="", fn="p-1-0.conda", url=RECORD.url)
    with pytest.raises(ArchiveError, match=r"index\.json is broken"):
        completed(bare, marker_text(bare, index))


@pytest.mark.parametrize("data", [None, b"", b"[]", b"{", b'{"size": "x"}', b"\xff"])
def test_what_cannot_be_read_is_no_marker(data: bytes | None, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / "info").mkdir()
        (tmp_path / "info/repodata_record.json").write_bytes(data)
    assert read_marker(str(tmp_path)) is None
