"""What an archive gives when it is kept and read later is what unpacking gives: the same files and refusals."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

import pytest

from engine.errors import VerificationError, WhipsnakeError
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages import spooled
from engine.fetch.packages.spooled import SpooledArchive, spool
from engine.fetch.packages.unpack import UnpackOptions, unpack_stream
from tests.fetch.feeding import record_of, whole
from tests.kit import archive, evil
from tests.kit.archive import Member
from tests.kit.package import BuiltPackage, make_package
from tests.kit.shared import needs_shared, real_packages, real_record

CASES = [*evil.UNSAFE, *evil.BROKEN, *evil.ODD, *evil.AMBIGUOUS]
OPTIONS = UnpackOptions(digests=True)


def unpacked(built: BuiltPackage, place: Path) -> dict[str, bytes | str]:
    """What the cache has of a package, its metadata left out."""
    cache = PackageCache([str(place / "pkgs")])
    home = Path(unpack_stream(whole(built.data), record_of(built), cache, OPTIONS).package.directory)
    paths = [path for path in home.rglob("*") if not path.is_dir() or path.is_symlink()]
    found = {path.relative_to(home).as_posix(): path for path in paths}
    return {
        name: str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for name, path in found.items()
        if not name.startswith("info/")
    }


def gathered(kept: SpooledArchive) -> dict[str, bytes | str]:
    """The same from an archive that is kept."""
    assert kept.open()
    found: dict[str, bytes | str] = {}
    for member in kept.members():
        if member.kind == "hardlink":
            found[member.path] = b"".join(kept.raw(member.target).data)
        elif member.kind != "directory":
            found[member.path] = member.target if member.kind == "softlink" else b"".join(member.data)
    return found


@pytest.mark.parametrize(("case", "format"), list(evil.each(CASES)), ids=str)
def test_the_same_as_unpacking(case: evil.Case, format: str, tmp_path: Path) -> None:
    built = case.build(format)
    expected: dict[str, bytes | str] | type[WhipsnakeError]
    found: dict[str, bytes | str] | type[WhipsnakeError]
    try:
        expected = unpacked(built, tmp_path)
    except WhipsnakeError as error:
        expected = type(error)
    kept = spool(whole(built.data), record_of(built), str(tmp_path), OPTIONS)
    try:
        found = gathered(kept)
    except WhipsnakeError as error:
        found = type(error)
        assert built.fn in error.message
    finally:
        kept.close()
    if isinstance(expected, dict) or isinstance(found, dict):
        if case.name == "file where a directory was" or "trailing" in case.name:
            return  # what is at odds with itself may be found out in another order
        assert found == expected


@pytest.mark.parametrize("size", [0, 1 << 30])
@pytest.mark.parametrize("order", ["first", "last"])
def test_wherever_the_list_is(order: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooled, "IN_MEMORY", size)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    built = make_package("hello", files={"share/x": "x" * 9000, "share/y": "y"}, format=".tar.bz2")
    with tarfile.open(fileobj=io.BytesIO(built.data), mode="r:bz2") as opened:
        members = [Member(info.name, evil._read(opened, info), info.mode) for info in opened]
    members.sort(key=lambda member: member.name.startswith("info/") == (order == "last"))
    built = BuiltPackage(built.fn, archive.tar_bz2(members), built.index, built.paths)
    kept = spool(whole(built.data), record_of(built), str(tmp_path), OPTIONS)
    assert gathered(kept).keys() == {entry["_path"] for entry in built.paths}
    assert kept.known().sha256 == built.sha256
    kept.close()


def test_nothing_is_handed_out_before_the_digest_was_compared(tmp_path: Path) -> None:
    built = make_package("hello", files={"share/x": "x"})
    with pytest.raises(VerificationError, match="sha256: expected 000"):
        spool(whole(built.data), record_of(built, sha256="0" * 64), str(tmp_path), OPTIONS)


def test_more_bytes_than_promised_are_not_waited_for(tmp_path: Path) -> None:
    built = make_package("hello", files={"share/x": "x"})
    taken: list[int] = []

    def endless():  # type: ignore[no-untyped-def]
        while True:
            taken.append(1)
            yield bytes(1000)

    with pytest.raises(VerificationError, match="size: expected"):
        spool(endless(), record_of(built), str(tmp_path), OPTIONS)
    assert len(taken) < 10


def test_packages_without_a_list_are_told_apart(tmp_path: Path) -> None:
    built = make_package("old", files={"share/x": "x"}, info={"paths.json": None})
    kept = spool(whole(built.data), record_of(built), str(tmp_path), OPTIONS)
    assert not kept.open()
    assert b"".join(kept.pieces()) == built.data
    kept.close()


@needs_shared
@pytest.mark.parametrize("path", real_packages("linux-64")[::3], ids=lambda path: path.name)
def test_real_packages(path: Path, tmp_path: Path) -> None:
    record = real_record(path)
    built = BuiltPackage(path.name, path.read_bytes(), record, [])
    kept = spool(whole(built.data), record_of(built), str(tmp_path), OPTIONS)
    try:
        expected: object = unpacked(built, tmp_path)
        assert not kept.open() or gathered(kept) == expected
    except WhipsnakeError as error:
        with pytest.raises(type(error)):
            gathered(kept)
    finally:
        kept.close()
