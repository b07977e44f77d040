"""An index of packages: what counts, what is passed over, where archives are (CEP 15, CEP 36, CEP 48)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import RepodataError
from engine.model.channel import Channel
from engine.model.repodata import RepoData, RepoDataSplitter
from tests.kit.shared import needs_shared, shared_data

CHANNEL = Channel("chan", "https://me:pw@host/t/tk-123/chan")
SUBDIR = "https://me:pw@host/t/tk-123/chan/linux-64"


def record(name: str = "a", version: str = "1", build: str = "0", **more: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "build": build, "build_number": 0, "depends": [], **more}


def load(document: Any, piece: int = 50, channel: Channel = CHANNEL) -> RepoData:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    splitter = RepoDataSplitter(channel, "linux-64")
    for start in range(0, len(data), piece):
        splitter.feed(data[start : start + piece])
    return splitter.finish()


def fns(repodata: RepoData, name: str = "a") -> list[str]:
    return [found.fn for found in repodata.records(name)]


def test_a_record_knows_where_it_came_from() -> None:
    given = record(md5="0" * 32, size=7, license="MIT", depends=["b >=1", "c"])
    repodata = load({"packages": {"a-1-0.tar.bz2": given}})
    (found,) = repodata.records("a")
    assert (found.fn, found.subdir, found.stem) == ("a-1-0.tar.bz2", "linux-64", "a-1-0")
    assert found.url == f"{SUBDIR}/a-1-0.tar.bz2"
    assert found.channel == "https://host/chan", "no secret may reach conda-meta"
    assert json.loads(found.raw) == given
    assert (found.depends, found.size, found.md5) == (("b >=1", "c"), 7, "0" * 32)
    assert repodata.problems == []


def test_names_that_mention_a_text_are_found_without_decoding() -> None:
    repodata = load({"packages": {"a-1-0.tar.bz2": record(depends=["B >=1"]), "b-1-0.tar.bz2": record("b", depends=3)}})
    assert list(repodata.mentioning("b >=")) == ["a"]
    assert set(repodata.mentioning("depends")) == {"a", "b"}
    assert list(repodata.mentioning("none")) == []
    assert repodata.problems == []


def test_the_words_of_dependencies() -> None:
    rows = {
        "a-1-0.tar.bz2": record(depends=["Numpy[version='>=1']", 'x::lib-b 1.*|"2"', "c\\d"], constrains=["e"]),
        "a-2-0.tar.bz2": record(version="2", depends=[]),
        "a-3-0.tar.bz2": record(version="3", depends=["f ]"]),
    }
    words = load({"packages": rows}).needed_words("a")
    assert words >= {"numpy", "lib-b", "c", "d", "f"}
    assert "e" not in words


def test_records_are_decoded_once() -> None:
    repodata = load({"packages": {"a-1-0.tar.bz2": record()}})
    assert repodata.records("a") is repodata.records("a")
    assert list(repodata.records("none")) == []


def test_both_tables_count_and_the_newer_format_wins() -> None:
    repodata = load(
        {
            "packages.conda": {"a-1-0.conda": record(), "a-3-0.conda": record(version="3")},
            "packages": {"a-1-0.tar.bz2": record(), "a-2-0.tar.bz2": record(version="2"), "b-1-0.tar.bz2": record("b")},
        }
    )
    assert set(repodata.names()) == {"a", "b"}
    assert sorted(fns(repodata)) == ["a-1-0.conda", "a-2-0.tar.bz2", "a-3-0.conda"]


@pytest.mark.parametrize("first", [True, False])
def test_removed_packages_are_left_out_wherever_the_list_stands(first: bool) -> None:
    tables = {"packages": {"a-1-0.tar.bz2": record()}, "packages.conda": {"a-1-0.conda": record()}}
    removed = {"removed": ["a-1-0.conda"]}
    repodata = load({**removed, **tables} if first else {**tables, **removed})
    assert fns(repodata) == ["a-1-0.tar.bz2"], "its twin in the other format is still there"


def test_names_with_dashes_and_names_that_do_not_stand_together() -> None:
    rows = {f"{name}-1-{n}.conda": record(name, build=str(n)) for n in range(30) for name in ("a-b", "a", "a-b-c")}
    repodata = load({"packages.conda": rows})
    assert {name: len(repodata.records(name)) for name in repodata.names()} == {"a-b": 30, "a": 30, "a-b-c": 30}


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, SUBDIR),
        ("", SUBDIR),
        ("https://other/place/linux-64/", "https://other/place/linux-64"),
        ("../packages", "https://me:pw@host/t/tk-123/chan/packages"),
        ("./", SUBDIR),
    ],
)
def test_base_url(base_url: str | None, expected: str) -> None:
    info = {"subdir": "linux-64"} if base_url is None else {"subdir": "linux-64", "base_url": base_url}
    repodata = load({"info": info, "packages": {"a-1-0.tar.bz2": record()}, "repodata_version": 2})
    assert repodata.base_url == expected
    assert repodata.records("a")[0].url == f"{expected}/a-1-0.tar.bz2"


def test_a_token_in_a_query_stays_behind_the_path() -> None:
    repodata = load({"packages": {"a-1-0.tar.bz2": record()}}, channel=Channel("c", "https://host/c?token=x"))
    assert repodata.records("a")[0].url == "https://host/c/linux-64/a-1-0.tar.bz2?token=x"


def test_a_network_channel_must_not_point_into_the_file_system() -> None:
    with pytest.raises(RepodataError, match="base_url"):
        load({"info": {"base_url": "file:///home"}})


@pytest.mark.parametrize("document", [b"", b"{}", {"packages": {}}, {"info": {}, "unknown": [{"a": {}}]}])
def test_empty_documents_are_empty_channels(document: Any) -> None:
    repodata = load(document)
    assert len(repodata.names()) == 0
    assert repodata.base_url == SUBDIR


@pytest.mark.parametrize(
    ("fn", "row", "reason"),
    [
        ("a-1-0.conda", 5, "object"),
        ("a-1-0.conda", record(depends="x"), "depends"),
        ("a-1-0.conda", {"version": "1"}, "name"),
        ("a-1-0.conda", record("b"), "its name is 'b'"),
        ("a-1-0.zip", record(), "file name"),
        ("a-1-../../x.conda", record(), "file name"),
        ("a-1-..\\x.conda", record(), "file name"),
        ("a-1-\x1b[31m.conda", record(), "file name"),
        ("a-1-0.conda", record(depends=[["[" * 50]]), "str"),
    ],
)
def test_a_bad_record_is_passed_over_and_told_of(fn: str, row: Any, reason: str) -> None:
    repodata = load({"packages.conda": {fn: row, "a-2-0.conda": record(version="2")}})
    assert fns(repodata) == ["a-2-0.conda"]
    (problem,) = repodata.problems
    assert reason in problem
    assert "\x1b" not in problem
    assert "chan/linux-64" in problem


def test_careless_records_are_read_all_the_same() -> None:
    careless = record(build_number="3", md5=None, size=None, depends=None, url=None, raw=5, fn=7, channel=["x"])
    del careless["version"]
    careless["version"] = "1"
    (found,) = load({"packages.conda": {"a-1-0.conda": careless}}).records("a")
    assert (found.build_number, found.md5, found.depends, found.fn) == (3, None, (), "a-1-0.conda")
    assert found.url == f"{SUBDIR}/a-1-0.conda"


def test_a_record_can_not_choose_its_own_address() -> None:
    liar = record(url="https://evil/x", fn="x", channel="https://evil", raw="eHg=")
    (found,) = load({"packages.conda": {"a-1-0.conda": liar}}).records("a")
    assert (found.fn, found.url, found.channel) == ("a-1-0.conda", f"{SUBDIR}/a-1-0.conda", "https://host/chan")
    assert json.loads(found.raw) == liar


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE html><html>log in</html>",
        b"[]",
        b"null",
        b'{"packages": {"a',
        b"\x28\xb5\x2f\xfd",
        {"info": 5},
        {"removed": 5},
        {"removed": [1]},
        {"info": {"base_url": 5}},
        {"repodata_version": "x"},
    ],
)
def test_a_wrong_document_is_one_clear_error(document: Any) -> None:
    with pytest.raises(RepodataError) as caught:
        load(document)
    assert "https://me:*****@host/t/<TOKEN>/chan/linux-64/repodata.json" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("document", [{"repodata_version": 3}, {"info": {"repodata_version": 9}}])
def test_versions_of_the_future_are_refused(document: Any) -> None:
    with pytest.raises(RepodataError, match="understands none above 2") as caught:
        load(document)
    assert "Update" in str(caught.value.hint)


def test_a_document_without_end_is_given_up() -> None:
    splitter = RepoDataSplitter(CHANNEL, "linux-64", largest=1000)
    with pytest.raises(RepodataError, match="larger than 1000"):
        for _ in range(100):
            splitter.feed(b'{"packages":{"' + b"a" * 50)


def test_newer_revisions_are_passed_over_with_a_note() -> None:
    revisions = {"v4": {"n_packages": 2, "message": "see \x1b[2J our page"}, "v5": {"n_packages": 0}, "v3": {}}
    v4 = {"v4": {"conda": {"a-2-0": record(version="2")}}}
    repodata = load({"info": {"repodata_revisions": revisions}, "packages.conda": {"a-1-0.conda": record()}, **v4})
    assert fns(repodata) == ["a-1-0.conda"]
    (note,) = repodata.notes
    assert note.startswith("revision v4")
    assert "our page" in note
    assert "\x1b" not in note


def test_records_of_the_third_revision() -> None:
    """CEP 48: tables by the file name's ending, and keys without it."""
    new = record(version="3", extra_depends={"test": ["pytest"]}, flags=["cuda"], indexed_timestamp=5)
    wheel = {"a-4-py3_none_any_0": record(version="4")}
    repodata = load(
        {
            "v3": {
                "tar.bz2": {"a-3-0": new, "a-5-0": record(version="5"), "b-1-0": record("b")},
                "conda": {"a-3-0": new, "a-2-0": record(version="2", build_number=9)},
                "whl": wheel,
            },
            "packages.conda": {"a-1-0.conda": record(), "a-2-0.conda": record(version="2")},
            "removed": ["a-5-0.tar.bz2"],
        }
    )
    assert sorted(fns(repodata)) == ["a-1-0.conda", "a-2-0.conda", "a-3-0.conda"]
    assert fns(repodata, "b") == ["b-1-0.tar.bz2"]
    found = {one.version: one for one in repodata.records("a")}
    assert found["3"].url == f"{SUBDIR}/a-3-0.conda"
    assert found["3"].extra_depends == {"test": ("pytest",)}
    assert (found["3"].flag_names, found["3"].indexed_timestamp) == (("cuda",), 5)
    assert found["2"].build_number == 9, "of one file the newest form counts, wherever it stands"
    assert repodata.notes == (
        "packages of kind v3/whl are passed over, for only .conda and .tar.bz2 can be installed.",
    )


@pytest.mark.parametrize("v3", [5, [], {}, {"conda": 5}, {"conda": {}}, {"": {}, "}": [1]}])
def test_odd_third_revisions_are_no_harm(v3: Any) -> None:
    assert fns(load({"v3": v3, "packages.conda": {"a-1-0.conda": record()}})) == ["a-1-0.conda"]


@needs_shared
@pytest.mark.parametrize("subdir", ["noarch", "win-arm64"])
def test_real_indexes(subdir: str) -> None:
    import zstandard

    packed = (shared_data() / "repodata" / subdir / "repodata.json.zst").read_bytes()
    data = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    document = json.loads(data)
    repodata = load(data, piece=1 << 17)
    found = {one.fn: json.loads(one.raw) for name in repodata.names() for one in repodata.records(name)}
    every = {**document.get("packages", {}), **document.get("packages.conda", {})}
    twins = {fn for fn in every if fn.endswith(".tar.bz2") and fn[:-8] + ".conda" in every}
    assert found == {fn: row for fn, row in every.items() if fn not in twins}
    assert repodata.problems == []
