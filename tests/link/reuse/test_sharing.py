"""Environments of one run share plans and lists, and nobody can tell from the result."""

# ruff: noqa: ASYNC240 - the tests look at the disk themselves, while nothing else runs

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.link.packages import jobs
from engine.link.reuse.sharing import Shared
from engine.model.records import CachedPackage
from tests.kit.package import PLACEHOLDER, make_package
from tests.kit.tree import tree
from tests.link.support import cached, create

pytestmark = pytest.mark.anyio


@pytest.fixture
def packages(tmp_path: Path) -> list[CachedPackage]:
    many = {f"lib/f{number}": str(number) for number in range(20)}
    made = (
        make_package("plain", files=many),
        make_package("changed", files={"bin/tool": f"#!{PLACEHOLDER}/bin/sh\n", "share/x": "x"}),
        make_package("rival", files={"lib/f3": "mine", "lib/other": ""}),
    )
    return [cached(one, tmp_path / "pkgs") for one in made]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages whose lists were read from the disk."""
    names: list[str] = []

    def noted(directory: str, dist: str) -> object:
        names.append(dist.partition("-")[0])
        return original(directory, dist)

    original = jobs.read_paths
    monkeypatch.setattr(jobs, "read_paths", noted)
    return names


async def test_what_is_shared_changes_nothing(packages: list[CachedPackage], read: list[str], tmp_path: Path) -> None:
    shared = Shared()
    for number, wanted in enumerate((packages[:2], packages[1::-1], packages, packages[:2])):
        alone, other = tmp_path / f"alone{number}" / "env", tmp_path / f"other{number}" / "env"
        await create(alone, wanted, baked_prefix="/somewhere/env")
        read.clear()
        await create(other, wanted, baked_prefix="/somewhere/env", shared=shared)
        assert tree(alone, skip=lambda path: path == "conda-meta") == tree(
            other, skip=lambda path: path == "conda-meta"
        )
        for path in alone.glob("conda-meta/*.json"):
            assert json.loads(path.read_text()) == json.loads((other / "conda-meta" / path.name).read_text())
        first = {0: ["plain", "changed"], 2: ["rival"]}
        assert [name for name in first.get(number, []) if name not in read] == []
        assert number in first or not read, "all plans were there"


async def test_what_is_full_remembers_no_more(packages: list[CachedPackage], read: list[str], tmp_path: Path) -> None:
    shared = Shared(most=10)
    for name in ("one", "two"):
        await create(tmp_path / name, packages[:2], shared=shared)
    assert sorted(read) == ["changed", "plain", "plain"]
    assert len(list(tmp_path.glob("*/lib/f*"))) == 40
