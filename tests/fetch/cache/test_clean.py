from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.fetch.cache.clean import CleanRequest, find_garbage, remove_garbage
from engine.fetch.cache.entry_lock import EntryLock
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.unpack import UnpackOptions, unpack_stream
from tests.fetch.feeding import record_of
from tests.kit.archive import Member
from tests.kit.evil import with_members
from tests.kit.layer import Layer
from tests.kit.package import BuiltPackage, make_package


class Place:
    """A cache with packages and an environment."""

    def __init__(self, path: Path) -> None:
        self.pkgs, self.prefix = path / "pkgs", path / "env"
        self.cache = PackageCache([str(self.pkgs)])
        (self.prefix / "conda-meta").mkdir(parents=True)

    def add(self, name: str, url: str = "https://host/channel", data: bytes | None = None) -> Path:
        package = make_package(name, files={"f": name * 1000}, format=".conda" if data is None else ".tar.bz2")
        if data is not None:
            package = BuiltPackage(package.fn, data, package.index, package.paths)
        made = unpack_stream([package.data], record_of(package, url), self.cache, UnpackOptions())
        return Path(made.package.directory)

    def found(self, **wanted: object) -> dict[str, int]:
        request = CleanRequest(
            pkgs_dirs=(str(self.pkgs),), root_prefix=str(self.prefix), prefixes=(str(self.prefix),), **wanted
        )  # type: ignore[arg-type]
        return {f"{item.kind} {os.path.relpath(item.path, self.pkgs)}": item.bytes for item in find_garbage(request)}

    def clean(self, **wanted: object) -> int:
        request = CleanRequest(pkgs_dirs=(str(self.pkgs),), prefixes=(str(self.prefix),), **wanted)  # type: ignore[arg-type]
        freed, problems = remove_garbage(find_garbage(request))
        assert problems == []
        return freed


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_packages_of_an_image_go(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their directories can't be renamed."""
    used, unused = place.add("used"), place.add("unused")
    os.link(used / "f", place.prefix / "f")
    layer = Layer(monkeypatch)
    layer.bring(place.pkgs)
    assert place.clean(packages=True) > 0
    layer.forget()
    assert used.exists() and not unused.exists()


def test_what_is_used_stays(place: Place) -> None:
    listed, linked, unused = place.add("listed"), place.add("linked"), place.add("unused")
    nested = place.add("unused", "https://host/other", with_members(Member("other", b"y" * 10))(".tar.bz2"))
    (place.prefix / f"conda-meta/{listed.name}.json").write_text("{}")
    os.link(linked / "f", place.prefix / "f")
    found = place.found(packages=True)
    assert set(found) == {f"package {unused.name}", f"package {os.path.relpath(nested, place.pkgs)}"}
    assert found[f"package {unused.name}"] == sum(p.stat().st_size for p in unused.rglob("*") if p.is_file())
    assert place.clean(packages=True) == sum(found.values())
    assert listed.exists()
    assert linked.exists()
    assert not unused.exists()
    assert not nested.exists()
    assert not [name for name in os.listdir(place.pkgs) if name.startswith(".")]


def test_hard_links_inside_a_package_are_no_use_of_it(place: Place) -> None:
    data = with_members(Member("a", b"x" * 100), Member("b", kind=b"1", target="a"))(".tar.bz2")
    directory = place.add("inside", data=data)
    assert os.stat(directory / "a").st_nlink == 2
    assert set(place.found(packages=True)) == {f"package {directory.name}"}


def test_archives_index_locks_and_left_overs(place: Place) -> None:
    directory = place.add("p")
    (place.pkgs / "cache").mkdir()
    (place.pkgs / "cache/1234.json").write_text("{}")
    (place.pkgs / "cache/1234.json.lock").write_text("")
    (place.pkgs / "old.lock").write_text("")
    dead = place.pkgs / ".whipsnake-0123456789-1-abcdef00"
    dead.mkdir()
    os.utime(dead, (1, 1))
    assert set(place.found(index=True)) == {"index cache"}
    assert place.found(tarballs=True)[f"tarball {directory.name}.conda"] > 100
    assert set(place.found(locks=True)) == {"lock old.lock", "lock cache/1234.json.lock"}
    assert {key.split()[0] for key in place.found(everything=True)} == {
        "index", "lock", "tarball", "package", "leftover",
    }  # fmt: skip
    place.clean(everything=True)
    assert set(os.listdir(place.pkgs)) == {"urls", "urls.txt"}
    assert place.found(everything=True) == {}


def test_a_lock_that_is_held_stays(place: Place) -> None:
    record = record_of(make_package("p"))
    lock = place.cache.lock(record)
    assert lock.try_acquire()
    place.clean(locks=True)
    assert os.path.exists(lock.path)
    lock.release()


def test_a_package_that_is_put_to_use_in_between_stays(place: Place) -> None:
    directory = place.add("p")
    items = find_garbage(CleanRequest(pkgs_dirs=(str(place.pkgs),), packages=True))
    os.link(directory / "f", place.prefix / "f")
    assert remove_garbage(items) == (0, [])
    assert (directory / "info/repodata_record.json").exists()


def test_trash(place: Place) -> None:
    place.add("p")
    (place.prefix / "lib").mkdir()
    (place.prefix / "lib/x.dll.mamba_trash").write_text("123")
    assert list(place.found(trash=True).values()) == [3]


def test_force_removes_caches_only(place: Place, tmp_path: Path) -> None:
    place.add("p")
    home = tmp_path / "home"
    home.mkdir()
    request = CleanRequest(pkgs_dirs=(str(home), str(place.pkgs), str(tmp_path / "none")), force_pkgs_dirs=True)
    assert [item.path for item in find_garbage(request)] == [str(place.pkgs)]
    remove_garbage(find_garbage(request))
    assert not place.pkgs.exists()


def test_failures_are_collected(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        place.add(name)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    items = find_garbage(CleanRequest(pkgs_dirs=(str(place.pkgs),), packages=True))
    monkeypatch.setattr(os, "rename", refuse)
    freed, problems = remove_garbage(items)
    assert freed == 0
    assert len(problems) == 2
    assert "Permission denied" in str(problems[0])


def test_parts_go_with_the_archives_unless_they_are_on_their_way(place: Place) -> None:
    place.cache.writable_dir()
    for name in ("old", "busy"):
        (place.pkgs / f"{name}-1-0.conda.partial").write_bytes(b"x" * 10)
        (place.pkgs / f"{name}-1-0.conda.partial.json").write_text("{}")
    lock = EntryLock(str(place.pkgs), "busy-1-0.conda")
    assert lock.try_acquire()
    assert len(place.found(tarballs=True)) == 4
    assert place.clean(tarballs=True) == 12
    lock.release()
    assert {path.name for path in place.pkgs.glob("*.partial*")} == {
        "busy-1-0.conda.partial",
        "busy-1-0.conda.partial.json",
    }


def test_packages_behind_soft_links_stay(place: Place) -> None:
    directory = place.add("linked-softly")
    (place.prefix / "f").symlink_to(directory / "f")
    (place.prefix / f"conda-meta/{directory.name}.json").write_text("{}")
    place.clean(everything=True)
    assert (place.prefix / "f").read_text().startswith("linked-softly")


def test_every_kind_of_trash_goes_but_no_file_of_a_package(place: Place) -> None:
    names = [
        "a.dll.mamba_trash2",
        "b.conda_trash_1",
        "c.c~",
        "d.trash",
        "owned.trash",
        "kept.txt",
        "conda-meta/mamba_trash.txt",
    ]
    for name in names:
        (place.prefix / name).write_text("1")
    (place.pkgs / "x.conda.partial").parent.mkdir(exist_ok=True)
    for name, age in (("x.conda.partial", 1), ("y.conda.partial", None)):
        (place.pkgs / name).write_text("1")
        if age:
            os.utime(place.pkgs / name, (age, age))
    found = place.found(trash=True, owned_files=lambda prefix: {"owned.trash"})
    assert {key.rpartition("/")[2].removeprefix("trash ") for key in found} == {
        "a.dll.mamba_trash2", "b.conda_trash_1", "c.c~", "d.trash", "mamba_trash.txt", "x.conda.partial",
    }  # fmt: skip


def test_the_cache_of_the_user_goes_unless_it_is_in_use(place: Place, tmp_path: Path) -> None:
    cache = tmp_path / "cache/conda"
    for path in (
        "pkgs/cache/shards/x.zst",
        "pkgs/https/host/a-1-0/info/index.json",
        "pkgs/https/host/a-1-0.conda",
        "repodata/s.json",
    ):
        (cache / path).parent.mkdir(parents=True, exist_ok=True)
        (cache / path).write_text("{}")
    (place.prefix / "conda-meta/a-1-0.json").write_text("{}")
    place.clean(everything=True, user_cache=str(cache))
    assert (cache / "pkgs/https/host/a-1-0").exists()
    assert not (cache / "repodata").exists() and not (cache / "pkgs/cache").exists()
    (place.prefix / "conda-meta/a-1-0.json").unlink()
    place.clean(everything=True, user_cache=str(cache))
    assert not cache.exists()
    place.clean(everything=True, user_cache=str(cache))
