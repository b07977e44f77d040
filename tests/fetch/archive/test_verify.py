from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engine.errors import VerificationError
from engine.fetch.archive.verify import Digests, FilesDiffer, check_unpacked
from engine.model.records import PackageRecord
from tests.kit.package import Symlink, make_package
from tests.kit.reference import unpack


def test_digests_of_what_passes() -> None:
    digests = Digests(md5=True)
    assert b"".join(digests.watch([b"ab", b"", b"c"])) == b"abc"
    assert (digests.size, digests.sha256) == (3, hashlib.sha256(b"abc").hexdigest())
    assert digests.md5 == hashlib.md5(b"abc", usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, []),
        ({"size": 3}, []),
        ({"size": 4}, ["size: expected 4, found 3"]),
        ({"sha256": "0" * 64}, [f"sha256: expected {'0' * 64}, found ba7816bf"]),
        ({"sha256": hashlib.sha256(b"abc").hexdigest().upper(), "md5": "0" * 32}, []),
        ({"md5": "0" * 32, "size": 1}, ["md5: expected 000", "size: expected 1"]),
    ],
)
def test_expected_against_found(fields: dict[str, object], wrong: list[str]) -> None:
    digests = Digests(md5=True)
    digests.update(b"abc")
    record = PackageRecord(name="p", version="1", **fields)  # type: ignore[arg-type]
    if not wrong:
        digests.check(record, "p.conda")
        return
    with pytest.raises(VerificationError) as caught:
        digests.check(record, "p.conda")
    assert all(text in str(caught.value) for text in ["p.conda", *wrong])


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    files = {"a/b": b"12345", "link": Symlink("a/b"), "c": "text"}
    unpack(make_package("p", files=files).data, tmp_path)
    return tmp_path


def test_a_sound_package_passes(unpacked: Path) -> None:
    check_unpacked(str(unpacked), digests=True)


def _truncate(path: Path) -> None:
    (path / "a/b").write_bytes(b"1")


def _remove(path: Path) -> None:
    (path / "c").unlink()


def _link_to_file(path: Path) -> None:
    (path / "link").unlink()
    (path / "link").write_bytes(b"")


def _file_to_link(path: Path) -> None:
    (path / "c").unlink()
    os.symlink("a/b", path / "c")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_truncate, "a/b: declared with 5 bytes, found a file with 1 bytes"),
        (_remove, "c: declared as a file, but it is missing"),
        (_link_to_file, "link: declared as a softlink with 5 bytes, found a file with 0 bytes"),
        (_file_to_link, "c: declared as a file, found a softlink"),
    ],
)
def test_differences_are_named(unpacked: Path, spoil, message: str) -> None:  # type: ignore[no-untyped-def]
    spoil(unpacked)
    with pytest.raises(FilesDiffer) as caught:
        check_unpacked(str(unpacked))
    assert message in str(caught.value)


def test_one_changed_byte_needs_digests_to_be_seen(unpacked: Path) -> None:
    (unpacked / "a/b").write_bytes(b"12346")
    check_unpacked(str(unpacked))
    with pytest.raises(FilesDiffer, match="declared sha256"):
        check_unpacked(str(unpacked), digests=True)


def test_a_link_may_lead_nowhere(unpacked: Path) -> None:
    (unpacked / "link").unlink()
    os.symlink("nowhere", unpacked / "link")
    check_unpacked(str(unpacked))


def test_the_older_list_has_names_only(unpacked: Path) -> None:
    (unpacked / "info/paths.json").unlink()
    (unpacked / "info/files").write_text("a/b\nlost\n")
    with pytest.raises(FilesDiffer, match="lost: declared as a file, but it is missing"):
        check_unpacked(str(unpacked))
