"""Shards: the same records as the whole index gives; what they need; hostile ones."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RepodataError
from engine.model.channel import Channel
from engine.model.lazy_records import LazyRecords, fns_of, heads_of
from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord
from engine.model.repodata import UNREADABLE, RepoData, RepoDataSplitter
from engine.model.shard_index import ShardIndex
from engine.model.shards import ShardRows, needed_texts, with_json
from tests.kit.shards import pack, read_index, split
from tests.kit.shared import needs_shared, shared_data

CHANNEL = Channel("c", "https://u:pw@h.org/c")
SHA, MD5 = "ab" * 32, "cd" * 16


def row(name: str, version: str = "1", **more: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "build": "0", "build_number": 0, "sha256": SHA, "md5": MD5, **more}


def rows_of(shards: dict[str, Any], *, base_url: str = "https://u:pw@h.org/c/noarch") -> ShardRows:
    packed = {name: shard if isinstance(shard, bytes) else pack(shard) for name, shard in shards.items()}
    digests = {name: hashlib.sha256(data).digest() for name, data in packed.items()}
    rows = ShardRows(CHANNEL, "noarch", ShardIndex(base_url, "https://h.org/s", digests))
    for name, data in packed.items():
        rows.keep(name, data)
    return rows


def whole(document: dict[str, Any]) -> RepoData:
    splitter = RepoDataSplitter(CHANNEL, "noarch")
    splitter.feed(msgspec.json.encode(document))
    return splitter.finish()


def fields(record: RepoDataRecord) -> dict[str, Any]:
    """All of a record, the index's own text as what it says."""
    found = msgspec.structs.asdict(with_json(record))
    said = msgspec.json.decode(found.pop("raw"))
    return {**found, "said": {key: value for key, value in said.items() if key not in ("md5", "sha256")}}


def same(document: dict[str, Any]) -> ShardRows:
    """Both ways to the same records; gives the sharded one."""
    sharded, plain = rows_of(split(document)), whole(document)
    assert set(sharded.names()) == set(plain.names()) | set(split(document))
    for name in sharded.names():
        assert list(map(fields, sharded.records(name))) == list(map(fields, plain.records(name))), name
    assert sorted(sharded.problems) == sorted(plain.problems)
    return sharded


DOCUMENT = {
    "packages": {"a-1-0.tar.bz2": row("a"), "a-2-0.tar.bz2": row("a", "2", noarch="python", license="MIT")},
    "packages.conda": {
        "a-1-0.conda": row("a", depends=["b >=1", "c"], later={"x": [1, None, 2.5]}),
        "b-3-0.conda": row("b", "3", track_features="f", timestamp=1638891318904, size=7, subdir="linux-64"),
    },
    "v3": {"conda": {"a-4-0": row("a", "4", extra_depends={"test": ["t 1"]}, flags=["x"])}, "whl": {"w-1-0": row("w")}},
    "removed": ["a-2-0.tar.bz2"],
}


def test_the_records_are_those_of_the_whole_index() -> None:
    rows = same(DOCUMENT)
    assert [record.fn for record in rows.records("a")] == ["a-1-0.conda", "a-4-0.conda"]
    first = rows.records("a")[0]
    assert (first.sha256, first.md5) == (SHA, MD5)
    assert (first.url, first.channel) == ("https://u:pw@h.org/c/noarch/a-1-0.conda", "https://h.org/c")
    assert type(first) is RepoDataRecord
    assert rows.records("a") is rows.records("a")


def test_records_may_be_decoded_when_they_are_looked_at() -> None:
    rows = rows_of(split(DOCUMENT))
    for name in rows.names():
        lazy = rows.lazy_records(name)
        assert list(map(fields, lazy)) == list(map(fields, rows_of(split(DOCUMENT)).records(name)))
        assert list(fns_of(lazy)) == [record.fn for record in lazy]
        assert [head.version for head in heads_of(lazy)] == [record.version for record in lazy]
    assert isinstance(rows.lazy_records("a"), LazyRecords)
    assert rows.lazy_records("a") is rows.lazy_records("a")
    assert rows.lazy_records("nowhere") == ()


def test_only_what_is_looked_at_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {f"a-{number}-0.conda": row("a", str(number)) for number in range(5)}
    rows = rows_of({"a": {"packages.conda": table}})
    lazy = rows.lazy_records("a")
    decoded: list[str] = []
    complete = ShardRows._completed

    def spy(self: ShardRows, name: str, fn: str, raw: bytes) -> RepoDataRecord:
        decoded.append(fn)
        return complete(self, name, fn, raw)

    monkeypatch.setattr(ShardRows, "_completed", spy)
    assert len(heads_of(lazy)) == 5 and decoded == []
    assert lazy[3].sha256 == SHA
    assert decoded == ["a-3-0.conda"]


def test_what_shows_too_late_to_be_no_record_can_not_be_chosen() -> None:
    rows = rows_of({"a": {"packages.conda": {"a-1-0.conda": row("a", depends="b"), "a-2-0.conda": row("a", "2")}}})
    lazy = rows.lazy_records("a")
    assert isinstance(lazy, LazyRecords)
    assert [record.depends for record in lazy] == [(UNREADABLE,), ()]
    assert (lazy[0].fn, len(rows.problems)) == ("a-1-0.conda", 1)


@pytest.mark.parametrize("wrong", [row("b"), {**row("a"), "build_number": "7"}, {"version": "1"}, 5])
def test_where_heads_do_not_tell_all_is_decoded(wrong: Any) -> None:
    rows = rows_of({"a": {"packages.conda": {"a-1-0.conda": wrong, "a-2-0.conda": row("a", "2")}}})
    assert [record.version for record in rows.lazy_records("a")][-1] == "2"
    assert not isinstance(rows.lazy_records("a"), LazyRecords)


def test_careless_records_are_read_as_in_the_whole_index() -> None:
    careless = row("a", "1", build_number="7", depends=None, size="12")
    wrong = row("b", build_number="many")
    rows = same({"packages.conda": {"a-1-0.conda": careless, "b-1-0.conda": wrong, "b-2-0.conda": row("b", "2")}})
    record = rows.records("a")[0]
    assert (record.build_number, record.size, record.sha256) == (7, 12, SHA)
    assert [record.version for record in rows.records("b")] == ["2"]
    assert len(rows.problems) == 1 and "'b-1-0.conda' is passed over" in rows.problems[0]


@pytest.mark.parametrize("fn", ["../x-1-0.conda", "a-1-0.zip", "a\n-1-0.conda", "a\\b-1-0.conda"])
def test_odd_file_names_are_passed_over(fn: str) -> None:
    rows = rows_of({"a": {"packages.conda": {fn: row("a"), "a-2-0.conda": row("a", "2")}}})
    assert [record.version for record in rows.records("a")] == ["2"]
    assert len(rows.problems) == 1


def test_a_shard_holds_nothing_but_its_name() -> None:
    rows = rows_of({"a": {"packages.conda": {"b-1-0.conda": row("b"), "a-1-0.conda": row("a")}}})
    assert [record.name for record in rows.records("a")] == ["a"]
    assert "its name is 'b'" in rows.problems[0]


def test_digests_may_be_text_or_missing() -> None:
    table = {"a-1-0.conda": row("a"), "a-2-0.conda": {"name": "a", "version": "2"}}
    shas = [record.sha256 for record in rows_of({"a": {"packages.conda": table}}).records("a")]
    assert shas == [SHA, None]


def test_digests_that_look_like_marks_come_through() -> None:
    digest = b"\xa3md5\xc4\x10" + b"\xa6sha256\xc4\x20" + bytes(17)
    table = {"a-1-0.conda": {**row("a"), "sha256": digest, "md5": digest[:16]}}
    rows = rows_of({"a": {"packages.conda": table}})
    assert [record.sha256 for record in rows.records("a")] == [digest.hex()]


def test_other_fields_in_bytes_do_no_harm() -> None:
    rows = rows_of({"a": {"packages.conda": {"a-1-0.conda": {**row("a"), "legacy_bz2_md5": bytes(16), "x": {1: b""}}}}})
    record = with_json(rows.records("a")[0])
    assert msgspec.json.decode(record.raw)["name"] == "a"
    assert with_json(record) is record


def test_a_text_that_json_can_not_say_costs_only_that_text() -> None:
    fresh = msgspec.msgpack.Ext(5, b"x")
    rows = rows_of({"a": {"packages.conda": {"a-1-0.conda": {**row("a"), "odd": fresh}}}})
    record = with_json(rows.records("a")[0])
    assert (record.name, record.raw) == ("a", b"")


def test_bytes_that_are_no_text_cost_only_themselves() -> None:
    raw = b'{"name": "a", "version": "1", "license": "\xff", "url": "\xc3\xa9"}'
    record = msgspec.structs.replace(msgspec.json.decode(raw, type=RepoDataRecord), raw=raw)
    assert not MatchSpec.parse("a[license=MIT]").matches(record)
    assert msgspec.json.decode(with_json(record).raw) == {
        "name": "a", "version": "1", "license": "\ufffd", "url": "\xe9"
    }  # fmt: skip


def test_licences_are_known_while_solving() -> None:
    rows = rows_of({"a": {"packages.conda": {"a-1-0.conda": row("a", license="MIT")}}})
    record = rows.records("a")[0]
    assert MatchSpec.parse("a[license=MIT]").matches(record)
    assert not MatchSpec.parse("a[license=GPL]").matches(record)
    assert MatchSpec.parse("a[license=MIT]").matches(with_json(record))


def test_a_name_whose_shard_was_not_fetched_has_no_records() -> None:
    rows = ShardRows(CHANNEL, "noarch", ShardIndex("https://h/c", "https://h/s", {"a": bytes(32)}))
    assert list(rows.names()) == ["a"]
    assert rows.records("a") == rows.records("b") == ()
    assert repr(rows) == "<ShardRows c/noarch, 0 of 1 shards>"


def test_a_query_of_the_base_url_stays_at_the_end() -> None:
    rows = rows_of({"a": {"packages.conda": {"a-1-0.conda": row("a")}}}, base_url="https://h/c/noarch?key=1")
    assert rows.records("a")[0].url == "https://h/c/noarch/a-1-0.conda?key=1"


# --- what a shard needs


def test_what_the_records_need() -> None:
    assert needed_texts(pack(split(DOCUMENT)["a"]), "u") == {"b >=1", "c", "t 1"}


def test_what_can_be_read_of_careless_records_counts() -> None:
    shard = {
        "packages": {"a-1-0.tar.bz2": row("a", depends=["b", 7, None])},
        "packages.conda": {"a-2-0.conda": row("a", depends="c"), "a-3-0.conda": 5, "a-4-0.conda": row("a")},
        "v3": {"conda": {"a-5-0": row("a", depends=["d"], extra_depends={"g": ["e", 1], "h": None})}},
    }
    assert needed_texts(pack(shard), "u") == {"b", "d", "e"}


HOSTILE = [
    b"",
    b"\xc1",
    b"<html>",
    pack([]),
    pack("x"),
    pack({"packages": []}),
    pack({"packages.conda": {"a": {}}, "v3": []}),
    pack({"removed": "a"}),
    pack({"packages": {1: {}}}),
    b"\x91" * 500_000,
    b"\x81\xa8packages\x81\xa1a\x81\xa1x" + b"\x91" * 500_000,
    pack({"packages": {}})[:-3],
]


@pytest.mark.parametrize("packed", HOSTILE)
def test_what_is_no_shard_is_one_error(packed: bytes) -> None:
    if packed != pack({"removed": "a"}):  # which lists nothing that the walk reads
        with pytest.raises(RepodataError):
            needed_texts(packed, "https://u:pw@h/s")
    with pytest.raises(RepodataError) as caught:
        rows_of({"a": packed}).records("a")
    assert "pw" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5) | st.binary(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["packages", "packages.conda", "depends", "name", "a-1-0.conda"]), inner)
        ),
        max_leaves=12,
    )
)
@settings(max_examples=300, deadline=None)
def test_any_value_is_a_shard_or_one_error(value: Any) -> None:
    packed = pack(value)
    for read in (lambda: needed_texts(packed, "u"), lambda: rows_of({"a": packed}).records("a")):
        try:
            read()
        except RepodataError:
            continue


@needs_shared
@pytest.mark.parametrize("subdir", ["noarch", "win-arm64"])
def test_real_indexes_give_the_same_both_ways(subdir: str) -> None:
    document = read_index(shared_data("repodata", subdir)) or {}
    rows = same({**document, "info": {}})
    assert len(rows.names()) > 10
