from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import CacheError
from engine.fetch.cache.package_cache import PackageCache, nested_directory
from engine.fetch.packages.unpack import Unpacked, UnpackOptions, unpack_stream
from engine.model.records import RepoDataRecord
from tests.fetch.feeding import record_of
from tests.kit.layer import Layer
from tests.kit.package import BuiltPackage, make_package

HELLO = make_package("hello", files={"bin/hello": "hi\n", "share/x": "1"})
OTHER = make_package("hello", files={"bin/hello": "another hello\n"})


def put(cache: PackageCache, package: BuiltPackage, record: RepoDataRecord | None = None) -> Unpacked:
    return unpack_stream([package.data], record or record_of(package), cache, UnpackOptions())


def listing(directory: Path) -> set[str]:
    return set(os.listdir(directory))


def test_layout_is_condas(tmp_path: Path) -> None:
    cache = PackageCache([str(tmp_path / "pkgs")])
    record = record_of(HELLO, "https://user:pw@host/t/token/channel")
    assert cache.find(record) is None
    made = put(cache, HELLO, record).package
    assert listing(tmp_path / "pkgs") == {"urls", "urls.txt", HELLO.fn, HELLO.stem}
    assert (tmp_path / "pkgs/urls.txt").read_text() == f"https://host/channel/linux-64/{HELLO.fn}\n"
    assert made.directory == str(tmp_path / "pkgs" / HELLO.stem)
    assert Path(made.archive).read_bytes() == HELLO.data
    found = cache.find(record)
    assert found is not None
    assert (found.directory, found.archive) == (made.directory, made.archive)
    assert cache.find_sound(record, digests=True) == found


def test_a_different_package_of_the_same_name_gets_a_directory_of_its_channel(tmp_path: Path) -> None:
    cache = PackageCache([str(tmp_path)])
    first, second = record_of(HELLO, "https://host/one"), record_of(OTHER, "http://host:8080/two")
    put(cache, HELLO, first)
    assert cache.find(second) is None
    made = put(cache, OTHER, second).package
    assert made.directory == str(tmp_path / "http/host_8080/two/linux-64" / OTHER.stem)
    for record, package in ((first, HELLO), (second, OTHER)):
        found = cache.find_sound(record)
        assert found is not None
        assert Path(found.archive).read_bytes() == package.data


def test_a_replaced_package_of_the_same_address_is_replaced(tmp_path: Path) -> None:
    cache = PackageCache([str(tmp_path)])
    for url in ("https://host/one", "https://host/two"):
        put(cache, HELLO, record_of(HELLO, url))
    third = make_package("hello", files={"bin/hello": "third\n"})
    put(cache, OTHER, record_of(OTHER, "https://host/two"))
    put(cache, third, record_of(third, "https://host/two"))
    assert cache.find_sound(record_of(third, "https://host/two")) is not None
    assert cache.find_sound(record_of(HELLO, "https://host/one")) is not None
    assert not [name for name in listing(tmp_path) if name.startswith(".")]


def test_archives_of_other_caches_stay(tmp_path: Path) -> None:
    cache = PackageCache([str(tmp_path / "pkgs"), str(tmp_path / "pkgs-of-all")])
    made = put(cache, HELLO).package
    (tmp_path / "pkgs-of-all").mkdir()
    other = tmp_path / "pkgs-of-all" / HELLO.fn
    other.write_bytes(b"another")
    for path in (str(other), made.archive):
        cache.discard_archive(path)
    assert other.exists() and not os.path.exists(made.archive)


@pytest.mark.parametrize("spoil", ["no marker", "empty", "file", "missing file", "dangling link"])
def test_broken_entries_are_healed(spoil: str, tmp_path: Path) -> None:
    cache, record = PackageCache([str(tmp_path)]), record_of(HELLO)
    target = Path(put(cache, HELLO, record).package.directory)
    if spoil == "no marker":
        (target / "info/repodata_record.json").unlink()
    elif spoil == "missing file":
        (target / "share/x").unlink()
    else:
        os.rename(target, tmp_path / "gone")
        if spoil == "empty":
            target.mkdir()
        elif spoil == "file":
            target.write_text("")
        else:
            os.symlink("nowhere", target)
    assert cache.find_sound(record) is None
    put(cache, HELLO, record)
    assert cache.find_sound(record) is not None
    assert (target / "share/x").read_text() == "1"


def test_a_broken_entry_of_an_image_is_healed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, record = PackageCache([str(tmp_path)]), record_of(HELLO)
    target = Path(put(cache, HELLO, record).package.directory)
    (target / "share/x").unlink()
    layer = Layer(monkeypatch)
    layer.bring(tmp_path)
    put(cache, HELLO, record)
    layer.forget()
    assert cache.find_sound(record) is not None
    assert (target / "share/x").read_text() == "1"


def test_the_loser_of_a_race_drops_its_own(tmp_path: Path) -> None:
    cache, record = PackageCache([str(tmp_path)]), record_of(HELLO)
    first = put(cache, HELLO, record).package
    inode = os.stat(first.directory).st_ino
    second = put(cache, HELLO, record).package
    assert second.directory == first.directory
    assert os.stat(first.directory).st_ino == inode
    assert listing(tmp_path) == {"urls.txt", HELLO.fn, HELLO.stem}


def test_all_directories_are_read_and_the_first_writable_is_written(tmp_path: Path) -> None:
    put(PackageCache([str(tmp_path / "shared")]), HELLO)
    (tmp_path / "file").write_text("")
    cache = PackageCache([str(tmp_path / "file/below"), str(tmp_path / "own"), str(tmp_path / "shared")])
    found = cache.find(record_of(HELLO))
    assert found is not None
    assert found.directory.startswith(str(tmp_path / "shared"))
    assert cache.writable_dir() == str(tmp_path / "own")
    put(cache, OTHER)
    assert listing(tmp_path / "shared") == {"urls", "urls.txt", HELLO.fn, HELLO.stem}


def test_no_writable_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="Not a directory"):
        PackageCache([str(tmp_path / "file/below")]).writable_dir()
    with pytest.raises(CacheError, match="none is configured"):
        PackageCache([]).writable_dir()


def test_archives_are_found_by_name_and_size(tmp_path: Path) -> None:
    cache, record = PackageCache([str(tmp_path)]), record_of(HELLO)
    assert cache.find_archive(record) is None
    (tmp_path / HELLO.fn).write_bytes(HELLO.data)
    assert cache.find_archive(record) == str(tmp_path / HELLO.fn)
    (tmp_path / HELLO.fn).write_bytes(b"")
    assert cache.find_archive(record) is None


def test_left_overs_of_the_dead_are_swept(tmp_path: Path) -> None:
    cache = PackageCache([str(tmp_path)])
    old = tmp_path / ".whipsnake-0123456789-1-abcdef00"
    (old / "package/deep").mkdir(parents=True)
    os.utime(old, (1, 1))
    staging = cache.stage(record_of(HELLO))
    cache.sweep()
    assert not old.exists()
    assert os.path.isdir(staging.directory)
    staging.discard()


@pytest.mark.parametrize(
    ("url", "directory"),
    [
        ("https://host/chan/noarch/a.conda", "https/host/chan/noarch"),
        ("https://u:p@host:81/t/tok/chan/noarch/a.conda", "https/host_81/chan/noarch"),
        ("file:///srv/../chan/noarch/a.conda", "file/srv/chan/noarch"),
        ("", ""),
    ],
)
def test_where_mamba_keeps_them(url: str, directory: str) -> None:
    assert nested_directory(url) == directory
