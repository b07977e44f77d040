"""Cached packages are looked at before they are linked, and healed."""

# ruff: noqa: ASYNC240 - the tests look at the disk themselves, while nothing else runs

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from engine.errors import LinkError
from engine.link.files.batch import carry_out
from engine.link.files.modes import Mode
from engine.link.linked import Damaged
from engine.link.packages.linker import PackageLinker
from engine.link.plan.claims import Claims
from engine.link.plan.package_plan import plan_package
from engine.link.plan.paths_json import read_paths
from engine.link.request import PrefixTarget
from engine.model.records import CachedPackage
from engine.system.temporary import remove_tree
from tests.kit.package import PLACEHOLDER, Directory, File, Symlink, make_package
from tests.kit.tree import tree
from tests.link.support import cached, create

FILES = {
    "bin/hello": File(f"#!{PLACEHOLDER}/bin/sh\n", mode=0o755),
    "lib/plain": "plain",
    "lib/link": Symlink("plain"),
    "share/own": File("mine", no_link=True),
    "top": "top",
    "var/empty": Directory(),
}


def found(package: CachedPackage, mode: Mode = Mode.HARD) -> str | None:
    """What is damaged, going by an attempt to link it; then nothing was linked."""
    staging = Path(package.directory).parent / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    target = PrefixTarget("/prefix", str(staging), "/prefix", "linux-64", None)
    plan = plan_package(0, package.record, read_paths(package.directory, "p"), (), None)
    try:
        linker = PackageLinker(plan, package.directory, target, Claims(), mode)
        part = linker.begin(lambda: None, check=True)
        if part is None:
            linker.end(lambda: None)
        else:
            job = linker.directories, [[part]], ("/prefix", "linux-64", [linker.specials])
            _, done, made = carry_out(job)
            linker.end(lambda: None, done[0][0], made[0])
    except Damaged as error:
        assert not any(path.is_file() for path in staging.rglob("*"))
        return error.path
    return None


@pytest.fixture
def package(tmp_path: Path) -> CachedPackage:
    return cached(make_package("hello", files=FILES), tmp_path / "pkgs")


def test_a_sound_package(package: CachedPackage) -> None:
    assert found(package) is None and found(package, Mode.COPY) is None


@pytest.mark.parametrize("path", ["bin/hello", "lib/plain", "share/own", "top"])
@pytest.mark.parametrize("kind", ["gone", "shorter", "longer", "link", "directory"])
def test_every_kind_of_damage_is_seen(package: CachedPackage, path: str, kind: str) -> None:
    victim = Path(package.directory, path)
    data = victim.read_bytes()
    victim.unlink()
    if kind in ("shorter", "longer"):
        victim.write_bytes(data[:-1] if kind == "shorter" else data + b"x")
    elif kind == "link":
        victim.symlink_to("/etc/passwd")
    elif kind == "directory":
        victim.mkdir()
    assert found(package) == path
    assert found(package, Mode.COPY) == path


def test_links_and_directories_are_looked_at_too(package: CachedPackage) -> None:
    link = Path(package.directory, "lib/link")
    link.unlink()
    assert found(package) == "lib/link"
    link.write_bytes(b"other")  # as zip tools unpack a link; this one has the size that is listed
    assert found(package) is None
    link.write_bytes(b"longer than that")
    assert found(package) == "lib/link"
    link.unlink()
    link.symlink_to("nowhere")
    shutil.rmtree(Path(package.directory, "var"))
    assert found(package) == "var/empty"


def test_a_directory_that_is_gone(package: CachedPackage) -> None:
    shutil.rmtree(Path(package.directory, "lib"))
    assert found(package) in ("lib/plain", "lib/link")


@pytest.mark.anyio
async def test_damage_is_healed_before_it_lands(package: CachedPackage, tmp_path: Path) -> None:
    other = cached(make_package("other", files={"lib/other": "x"}), tmp_path / "pkgs")
    sound = tree(Path(package.directory))
    Path(package.directory, "lib/plain").write_bytes(b"dam")
    asked: list[CachedPackage] = []

    async def heal(broken: CachedPackage) -> CachedPackage:
        asked.append(broken)
        shutil.rmtree(broken.directory)
        return cached(make_package("hello", files=FILES), tmp_path / "pkgs")

    packages = [msgspec.structs.replace(one, unchecked=True) for one in (package, other)]
    await create(tmp_path / "env", packages, heal=heal)
    assert [one.record.name for one in asked] == ["hello"]
    assert (tmp_path / "env" / "lib" / "plain").read_text() == "plain"
    assert tree(Path(package.directory)) == sound


@pytest.mark.anyio
@pytest.mark.parametrize("gone", ["", "lib/plain", "lib", "top", "lib/link", "bin/hello"])
async def test_what_is_removed_meanwhile_is_healed(package: CachedPackage, tmp_path: Path, gone: str) -> None:
    """`clean` removes packages while they are linked; nobody had to look at these."""
    other = cached(make_package("other", files={"lib/other": "x"}), tmp_path / "pkgs")
    await create(tmp_path / "expected", [package, other], baked_prefix="/env")
    path = Path(package.directory, gone)
    remove_tree(str(path))

    async def heal(broken: CachedPackage) -> CachedPackage:
        remove_tree(broken.directory)
        return cached(make_package("hello", files=FILES), tmp_path / "pkgs")

    await create(tmp_path / "env", [package, other], heal=heal, baked_prefix="/env")
    assert tree(tmp_path / "env") == tree(tmp_path / "expected")


@pytest.mark.anyio
async def test_damage_that_nobody_can_heal_is_an_error(package: CachedPackage, tmp_path: Path) -> None:
    os.truncate(f"{package.directory}/top", 1)
    with pytest.raises(LinkError, match=r"its file top is not in the package cache") as caught:
        await create(tmp_path / "env", [msgspec.structs.replace(package, unchecked=True)])
    assert "clean" in (caught.value.hint or "")
    assert not (tmp_path / "env").exists()
    await create(tmp_path / "env", [package])  # who checked it himself is believed
