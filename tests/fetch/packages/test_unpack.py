from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.errors import ArchiveError, NetworkError, StorageError, UnsafeArchive, VerificationError, WhipsnakeError
from engine.fetch.archive import extract
from engine.fetch.archive.members import Limits
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.unpack import UnpackOptions, unpack_file, unpack_stream
from engine.model.records import RepoDataRecord
from tests.fetch.feeding import WAYS, record_of, whole
from tests.kit import evil, open_files
from tests.kit.package import BuiltPackage, make_package
from tests.kit.tree import tree

FORMATS = (".conda", ".tar.bz2")


@pytest.fixture
def cache(tmp_path: Path) -> PackageCache:
    found = PackageCache([str(tmp_path / "pkgs")])
    found.writable_dir()
    return found


def package(format: str) -> BuiltPackage:
    return make_package("hello", files={"bin/hello": "hi\n", "share/big": "x" * 5000}, format=format)


def nothing_is_left(cache: PackageCache) -> bool:
    names = set(os.listdir(cache.writable_dir()))
    return names == {"urls", "urls.txt"} and not os.path.getsize(os.path.join(cache.writable_dir(), "urls.txt"))


@pytest.mark.parametrize("feed", WAYS)
@pytest.mark.parametrize("format", FORMATS)
def test_however_the_bytes_come(format: str, feed, cache: PackageCache) -> None:  # type: ignore[no-untyped-def]
    built = package(format)
    made = unpack_stream(feed(built.data), record_of(built), cache, UnpackOptions(digests=True))
    assert Path(made.package.directory, "share/big").read_text() == "x" * 5000
    assert Path(made.package.archive).read_bytes() == built.data
    assert made.files == sum(1 for path in tree(made.package.directory) if path != "info/repodata_record.json")


@pytest.mark.skipif(not os.path.isdir(open_files.DESCRIPTORS), reason="can't see what is open")
@pytest.mark.parametrize("format", FORMATS)
def test_the_archive_is_closed_before_it_is_moved(format: str, cache: PackageCache) -> None:
    built = package(format)
    with open_files.held_fast():
        made = unpack_stream(whole(built.data), record_of(built), cache, UnpackOptions())
    assert Path(made.package.archive).read_bytes() == built.data


def test_sizes_behind_the_data_are_read_from_the_kept_archive(cache: PackageCache, tmp_path: Path) -> None:
    built = next(case for case in evil.ODD if case.name == "data descriptors").build()
    for made in (unpack_stream(whole(built.data), record_of(built), cache, UnpackOptions()),):
        assert Path(made.package.directory, "share/evil/text").exists()
    other = PackageCache([str(tmp_path / "other")])
    assert unpack_file(made.package.archive, record_of(built), other, UnpackOptions()).files == made.files


@pytest.mark.parametrize("format", FORMATS)
def test_an_index_that_tells_a_huge_size_lets_no_bomb_through(format: str, cache: PackageCache) -> None:
    data = evil.bomb(16)(format)
    record = msgspec.structs.replace(record_of(evil.ODD[0].build()), fn=f"evil-1.0-h_0{format}", size=1 << 50)
    with pytest.raises(VerificationError, match="size: expected") as caught:
        unpack_stream(whole(data), record, cache, UnpackOptions(limits=Limits(floor=4 << 20, ratio=100)))
    assert isinstance(caught.value.__context__, UnsafeArchive), "it was stopped, not only found to be another file"
    assert nothing_is_left(cache)


def _failing(data: bytes) -> Iterator[bytes]:
    yield data[:300]
    raise NetworkError("the line is dead")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("feed", "changes", "error", "text"),
    [
        (whole, {"sha256": "0" * 64}, VerificationError, "sha256: expected 000"),
        (whole, {"sha256": None, "md5": "0" * 32}, VerificationError, "md5: expected 000"),
        (whole, {"size": 5}, VerificationError, "size: expected 5, found"),
        (whole, {"size": 500_000}, VerificationError, "size: expected 500000, found"),
        (lambda data: [data[:-200]], {}, VerificationError, "size: expected"),
        (lambda data: [data[:100], bytes([data[100] ^ 255]), data[101:]], {}, VerificationError, "sha256: expected"),
        (lambda data: [data[:-200]], {"size": None, "sha256": None, "md5": None}, ArchiveError, "too early"),
        (lambda _: [b"<html>log in</html>"], {}, VerificationError, "size: expected"),
        (_failing, {}, NetworkError, "the line is dead"),
    ],
)
def test_wrong_bytes_leave_nothing(format: str, feed, changes, error, text: str, cache: PackageCache) -> None:  # type: ignore[no-untyped-def]
    built = package(format)
    with pytest.raises(error, match=text) as caught:
        unpack_stream(feed(built.data), record_of(built, **changes), cache, UnpackOptions())
    if error is not NetworkError:
        assert built.fn in str(caught.value)
    assert nothing_is_left(cache)


@pytest.mark.parametrize(("case", "format"), list(evil.each([*evil.UNSAFE, *evil.BROKEN])), ids=str)
def test_bad_packages_leave_nothing(case: evil.Case, format: str, cache: PackageCache) -> None:
    built = case.build(format)
    if case.name == "no metadata.json":
        unpack_stream([built.data], record_of(built), cache, UnpackOptions())
        return
    with pytest.raises(WhipsnakeError) as caught:
        unpack_stream([built.data], record_of(built), cache, UnpackOptions())
    assert isinstance(caught.value, UnsafeArchive) or case not in evil.UNSAFE
    assert built.fn in str(caught.value)
    assert caught.value.hint
    assert nothing_is_left(cache)


def test_secrets_stay_out_of_errors(cache: PackageCache) -> None:
    built = package(".conda")
    record = record_of(built, "https://user:pass@host/t/token123/channel", sha256="0" * 64)
    with pytest.raises(VerificationError) as caught:
        unpack_stream([built.data], record, cache, UnpackOptions())
    assert "token123" not in str(caught.value)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("call", ["write", "mkdir", "rename"])
def test_a_full_disk_is_said_and_leaves_nothing(
    call: str, cache: PackageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, count, real = package(".conda"), 0, getattr(os, call)

    def refuse(*args: object, **keywords: object) -> object:
        nonlocal count
        count += 1
        if count == (5 if call == "write" else 1 if call == "rename" else 3):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **keywords)

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="No space left on device") as caught:
        patch.setattr(os, call, refuse)
        unpack_stream([built.data], record_of(built), cache, UnpackOptions())
    assert "whipsnake clean" in (caught.value.hint or "")
    assert nothing_is_left(cache)


def test_an_address_alone_is_completed(cache: PackageCache) -> None:
    built = package(".conda")
    bare = RepoDataRecord(name="", version="", fn=built.fn, url=f"https://host/c/linux-64/{built.fn}")
    made = unpack_stream([built.data], bare, cache, UnpackOptions()).package.record
    assert (made.name, made.sha256, made.md5, made.size) == ("hello", built.sha256, built.md5, len(built.data))
    found = cache.find(bare)
    assert found is not None
    assert found.record == made


def test_windows_names_matter_for_windows_packages(cache: PackageCache) -> None:
    built = make_package("w", files={"a": "1", "b\\..\\c": "2"})
    unpack_stream([built.data], record_of(built), cache, UnpackOptions())
    record = msgspec.structs.replace(record_of(built, "https://host/other"), subdir="win-64", sha256=None, md5=None)
    with pytest.raises(UnsafeArchive, match="Windows"):
        unpack_stream([built.data], record, cache, UnpackOptions())


def test_one_open_per_file(cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """One open, write, utime and close for each file; no chmod where the umask already gives the mode."""
    built = make_package("many", files={f"d{n % 3}/f{n}": "x" for n in range(300)})
    counts: dict[str, int] = {}

    def counted(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **keywords: object) -> object:
            counts[name] = counts.get(name, 0) + 1
            return real(*args, **keywords)

        monkeypatch.setattr(extract.os, name, call)

    for name in ("open", "write", "utime", "fchmod", "mkdir", "lstat", "stat"):
        counted(name)
    unpack_stream([built.data], record_of(built), cache, UnpackOptions())
    assert counts.get("fchmod", 0) == 0
    assert counts["open"] < 300 + 40
    assert counts["write"] < 300 + 40
    assert counts["mkdir"] < 10
    assert counts.get("stat", 0) + counts.get("lstat", 0) < 20
