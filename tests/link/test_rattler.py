"""What lands is, file for file, what py-rattler's installer makes of the same real packages.

Left out of the comparison: ``conda-meta`` (compared by its readers elsewhere), ``CACHEDIR.TAG`` (rattler's own) and
``__clobbers__`` (where rattler keeps the files that lost; we make them anew from the cache). Neither runs link scripts
here. Which of several packages wins a file depends on the link order, and rattler orders packages that don't depend on
each other by itself; so where packages clobber each other, its tree must be ours for one of the orders. (A file
against a directory, as in clobber-fd-*, is not compared: what rattler makes of that differs from run to run.)
"""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import pytest

from engine.errors import LinkError
from engine.model.records import CachedPackage
from tests.kit.shared import needs_shared, real_packages, real_record
from tests.kit.tree import Entry, tree
from tests.link.support import create, record_of, unpack

rattler = pytest.importorskip("rattler")
pytestmark = [pytest.mark.anyio, needs_shared]

BROKEN = {"info-only-1.0.0-0.conda", "symlink-test-1.0.0-0.conda", "zip64-test-1.0.0-0.conda"}
"""They have no list of files; rattler refuses them too."""
ZLIB = {"zlib-1.2.11-h7b6447c_3.conda", "zlib-1.2.11-h7b6447c_3.tar.bz2"}
"""Broken in themselves: soft links without a target, or empty files in their place."""

SOUND = [path for path in real_packages("linux-64", "noarch") if path.name not in BROKEN | ZLIB]


def ours(path: Path, cache: Path) -> CachedPackage:
    directory = cache / path.name
    if not directory.exists():
        unpack(path.read_bytes(), directory)
    return CachedPackage(record_of(real_record(path), path.name), str(directory), str(path))


async def theirs(paths: list[Path], prefix: Path, work: Path, platform: str) -> None:
    records = []
    for path in paths:
        fields = real_record(path)
        (work / "index.json").write_text(json.dumps(fields))
        known = rattler.PackageRecord.from_index_json(work / "index.json", sha256=fields["sha256"], size=fields["size"])
        records.append(rattler.RepoDataRecord(known, path.name, path.as_uri(), path.parent.as_uri()))
    await rattler.install(
        records,
        prefix,
        cache_dir=work / "rattler",
        platform=rattler.Subdir(platform),
        execute_link_scripts=False,
        show_progress=False,
    )


def landed(prefix: Path) -> dict[str, Entry]:
    return tree(prefix, skip=lambda path: path in {"conda-meta", "CACHEDIR.TAG", "__clobbers__"})


async def install_ours(paths: list[Path], tmp_path: Path, platform: str = "linux-64") -> dict[str, Entry]:
    packages = [ours(path, tmp_path / "pkgs") for path in paths]
    await create(tmp_path / "env", packages, run_link_scripts=False, compile_pyc=False, platform=platform)
    return take(tmp_path / "env")


async def install_theirs(paths: list[Path], tmp_path: Path, platform: str = "linux-64") -> dict[str, Entry]:
    await theirs(paths, tmp_path / "env", tmp_path, platform)
    return take(tmp_path / "env")


def take(prefix: Path) -> dict[str, Entry]:
    """What landed; the prefix is removed, for the next one must be baked for the same place."""
    found = landed(prefix)
    shutil.rmtree(prefix)
    return found


def python() -> list[Path]:
    return [path for path in real_packages("noarch") if path.name.startswith("python-3.99")]


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.name)
async def test_each_real_package(path: Path, tmp_path: Path) -> None:
    with_python = python() if real_record(path).get("noarch") == "python" else []
    paths = [*with_python, path]
    assert await install_ours(paths, tmp_path) == await install_theirs(paths, tmp_path)


FOREIGN = ("win-64", "win-32", "osx-64", "osx-arm64")
NOARCH = [path for path in SOUND if real_record(path).get("noarch")]
OF_OTHER_SYSTEMS = [path for path in real_packages(*FOREIGN) if not path.name.startswith("zlib-1.2.11-h1de35cc_3")]


@pytest.mark.parametrize("path", OF_OTHER_SYSTEMS, ids=lambda path: f"{path.parent.name}-{path.name}")
async def test_each_real_package_of_another_system(path: Path, tmp_path: Path) -> None:
    platform = path.parent.name
    assert await install_ours([path], tmp_path, platform) == await install_theirs([path], tmp_path, platform)


@pytest.mark.parametrize("platform", FOREIGN)
@pytest.mark.parametrize(
    "path", [path for path in SOUND if real_record(path).get("noarch")], ids=lambda path: path.name
)
async def test_each_noarch_package_for_another_system(path: Path, platform: str, tmp_path: Path) -> None:
    with_python = python() if real_record(path).get("noarch") == "python" else []
    mine = await install_ours([*with_python, path], tmp_path, platform)
    others = await install_theirs([*with_python, path], tmp_path, platform)
    launchers = {name for name in mine if name.endswith((".exe", "-script.py"))}
    assert launchers == {name for name in others if name.endswith((".exe", "-script.py"))}, "ours are setuptools'"
    assert {name: entry for name, entry in mine.items() if name not in launchers} == {
        name: entry for name, entry in others.items() if name not in launchers
    }


@pytest.mark.parametrize("name", sorted(BROKEN))
async def test_packages_without_a_list_are_refused(name: str, tmp_path: Path) -> None:
    path = next(path for path in real_packages("noarch") if path.name == name)
    with pytest.raises(LinkError, match=name.rpartition("-")[0]):
        await create(tmp_path / "env", [ours(path, tmp_path / "pkgs")])
    with pytest.raises(Exception, match="failed to link"):
        await theirs([path], tmp_path / "env", tmp_path, "linux-64")


CLOBBERS = [
    "clobber-1-0.1.0 clobber-2-0.1.0 clobber-3-0.1.0",
    "clobber-nested-1-0.1.0 clobber-nested-2-0.1.0 clobber-nested-3-0.1.0",
    "clobber-with-symlink-a-0.1.0 clobber-with-symlink-b-0.1.0",
    "clobber-a-1.0 clobber-b-1.0",
]


@pytest.mark.parametrize("names", CLOBBERS)
async def test_clobbering_packages(names: str, tmp_path: Path) -> None:
    found = {path.name: path for path in real_packages("noarch")}
    paths = [next(found[full] for full in found if full.startswith(f"{name}-")) for name in names.split()]
    possible = [await install_ours(list(order), tmp_path) for order in itertools.permutations(paths)]
    assert await install_theirs(paths, tmp_path) in possible
