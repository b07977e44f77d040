"""Byte-compiled files kept beside packages: found again, atomic, and no more than a cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.fetch.archive.verify import check_unpacked
from engine.fetch.cache.bytecode import ELSEWHERE, BytecodeCache
from engine.fetch.cache.clean import CleanRequest, find_garbage, remove_garbage
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.unpack import UnpackOptions, unpack_stream
from engine.model.records import CachedPackage, CompiledFiles
from engine.system.temporary import dead_leftovers
from tests.fetch.feeding import record_of
from tests.kit.package import make_package
from tests.kit.tree import tree

KIND = "cpython-312.cb0d0d0a"
FILES = CompiledFiles(
    ["site-packages/a.py", "site-packages/bad.py"], ["site-packages/__pycache__/a.cpython-312.pyc", ""], [4, 0]
)


class Place:
    """A cache with one package."""

    def __init__(self, path: Path) -> None:
        self.pkgs = path / "pkgs"
        self.packages = PackageCache([str(self.pkgs)])
        self.cache = BytecodeCache(self.packages)
        self.package = self.add("tool", "site-packages/a.py", "site-packages/bad.py")

    def add(self, name: str, *paths: str) -> CachedPackage:
        package = make_package(name, noarch="python", files=dict.fromkeys(paths, "x = 1\n"))
        return unpack_stream([package.data], record_of(package), self.packages, UnpackOptions()).package

    def keep(self, content: bytes = b"code") -> str:
        """Compile, as it were, and publish; returns where the files are now."""
        staged = self.cache.stage(self.package)
        assert staged is not None
        Path(staged, "0").write_bytes(content)
        made = self.cache.publish(self.package, KIND, staged, FILES)
        self.cache.discard(staged)
        return made.directory


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_was_kept_is_found(place: Place) -> None:
    assert place.cache.find(place.package, KIND) is None
    directory = place.keep()
    found = place.cache.find(place.package, KIND)
    assert found is not None and (found.directory, found.files) == (directory, FILES)
    assert Path(directory, "0").read_bytes() == b"code"
    assert directory.startswith(place.package.directory)
    assert place.cache.find(place.package, "cpython-313.f30d0d0a") is None
    assert not [name for name in os.listdir(place.pkgs) if name.startswith(".whipsnake-")]


def test_the_package_is_as_sound_as_before(place: Place) -> None:
    place.keep()
    check_unpacked(place.package.directory)
    assert place.packages.find_sound(place.package.record)


def test_the_later_of_two_uses_its_own_and_leaves_the_first(place: Place) -> None:
    first = place.keep(b"code")
    staged = place.cache.stage(place.package)
    assert staged is not None
    Path(staged, "0").write_bytes(b"else")
    made = place.cache.publish(place.package, KIND, staged, FILES)
    assert made.directory == staged
    assert Path(first, "0").read_bytes() == b"code"
    place.cache.discard(staged)
    assert not os.path.exists(staged)


@pytest.mark.parametrize("content", [b"", b"{", b"[[1, 2, 3]]", b'[["a.py"], [], []]', b"\xff"])
def test_a_damaged_list_is_none_and_is_replaced(place: Place, content: bytes) -> None:
    Path(place.keep(), "list").write_bytes(content)
    assert place.cache.find(place.package, KIND) is None
    place.keep(b"anew")
    found = place.cache.find(place.package, KIND)
    assert found is not None and Path(found.directory, "0").read_bytes() == b"anew"


def test_what_is_dropped_is_gone(place: Place) -> None:
    place.keep()
    found = place.cache.find(place.package, KIND)
    assert found is not None
    place.cache.drop(found)
    assert place.cache.find(place.package, KIND) is None
    assert os.listdir(os.path.join(place.package.directory, "info", "whipsnake")) == []
    place.cache.drop(found)  # somebody else was faster: nothing happens


def test_a_link_is_not_read(place: Place, tmp_path: Path) -> None:
    directory = Path(place.keep())
    (directory / "list").rename(tmp_path / "list")
    (directory / "list").symlink_to(tmp_path / "list")
    assert place.cache.find(place.package, KIND) is None


@pytest.mark.parametrize("kind", ["", "..", "../../x", "cpython-312", "/tmp.00"])
def test_a_kind_is_no_path(place: Place, kind: str) -> None:
    staged = place.cache.stage(place.package)
    assert staged is not None
    before = tree(place.pkgs)
    assert place.cache.find(place.package, kind) is None
    assert place.cache.publish(place.package, kind, staged, FILES).directory == staged
    assert tree(place.pkgs) == before


def test_the_kind_of_a_python_is_remembered(place: Place) -> None:
    record = place.package.record
    assert place.cache.kind(record) is None
    place.cache.remember_kind(record, "no kind/../at all")
    assert place.cache.kind(record) is None
    place.cache.remember_kind(record, KIND)
    assert place.cache.kind(record) == KIND


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_packages_that_cannot_be_written_have_it_elsewhere(place: Place, tmp_path: Path) -> None:
    _elsewhere(place, tmp_path)


def test_packages_for_which_writing_is_refused_have_it_elsewhere(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(place.pkgs)) and real(path, mode))
    _elsewhere(place, tmp_path)


def _elsewhere(place: Place, tmp_path: Path) -> None:
    before = tree(place.pkgs)
    if os.geteuid():
        for base, _, _ in os.walk(place.pkgs):
            os.chmod(base, 0o555)
    other = tmp_path / "other"
    place.packages = PackageCache([str(place.pkgs), str(other)])
    place.cache = BytecodeCache(place.packages)
    directory = place.keep()
    assert directory == str(other / ELSEWHERE / (place.package.record.sha256 or "") / KIND)
    assert place.cache.find(place.package, KIND) is not None
    place.cache.remember_kind(place.package.record, KIND)
    assert place.cache.kind(place.package.record) == KIND
    for base, _, _ in os.walk(place.pkgs):
        os.chmod(base, 0o755)
    assert tree(place.pkgs) == before


def test_clean_takes_what_no_environment_has(place: Place, tmp_path: Path) -> None:
    used = place.package
    (tmp_path / "env" / "conda-meta").mkdir(parents=True)
    (tmp_path / "env" / "conda-meta" / f"{used.record.dist}.json").write_text("{}")
    linked, unlinked = place.keep(), place.cache.stage(used)
    os.link(f"{linked}/0", tmp_path / "env" / "a.pyc")
    assert unlinked is not None
    other = place.cache.publish(used, "cpython-311.a70d0d0a", unlinked, CompiledFiles(FILES.sources[1:], [""], [0]))
    request = CleanRequest(pkgs_dirs=(str(place.pkgs),), prefixes=(str(tmp_path / "env"),), packages=True)
    assert [(item.kind, item.path) for item in find_garbage(request)] == [("bytecode", other.directory)]
    remove_garbage(find_garbage(request))
    assert not os.path.exists(other.directory) and os.path.exists(linked)
    assert dead_leftovers(str(place.pkgs)) == []


def test_clean_takes_it_with_its_package(place: Place) -> None:
    place.keep()
    request = CleanRequest(pkgs_dirs=(str(place.pkgs),), everything=True)
    remove_garbage(find_garbage(request))
    assert not os.path.exists(place.package.directory)
