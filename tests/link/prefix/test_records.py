"""conda-meta records: what is written, that others read it, and what we read of theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.errors import LinkError
from engine.link.files.modes import Mode
from engine.link.linked import Linked, Written
from engine.link.plan.package_plan import PackagePlan, plan_package
from engine.link.prefix.file_lists import lists_with_gaps
from engine.link.prefix.records import read_records, record_head, record_name
from engine.model.records import PathEntry, PrefixRecord, RepoDataRecord
from tests.kit.package import PLACEHOLDER, Directory, File, Symlink, make_package
from tests.link.support import cached, create

SHA = "a" * 64
FIELDS: dict[str, Any] = {
    "name": "zlib",
    "version": "1.2",
    "build": "h1_0",
    "build_number": 0,
    "depends": ["libc"],
    "subdir": "linux-64",
    "license": "Zlib",
    "some_new_field": {"kept": True},
}


def record_text(
    record: RepoDataRecord, plan: PackagePlan, linked: Linked, archive: str, requested: tuple[str, ...]
) -> bytes:
    return record_head(record, linked, archive, requested) + lists_with_gaps(plan, linked).filled(linked)


def encoded(entries: tuple[PathEntry, ...] = (), requested: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    record, plan = record_and_plan(entries, **fields)
    linked = Linked(0, "/pkgs/zlib-1.2-h1_0", Mode.COPY, written={}, unsigned=[], lost=set(), compiled=[])
    found: dict[str, Any] = json.loads(record_text(record, plan, linked, f"/pkgs/{record.fn}", requested))
    return found


def record_and_plan(entries: tuple[PathEntry, ...], **fields: Any) -> tuple[RepoDataRecord, PackagePlan]:
    known = msgspec.convert(FIELDS, RepoDataRecord)
    record = msgspec.structs.replace(
        known, **{"raw": json.dumps(FIELDS).encode(), "fn": "zlib-1.2-h1_0.conda", **fields}
    )
    return record, plan_package(0, record, entries, (), None)


def test_all_that_the_index_said_is_kept() -> None:
    found = encoded(url="https://a.org/c/linux-64/zlib-1.2-h1_0.conda", channel="https://a.org/c")
    assert {key: found[key] for key in FIELDS} == FIELDS
    assert found["url"].endswith(".conda") and found["channel"] == "https://a.org/c"
    assert found["package_tarball_full_path"] == "/pkgs/zlib-1.2-h1_0.conda"
    assert found["link"] == {"source": "/pkgs/zlib-1.2-h1_0", "type": 3}
    assert "requested_spec" not in found


def test_secrets_are_left_out() -> None:
    raw = json.dumps({**FIELDS, "auth": "secret", "url": "https://x/t/secret/y", "channel": "secret"}).encode()
    found = encoded(
        url="https://u:secret@a.org/t/secret-1/c/linux-64/z.conda",
        channel="https://u:secret@a.org/c",
        raw=raw,
        requested=("https://u:secret@a.org/c::z", "z"),
    )
    assert "secret" not in json.dumps(found)
    assert found["url"] == "https://a.org/c/linux-64/z.conda"


def test_without_the_words_of_the_index() -> None:
    found = encoded(raw=b"", md5="b" * 32, size=3)
    assert (found["depends"], found["md5"], found["size"]) == (["libc"], "b" * 32, 3)
    assert "raw" not in found and "timestamp" not in found


def test_requests_are_noted() -> None:
    found = encoded(requested=("zlib >1", "c::zlib"))
    assert (found["requested_spec"], found["requested_specs"]) == ("zlib >1", ["zlib >1", "c::zlib"])


def test_paths() -> None:
    entries = (
        PathEntry(path="lib/plain", sha256=SHA, size_in_bytes=3),
        PathEntry(path="lib/link", path_type="softlink", sha256=SHA),
        PathEntry(path="empty", path_type="directory"),
        PathEntry(path="lib/text", sha256=SHA, prefix_placeholder="/p", file_mode="text"),
        PathEntry(path="lib/own", sha256=SHA, no_link=True),
    )
    record, plan = record_and_plan(entries)
    written = {"lib/text": Written("c" * 64, 9), "bin/tool": Written("d" * 64, 7, "unix_python_entry_point")}
    linked = Linked(0, "/pkgs/z", Mode.HARD, written=written, unsigned=[], lost=set(), compiled=["lib/a.pyc"])
    found = json.loads(record_text(record, plan, linked, "", ()))
    assert found["files"] == ["lib/plain", "lib/link", "lib/text", "lib/own", "bin/tool", "lib/a.pyc"]
    plain, link, empty, text, own, tool, pyc = found["paths_data"]["paths"]
    assert plain.pop("size_in_bytes") == 3
    assert plain == {"_path": "lib/plain", "path_type": "hardlink", "sha256": SHA, "sha256_in_prefix": SHA}
    assert link == {"_path": "lib/link", "path_type": "softlink", "sha256": SHA}
    assert empty == {"_path": "empty", "path_type": "directory"}
    assert (text["sha256_in_prefix"], text["prefix_placeholder"], text["file_mode"]) == ("c" * 64, "/p", "text")
    assert own["no_link"] is True
    assert (tool["path_type"], tool["size_in_bytes"]) == ("unix_python_entry_point", 7)
    assert pyc == {"_path": "lib/a.pyc", "path_type": "pyc_file"}


def test_file_name() -> None:
    assert record_name(record_and_plan(())[0]) == "zlib-1.2-h1_0.json"


@pytest.mark.parametrize("fields", [{"name": "../x"}, {"version": "1/../../y"}, {"build": "a\\b"}, {"name": ".x"}])
def test_words_that_lead_elsewhere_are_refused(fields: dict[str, str]) -> None:
    record = msgspec.structs.replace(record_and_plan(())[0], **fields)
    with pytest.raises(LinkError, match="such characters"):
        record_name(record)


def test_what_conda_writes_is_read(tmp_path: Path) -> None:
    theirs = {
        **FIELDS,
        "arch": "x86_64",
        "channel": "https://a.org/c/noarch",
        "files": ["a"],
        "link": {"source": "/p", "type": 1},
        "paths_data": {"paths_version": 1, "paths": [{"_path": "a", "path_type": "linked_package_record", "x": 1}]},
        "requested_spec": "None",
        "timestamp": 1.5,
    }
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    (meta / "zlib-1.2-h1_0.json").write_text(json.dumps(theirs, indent=2))
    (meta / "history").touch()
    (meta / ".hidden.json").touch()
    found = read_records(str(tmp_path))[0]
    assert (found.files, found.link and found.link.type, found.paths_data.paths[0].path) == (("a",), 1, "a")
    assert found.channel == "https://a.org/c"
    assert json.loads(found.raw) == theirs


def test_the_channel_that_micromamba_names_is_an_address_to_us(tmp_path: Path) -> None:
    path = tmp_path / "conda-meta/zlib-1.2-h1_0.json"
    path.parent.mkdir()
    url = "https://a.org/conda-forge/linux-64/zlib-1.2-h1_0.conda"
    path.write_text(json.dumps({**FIELDS, "channel": "conda-forge", "url": url}))
    assert read_records(str(tmp_path))[0].channel == "https://a.org/conda-forge"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": 1}', "[" * 100_000])
def test_broken_records_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/x.json").write_text(text)
    with pytest.raises(LinkError, match=r"x\.json") as caught:
        read_records(str(tmp_path))
    assert caught.value.hint


def test_no_prefix_has_no_records(tmp_path: Path) -> None:
    assert read_records(str(tmp_path / "nowhere")) == ()


@pytest.mark.anyio
async def test_rattler_reads_ours(tmp_path: Path) -> None:
    rattler = pytest.importorskip("rattler")
    files = {"bin/a": File(f"#!{PLACEHOLDER}/sh\n", mode=0o755), "b": "b", "c": Symlink("b"), "d": Directory()}
    one = cached(make_package("one", files=files), tmp_path / "pkgs")
    tool = make_package("two", noarch="python", files={"site-packages/t.py": ""}, entry_points=["t = t:m"])
    two = cached(tool, tmp_path / "pkgs")
    python = cached(make_package("python", "3.12.0"), tmp_path / "pkgs")
    await create(tmp_path / "env", [python, one, two], requested={"one": ("one >=1",)})
    for package in (one, two):
        path = tmp_path / "env" / "conda-meta" / record_name(package.record)
        found = rattler.PrefixRecord.from_path(path)
        assert (found.name.normalized, found.url) == (package.record.name, package.record.url)
        assert [str(entry) for entry in found.files] == json.loads(path.read_text())["files"]
        assert len(found.paths_data.paths) == len(json.loads(path.read_text())["paths_data"]["paths"])
        again = tmp_path / "again/conda-meta" / path.name
        again.parent.mkdir(parents=True, exist_ok=True)
        found.write_to_path(again, False)
    ours, theirs = read_records(str(tmp_path / "env")), read_records(str(tmp_path / "again"))
    assert [record.files for record in theirs] == [record.files for record in ours if record.name != "python"]
    listed = rattler.PrefixRecord.from_path(tmp_path / "env/conda-meta" / record_name(one.record))
    assert [str(spec) for spec in listed.requested_specs] == ["one >=1"]


def test_records_can_be_read_without_their_files(tmp_path: Path) -> None:
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    text = {
        "name": "a",
        "version": "1",
        "build": "0",
        "files": ["x"],
        "paths_data": {"paths": [{"_path": "x", "path_type": "hardlink"}], "paths_version": 1},
        "requested_spec": "a >=1",
        "link": {"source": "/pkgs/a-1-0", "type": 1},
    }
    (meta / "a-1-0.json").write_text(json.dumps(text))
    [whole], [head] = read_records(str(tmp_path)), read_records(str(tmp_path), files=False)
    assert whole.files == ("x",) and whole.paths_data.paths
    assert isinstance(head, PrefixRecord) and head.files == () and head.paths_data.paths == ()
    assert (head.name, head.requested_spec, head.link) == ("a", "a >=1", whole.link)
    assert head.raw == whole.raw


def test_the_beginning_is_enough_of_what_we_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = tuple(PathEntry(path=f"lib/file{number}", sha256=SHA, size_in_bytes=3) for number in range(100))
    record, plan = record_and_plan(entries, url="https://a.org/c/linux-64/zlib-1.2-h1_0.conda")
    linked = Linked(0, "/pkgs/z", Mode.COPY, written={}, unsigned=[], lost=set(), compiled=[])
    text = record_text(record, plan, linked, "", ("zlib >1",))
    path = tmp_path / "conda-meta" / "zlib-1.2-h1_0.json"
    path.parent.mkdir()
    path.write_bytes(text)
    assert len(text) > 2 * 8192
    [whole] = read_records(str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr("engine.link.prefix.records.decode_file", None)  # nobody reads the rest
        [head] = read_records(str(tmp_path), files=False)
    rest = msgspec.structs.replace(whole, files=(), paths_data=head.paths_data, raw=head.raw)
    assert msgspec.structs.asdict(head) == msgspec.structs.asdict(rest)
    assert (head.requested_specs, len(whole.files), len(head.raw) < 8192) == (("zlib >1",), 100, True)
    for broken in (text[:-100], text.replace(b'"name":"zlib"', b'"name":{"a":{}},"files":[],"x":"zlib"', 1)):
        path.write_bytes(broken)
        with pytest.raises(LinkError, match="no record of an installed package"):
            read_records(str(tmp_path), files=False)
    nested = text.replace(b'"some_new_field":{"kept":true}', b'"some_new_field":{"b":{},"files":[]}', 1)
    assert nested != text
    path.write_bytes(nested)
    [head] = read_records(str(tmp_path), files=False)
    assert (head.name, head.requested_specs) == ("zlib", ("zlib >1",))
