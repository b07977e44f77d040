"""Packages that are put elsewhere without their archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.link.packages.relocate import is_whole, relocatable, relocate
from engine.link.prefix.records import read_records
from tests.kit.package import PLACEHOLDER, File, Symlink, make_package
from tests.kit.tree import tree
from tests.link.support import cached, create, request_for

pytestmark = pytest.mark.anyio

FILES = {
    "lib/plain": "plain",
    "lib/link": Symlink("plain"),
    "bin/script": File(f"#!{PLACEHOLDER}/bin/sh\n{PLACEHOLDER}:{PLACEHOLDER}/x\n", mode=0o755),
    "lib/binary": File(f"a\0{PLACEHOLDER}/lib:{PLACEHOLDER}/x\0\0b\0{PLACEHOLDER}\0tail".encode(), mode=0o755),
}


@pytest.mark.parametrize("name", ["x", "a-rather-long-name-of-an-environment"])
async def test_the_files_are_as_if_they_were_linked(tmp_path: Path, name: str) -> None:
    package = cached(make_package("a", files=FILES), tmp_path / "pkgs")
    await create(tmp_path / "old", [package])
    await create(tmp_path / name, [package])
    (record,) = read_records(str(tmp_path / "old"))
    assert is_whole(record, str(tmp_path / "old"))
    staging = tmp_path / "staging"
    (staging / "conda-meta").mkdir(parents=True)
    request = request_for(tmp_path / name, [package], clone_of=str(tmp_path / "old"))
    relocate(record, request, str(staging))
    expected = {path: entry for path, entry in tree(tmp_path / name).items() if not path.startswith("conda-meta")}
    assert {path: entry for path, entry in tree(staging).items() if not path.startswith("conda-meta")} == expected
    (moved,), (linked,) = read_records(str(staging)), read_records(str(tmp_path / name))
    assert moved.paths_data == linked.paths_data and moved.files == linked.files


@pytest.mark.parametrize("path", ["lib/plain", "lib/link", "bin/script", "lib/binary"])
@pytest.mark.parametrize("how", ["gone", "altered"])
async def test_what_is_not_the_package_any_more_is_seen(tmp_path: Path, path: str, how: str) -> None:
    await create(tmp_path / "old", [cached(make_package("a", files=FILES), tmp_path / "pkgs")])
    (tmp_path / "old" / path).unlink()
    if how == "altered":
        (tmp_path / "old" / path).write_text("altered")
    assert relocatable(str(tmp_path / "old"), ["a"], str(tmp_path / "x")) == frozenset()


async def test_a_prefix_needs_room(tmp_path: Path) -> None:
    await create(tmp_path / "old", [cached(make_package("a", files=FILES), tmp_path / "pkgs")])
    assert relocatable(str(tmp_path / "old"), ["a"], f"/{'x' * len(PLACEHOLDER)}") == frozenset()
