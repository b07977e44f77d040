"""Records that are decoded when they are looked at are the records that decoding all of them gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.model.channel import Channel
from engine.model.lazy_records import LazyRecords, fns_of, heads_of
from engine.model.match_spec import MatchSpec
from engine.model.repodata import UNREADABLE, RepoData, RepoDataSplitter
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from tests.kit.shared import needs_shared, shared_data
from tests.kit.universe import virtual

CHANNEL = Channel("chan", "https://host/chan")


def row(version: str, **more: Any) -> dict[str, Any]:
    return {"name": "a", "version": version, "build": "0", "build_number": 0, "depends": ["b"], **more}


def load(**document: Any) -> RepoData:
    splitter = RepoDataSplitter(CHANNEL, "linux-64")
    splitter.feed(json.dumps(document).encode())
    return splitter.finish()


def test_only_what_is_looked_at_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    complete = RepoData._completed

    def spy(self: RepoData, name: str, fn: str, raw: bytes) -> Any:
        decoded.append(fn)
        return complete(self, name, fn, raw)

    monkeypatch.setattr(RepoData, "_completed", spy)
    repodata = load(**{"packages.conda": {f"a-{n}-0.conda": row(str(n), build_number=n) for n in range(9)}})
    found = repodata.lazy_records("a")
    assert isinstance(found, LazyRecords)
    assert [head.build_number for head in heads_of(found)] == list(range(9))
    assert list(fns_of(found)) == [f"a-{n}-0.conda" for n in range(9)]
    assert decoded == []
    assert found[3] is found[3]
    assert found[3].depends == ("b",)
    assert decoded == ["a-3-0.conda"]
    assert [one.version for one in found[7:]] == ["7", "8"]
    assert found[-1].version == "8"
    assert repodata.lazy_records("a") is found
    with pytest.raises(IndexError):
        found[9]


def test_the_same_counts_as_when_all_are_decoded() -> None:
    document = {
        "packages": {"a-1-0.tar.bz2": row("1"), "a-2-0.tar.bz2": row("2"), "a-3-0.tar.bz2": row("3")},
        "packages.conda": {"a-1-0.conda": row("1"), "a-2-0.conda": row("2")},
        "v3": {"conda": {"a-5-0": row("5"), "a-1-0": row("1", build_number=7)}, "tar.bz2": {"a-5-0": row("5")}},
        "removed": ["a-2-0.conda", "a-3-0.tar.bz2"],
    }
    lazy, eager = load(**document).lazy_records("a"), load(**document).records("a")
    assert isinstance(lazy, LazyRecords)
    assert list(lazy) == list(eager)
    assert [one.fn for one in lazy] == list(fns_of(lazy)) == list(fns_of(eager))
    assert {one.fn for one in lazy} == {"a-1-0.conda", "a-2-0.tar.bz2", "a-5-0.conda"}
    assert list(load(**document).lazy_records("none")) == []


@pytest.mark.parametrize(
    ("fn", "bad"),
    [
        ("a-2-0.conda", 5),
        ("a-2-0.conda", {"version": "2"}),
        ("a-2-0.conda", row("2", name="b")),
        ("a-2-0.zip", row("2")),
        ("a-2-../../x.conda", row("2")),
        ("a-2-\x1b.conda", row("2")),
        ("a-2-0.conda", row("2", build_number="x")),
        ("a-2-0.conda", row("2", build_number="3")),
        ("a-2-0.conda", row("2", timestamp=None)),
    ],
)
def test_a_name_with_a_bad_head_is_decoded_at_once(fn: str, bad: Any) -> None:
    document = {"packages.conda": {fn: bad, "a-1-0.conda": row("1")}}
    one, other = load(**document), load(**document)
    assert list(one.lazy_records("a")) == list(other.records("a"))
    assert one.problems == other.problems


@pytest.mark.parametrize("bad", [{"depends": "x"}, {"depends": [["["]]}, {"constrains": 5}, {"extra_depends": [1]}])
def test_a_record_that_turns_out_unreadable_is_never_chosen(bad: dict[str, Any]) -> None:
    rows = {"a-2-0.conda": row("2", **bad), "a-1-0.conda": row("1", depends=[])}
    repodata = load(**{"packages.conda": rows})
    found = repodata.lazy_records("a")
    assert isinstance(found, LazyRecords)
    assert (found[0].depends, found[0].version, found[0].fn) == ((UNREADABLE,), "2", "a-2-0.conda")
    assert "a-2-0.conda" in repodata.problems[0]
    task = SolveTask(specs=(MatchSpec.parse("a"),), repodata=[repodata])
    assert [one.version for one in solve(task).records] == ["1"]


def test_a_careless_record_with_a_good_head_is_read_all_the_same() -> None:
    (found,) = load(**{"packages.conda": {"a-1-0.conda": row("1", depends=None, size="7")}}).lazy_records("a")
    assert (found.depends, found.size) == ((), 7)


class Eager:
    """An index without lazy records, as the solver sees shards and given packages."""

    def __init__(self, repodata: RepoData) -> None:
        self.channel, self.subdir = repodata.channel, repodata.subdir
        self.names, self.records = repodata.names, repodata.records


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize("specs", [["python", "numpy", "pandas"], ["scipy =1.11", "python <3.12"], ["jupyterlab"]])
def test_the_answer_is_the_same(specs: list[str]) -> None:
    import zstandard

    found = []
    for subdir in ("linux-64", "noarch"):
        splitter = RepoDataSplitter(CHANNEL, subdir)
        with shared_data("repodata", subdir, "repodata.json.zst").open("rb") as file:
            for chunk in zstandard.ZstdDecompressor().read_to_iter(file):
                splitter.feed(chunk)
        found.append(splitter.finish())
    asked = tuple(map(MatchSpec.parse, specs))
    machine = virtual("__unix", "__linux 6.1", "__glibc 2.39", "__archspec 1 x86_64")
    lazy = solve(SolveTask(specs=asked, repodata=found, virtual=machine))
    eager = solve(SolveTask(specs=asked, repodata=[Eager(one) for one in found], virtual=machine))
    assert lazy.records == eager.records
