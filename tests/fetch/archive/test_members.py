from __future__ import annotations

import contextlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ArchiveError, UnsafeArchive
from engine.fetch.archive.members import Budget, Limits, NotStreamable, read_conda_file, read_package
from tests.fetch.feeding import WAYS, whole
from tests.kit import evil
from tests.kit.archive import Member, zipped
from tests.kit.package import make_package
from tests.kit.shared import needs_shared, real_packages

Found = list[tuple[str, str, int, int, str, bytes]]


def read(pieces: Iterator[bytes], name: str, limits: Limits | None = None) -> Found:
    members = read_package(pieces, name, Budget(limits or Limits()))
    return [(m.path.rstrip("/"), m.kind, m.mode, m.mtime, m.target, b"".join(m.data)) for m in members]


def slow_read(path: Path) -> Found:
    """What Python's zipfile and tarfile find."""
    kinds = {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "softlink", tarfile.LNKTYPE: "hardlink"}
    found: Found = []
    for part in _tars(path):
        for m in part:
            opened = part.extractfile(m) if m.isreg() else None
            body = opened.read() if opened else b""
            found.append((m.name.rstrip("/"), kinds.get(m.type, "file"), m.mode, int(m.mtime), m.linkname, body))
    return found


def _tars(path: Path) -> Iterator[tarfile.TarFile]:
    if path.name.endswith(".bz2"):
        with tarfile.open(path) as archive:
            yield archive
        return
    with zipfile.ZipFile(path) as outer:
        for entry in sorted(outer.infolist(), key=lambda entry: entry.header_offset):
            if entry.filename.endswith(".zst"):
                plain = zstandard.ZstdDecompressor().stream_reader(outer.read(entry), read_across_frames=True).read()
                with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
                    yield archive


@needs_shared
@pytest.mark.parametrize("path", real_packages(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_packages_read_as_by_tarfile(path: Path) -> None:
    assert read(whole(path.read_bytes()), path.name) == slow_read(path)


@pytest.mark.parametrize("feed", WAYS)
@pytest.mark.parametrize("format", [".conda", ".tar.bz2"])
def test_pieces_of_any_size(feed: Callable[[bytes], Iterator[bytes]], format: str) -> None:
    package = make_package("p", files={"a": b"1" * 3000, "b/c": "text", "empty": ""}, format=format)
    found = {path: data for path, _, _, _, _, data in read(feed(package.data), package.fn)}
    assert found["a"] == b"1" * 3000
    assert found["empty"] == b""
    assert "info/index.json" in found


@pytest.mark.parametrize(("case", "format"), list(evil.each(evil.ODD)), ids=str)
def test_unusual_but_sound_ones_are_read(case: evil.Case, format: str) -> None:
    package = case.build(format)
    try:
        found = read(whole(package.data), package.fn)
    except NotStreamable:
        assert case.name == "data descriptors"
        found = [
            (m.path, m.kind, m.mode, m.mtime, m.target, b"".join(m.data))
            for m in read_conda_file(io.BytesIO(package.data), Budget(Limits()))
        ]
    assert {path.removeprefix("./") for path, *_ in found} >= {"info/index.json", "bin/evil", "share/evil/text"}


@pytest.mark.parametrize(("case", "format"), list(evil.each(evil.BROKEN)), ids=str)
def test_broken_ones_are_refused(case: evil.Case, format: str) -> None:
    accepted = {
        "no metadata.json": "packages like that are among the real ones, and conda, mamba and rattler take them",
        "no pkg part": "the same; where files are missing, the package's own list tells",
        "no index.json": "found when the files are verified",
    }
    package = case.build(format)
    if case.name in accepted:
        assert read(whole(package.data), package.fn)
        return
    with pytest.raises(ArchiveError):
        read(whole(package.data), package.fn)


def test_two_parts_of_a_kind_are_refused() -> None:
    part = zstandard.compress(bytes(1024))
    with pytest.raises(ArchiveError, match="two members pkg"):
        read(whole(zipped({"pkg-a.tar.zst": part, "pkg-b.tar.zst": part, "info-a.tar.zst": part})), "a.conda")


def test_an_unknown_ending_is_refused() -> None:
    with pytest.raises(ArchiveError, match="neither"):
        read(whole(b""), "package.zip")


@pytest.mark.parametrize("format", [".conda", ".tar.bz2"])
def test_bombs_are_stopped(format: str) -> None:
    package = replace(make_package("p", format=format), data=evil.bomb(64)(format))
    limits = Limits(floor=1 << 20, ratio=50)
    with pytest.raises(UnsafeArchive, match="far too many"):
        read(whole(package.data), package.fn, limits)
    with pytest.raises(UnsafeArchive, match="more than the 1000000 bytes"):
        read(whole(package.data), package.fn, Limits(total=1_000_000))
    many = evil.pack([*evil.sound_members(), *(Member(f"f{n}") for n in range(50))], format)
    with pytest.raises(UnsafeArchive, match="more than 20 members"):
        read(whole(many), package.fn, Limits(members=20))


@pytest.mark.parametrize("format", [".conda", ".tar.bz2"])
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), keep=st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_damage_raises_only_our_error(format: str, changes: list[tuple[float, int]], keep: float) -> None:
    package = make_package("p", files={"a": b"1" * 300, "b": "text"}, format=format)
    data = bytearray(package.data)
    for at, value in changes:
        data[int(at * (len(data) - 1))] = value
    if keep < 0.5:
        del data[int(2 * keep * len(data)) :]
    with contextlib.suppress(ArchiveError):
        read(whole(bytes(data)), package.fn)
