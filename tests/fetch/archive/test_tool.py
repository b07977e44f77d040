"""Archives outside of a cache: taken apart, made, turned into each other."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from engine.errors import ArchiveError, StorageError, UnsafeArchive, UsageError
from engine.fetch.archive.tool import create_archive, extract_archive, extract_tarball, transmute_archive
from tests.kit.archive import BUILT_AT, Member, conda, tar_bz2, zipped
from tests.kit.package import File, Symlink, make_package
from tests.kit.tree import tree

FILES = {"bin/run": File("#!/bin/sh\n", mode=0o755), "lib/a.txt": "a" * 5000, "lib/link": Symlink("a.txt")}


@pytest.fixture(params=[".conda", ".tar.bz2"])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    made = make_package("demo", "1.0", files=FILES, format=request.param)
    path = tmp_path / made.fn
    path.write_bytes(made.data)
    return path


def test_extract(package: Path, tmp_path: Path) -> None:
    contents = extract_archive(str(package), str(tmp_path / "out"))
    assert {"bin/run", "info/index.json", "lib/a.txt"} <= contents.files.keys()
    assert (tmp_path / "out/lib/link").is_symlink()
    assert (tmp_path / "out/lib/link").lstat().st_mtime == BUILT_AT
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/lib/a.txt").stat().st_mtime == BUILT_AT
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".")]


def test_what_others_may_write_survives_being_unpacked_and_packed(tmp_path: Path) -> None:
    source = make_package("demo", "1.0", files={"lib/a.txt": File("a", mode=0o664)}, format=".tar.bz2")
    (tmp_path / source.fn).write_bytes(source.data)
    before = os.umask(0o022)
    try:
        extract_archive(str(tmp_path / source.fn), str(tmp_path / "out"))
        create_archive(str(tmp_path / "out"), str(tmp_path / "again.tar.bz2"), 1, 1)
    finally:
        os.umask(before)
    with tarfile.open(tmp_path / "again.tar.bz2") as again:
        assert again.getmember("lib/a.txt").mode == 0o664


def test_extract_among_other_files(package: Path, tmp_path: Path) -> None:
    (tmp_path / "out/lib").mkdir(parents=True)
    (tmp_path / "out/lib/other").write_text("mine")
    (tmp_path / "out/lib/a.txt").write_text("old")
    extract_archive(str(package), str(tmp_path / "out"))
    assert (tmp_path / "out/lib/other").read_text() == "mine"
    assert (tmp_path / "out/lib/a.txt").read_text() == "a" * 5000


@pytest.mark.parametrize("ending", [".conda", ".tar.bz2"])
def test_compress_gives_the_same_tree_and_always_the_same_bytes(package: Path, tmp_path: Path, ending: str) -> None:
    extract_archive(str(package), str(tmp_path / "out"))
    first, second = tmp_path / f"demo-1.0-h_0{ending}.d", tmp_path / f"two/demo-1.0-h_0{ending}"
    first.mkdir()
    second.parent.mkdir()
    create_archive(str(tmp_path / "out"), str(first / second.name), 1, 1)
    create_archive(str(tmp_path / "out"), str(second), 1, 1)
    assert (first / second.name).read_bytes() == second.read_bytes()
    extract_archive(str(second), str(tmp_path / "again"))
    assert tree(tmp_path / "again") == tree(tmp_path / "out")
    assert os.listdir(second.parent) == [second.name]


def test_what_is_in_a_tar_bz2(tmp_path: Path) -> None:
    (tmp_path / "p/info").mkdir(parents=True)
    (tmp_path / "p/empty").mkdir()
    (tmp_path / "p/a").write_text("a")
    (tmp_path / "p/info/index.json").write_text("{}")
    create_archive(str(tmp_path / "p"), str(tmp_path / "p.tar.bz2"), 9, 1)
    with tarfile.open(tmp_path / "p.tar.bz2") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == ["info/index.json", "a", "empty"]
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}


def test_what_is_in_a_conda(package: Path, tmp_path: Path) -> None:
    extract_archive(str(package), str(tmp_path / "out"))
    create_archive(str(tmp_path / "out"), str(tmp_path / "new.conda"), 3, 2)
    with zipfile.ZipFile(tmp_path / "new.conda") as archive:
        assert archive.namelist() == ["metadata.json", "pkg-new.tar.zst", "info-new.tar.zst"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        for info in archive.namelist()[1:]:
            data = zstandard.ZstdDecompressor().decompressobj().decompress(archive.read(info))
            with tarfile.open(fileobj=io.BytesIO(data)) as inner:
                assert all(name.startswith("info/") == info.startswith("info-") for name in inner.getnames())


def test_transmute_there_and_back(package: Path, tmp_path: Path) -> None:
    other = tmp_path / ("x.conda" if package.name.endswith(".tar.bz2") else "x.tar.bz2")
    transmute_archive(str(package), str(other), 1, 1)
    for path, name in ((package, "one"), (other, "two")):
        extract_archive(str(path), str(tmp_path / name))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert sorted(os.listdir(tmp_path)) == sorted([package.name, other.name, "one", "two"])


def test_a_zip_that_can_not_be_streamed(tmp_path: Path) -> None:
    made = make_package("demo", "1.0", files=FILES)
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        data = zipped({name: archive.read(name) for name in archive.namelist()}, descriptors=True)
    (tmp_path / made.fn).write_bytes(data)
    assert "lib/a.txt" in extract_archive(str(tmp_path / made.fn), str(tmp_path / "out")).files


def test_what_goes_wrong_leaves_nothing(tmp_path: Path) -> None:
    evil = tmp_path / "evil-1-0.tar.bz2"
    evil.write_bytes(tar_bz2([Member("ok", b"x"), Member("../evil", b"x")]))
    with pytest.raises(UnsafeArchive, match="Could not unpack"):
        extract_archive(str(evil), str(tmp_path / "out"))
    broken = tmp_path / "broken-1-0.conda"
    broken.write_bytes(conda("broken-1-0", [Member("info/index.json", b"{}")])[:-40])
    with pytest.raises(ArchiveError):
        extract_archive(str(broken), str(tmp_path / "out"))
    with pytest.raises(ArchiveError):
        transmute_archive(str(evil), str(tmp_path / "evil-1-0.conda"), 1, 1)
    assert sorted(os.listdir(tmp_path)) == ["broken-1-0.conda", "evil-1-0.tar.bz2", "out"]
    assert os.listdir(tmp_path / "out") == []


def test_mistakes(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArchiveError, match=r"expected info/index\.json"):
        create_archive(str(tmp_path / "empty"), str(tmp_path / "x.conda"), 1, 1)
    with pytest.raises(UsageError, match="no directory"):
        create_archive(str(tmp_path / "none"), str(tmp_path / "x.conda"), 1, 1)
    with pytest.raises(UsageError, match="ends in"):
        extract_archive(str(tmp_path / "x.zip"), str(tmp_path / "out"))
    with pytest.raises(StorageError):
        extract_archive(str(tmp_path / "none.conda"), str(tmp_path / "out"))


def test_a_tarball_from_a_stream(tmp_path: Path) -> None:
    data = tar_bz2([Member("conda-meta/history", b"h"), Member("bin/x", b"x", mode=0o755)])
    extract_tarball(io.BytesIO(data), str(tmp_path / "root"))
    assert (tmp_path / "root/conda-meta/history").read_bytes() == b"h"
    with pytest.raises(ArchiveError):
        extract_tarball(io.BytesIO(data[:50]), str(tmp_path / "root"))
