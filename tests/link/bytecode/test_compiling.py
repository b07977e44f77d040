"""Byte-compiled files are made once and shared; what is shared is never written again, and damage is healed."""

# ruff: noqa: ASYNC221, ASYNC240 - the tests look at the disk themselves, while nothing else runs

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from engine.fetch.cache.bytecode import BytecodeCache
from engine.fetch.cache.entry_lock import EntryLock
from engine.fetch.cache.marker import marker_text
from engine.fetch.cache.package_cache import PackageCache
from engine.link.bytecode.kind import own_kind
from engine.link.request import LinkSummary
from engine.model.records import CachedPackage
from tests.kit.interpreter import interpreter_package
from tests.kit.package import PLACEHOLDER, BuiltPackage, make_package
from tests.kit.tree import tree
from tests.link.support import Recorder, cached, create

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name == "nt", reason="not run on Windows yet")]

MODULES = 40
"""More than one batch."""


class Bench:
    """A cache with a Python and a package, and environments made of them."""

    def __init__(self, path: Path) -> None:
        self.path, self.pkgs = path, path / "pkgs"
        self.cache = BytecodeCache(PackageCache([str(self.pkgs)]))
        self.python = self.add(interpreter_package())
        self.tool = self.add(
            make_package(
                "tool",
                noarch="python",
                files={
                    "site-packages/tool/__init__.py": "def where(): return where.__code__.co_filename\n",
                    "site-packages/tool/bad.py": "def (:\n",
                    "site-packages/tool/here.py": f"prefix = '{PLACEHOLDER}'\n",
                    **{f"site-packages/tool/m{number}.py": f"x = {number}\n" for number in range(MODULES)},
                },
            )
        )
        self.report = Recorder()

    def add(self, package: BuiltPackage) -> CachedPackage:
        """The package as a cache holds it, with its marker."""
        found = cached(package, self.pkgs)
        text = marker_text(found.record, b"{}")
        Path(found.directory, "info", "repodata_record.json").write_bytes(text)
        return found

    @property
    def site(self) -> str:
        return str(self.python.record.python_site_packages_path)

    async def create(self, name: str, *more: CachedPackage, **options: object) -> LinkSummary:
        packages = [self.python, self.tool, *more]
        return await create(self.path / name, packages, bytecode=self.cache, report=self.report, **options)

    def module(self, name: str, module: str) -> Path:
        """A byte-compiled module of an environment."""
        return self.path / name / self.site / "tool" / "__pycache__" / f"{module}.{sys.implementation.cache_tag}.pyc"

    def shared(self) -> Path:
        """Where the byte-compiled files of the package are kept."""
        [found] = Path(self.tool.directory, "info", "whipsnake").glob("*.*")
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_the_second_environment_compiles_only_its_own(bench: Bench) -> None:
    first = await bench.create("one")
    assert (first.compiled, first.bytecode) == (MODULES + 2, 0)
    second = await bench.create("two")
    assert (second.compiled, second.bytecode) == (1, MODULES + 1)
    assert os.path.samefile(bench.module("one", "m1"), bench.module("two", "m1"))
    assert not os.path.samefile(bench.module("one", "here"), bench.module("two", "here"))
    assert tree(bench.path / "one").keys() == tree(bench.path / "two").keys()
    records = [
        json.loads((bench.path / name / "conda-meta" / f"{bench.tool.record.dist}.json").read_text())
        for name in ("one", "two")
    ]
    for record in records:  # of the file with a placeholder, digests differ
        record["paths_data"]["paths"] = [one for one in record["paths_data"]["paths"] if "/here." not in one["_path"]]
    assert records[0] == records[1]
    assert sum(one.get("path_type") == "pyc_file" for one in records[0]["paths_data"]["paths"]) == MODULES + 1


async def test_what_was_shared_is_current_and_knows_its_place(bench: Bench) -> None:
    await bench.create("one")
    await bench.create("two")
    python = str(bench.path / "two" / "bin" / "python")
    (bench.path / "two" / bench.site / "tool" / "bad.py").unlink()
    folder = str(bench.path / "two" / bench.site / "tool")
    done = subprocess.run([python, "-m", "compileall", folder], capture_output=True, text=True, check=True)
    assert "Compiling" not in done.stdout
    ask = [python, "-B", "-c", "import tool, tool.here; print(tool.where(), tool.here.prefix)"]
    said = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()
    assert said == [f"{folder}/__init__.py", str(bench.path / "two")]


@pytest.mark.parametrize("damage", ["cut", "gone", "link", "list"])
async def test_damage_is_healed(bench: Bench, damage: str) -> None:
    await bench.create("one")
    expected = bench.module("one", "m1").read_bytes()
    sources, *_ = json.loads((bench.shared() / "list").read_text())
    number = next(place for place, source in enumerate(sources) if source.endswith("/m1.py"))
    victim = bench.shared() / ("list" if damage == "list" else str(number))
    data = victim.read_bytes()
    victim.unlink()
    if damage in ("cut", "list"):
        victim.write_bytes(data[:-1])
    elif damage == "link":
        victim.symlink_to("/etc/passwd")
    second = await bench.create("two")
    assert second.bytecode == 0 and second.compiled == MODULES + 2
    assert bench.module("two", "m1").read_bytes()[:16] == expected[:16]
    assert not bench.module("two", "m1").is_symlink()
    assert (await bench.create("three")).bytecode == MODULES + 1


async def test_a_list_of_other_files_is_not_believed(bench: Bench) -> None:
    await bench.create("one")
    files = json.loads((bench.shared() / "list").read_text())
    _, pycs, _ = files
    pycs[0] = "site-packages/../../../outside.pyc"
    (bench.shared() / "list").write_text(json.dumps(files))
    assert (await bench.create("two")).bytecode == 0
    assert not list(bench.path.glob("**/outside.pyc"))


async def test_contested_files_are_compiled_for_their_winner(bench: Bench) -> None:
    """What is kept beside a package was made from its own files, whoever wins in a prefix."""
    other = bench.add(make_package("zother", noarch="python", files={"site-packages/tool/m1.py": "x = 'zother'\n"}))
    for name in ("one", "two"):
        await bench.create(name, other)
        ask = [str(bench.path / name / "bin" / "python"), "-B", "-c", "import tool.m1; print(tool.m1.x)"]
        assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip() == "zother"
        assert b"zother" in bench.module(name, "m1").read_bytes()
    await bench.create("three")
    assert b"zother" not in bench.module("three", "m1").read_bytes()


async def test_no_pyc_makes_none(bench: Bench) -> None:
    await bench.create("one")
    summary = await bench.create("two", compile_pyc=False)
    assert (summary.compiled, summary.bytecode) == (0, 0)
    assert not bench.module("two", "m1").exists()


async def test_copies_are_made_where_copies_are_asked_for(bench: Bench) -> None:
    await bench.create("one")
    assert (await bench.create("two", always_copy=True)).bytecode == MODULES + 1
    assert not os.path.samefile(bench.module("one", "m1"), bench.module("two", "m1"))
    assert bench.module("one", "m1").read_bytes() == bench.module("two", "m1").read_bytes()


async def test_a_python_that_was_not_asked_is_asked_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python of another kind than ours compiles for itself, and says what it is."""
    monkeypatch.setattr("engine.link.bytecode.compiling.presumed_kind", lambda python, platform: None)
    assert bench.cache.kind(bench.python.record) is None
    await bench.create("one")
    assert bench.cache.kind(bench.python.record) == own_kind()
    library = os.path.dirname(bench.site)
    assert not (bench.path / "one" / library / "__pycache__").exists(), "it left byte code of what it imported itself"
    assert (await bench.create("two")).bytecode == MODULES + 1


async def test_late_knowledge_of_the_kind_still_finds_what_is_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.create("one")
    monkeypatch.setattr("engine.link.bytecode.compiling.presumed_kind", lambda python, platform: None)
    monkeypatch.setattr(bench.cache, "kind", lambda python: None)
    assert (await bench.create("two")).bytecode == MODULES + 1


async def test_giving_up_leaves_nothing(bench: Bench) -> None:
    with anyio.move_on_after(0.3):
        await bench.create("one")
    if not (bench.path / "one").exists():
        assert not [name for name in os.listdir(bench.pkgs) if name.startswith(".")]


async def test_two_at_once_compile_a_package_once(bench: Bench, tmp_path: Path) -> None:
    first, second = await bench.create("one"), await bench.create("two")
    other = Bench(tmp_path / "other")
    found: list[LinkSummary] = []

    async def create(name: str) -> None:
        found.append(await other.create(name))

    async with anyio.create_task_group() as group:
        for name in ("one", "two"):
            group.start_soon(create, name)
    assert sum(one.compiled for one in found) == first.compiled + second.compiled
    assert sum(one.bytecode for one in found) == second.bytecode
    assert not list(other.pkgs.glob(".whipsnake-lock-*"))


async def test_what_another_process_compiles_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, claim, refused = own_kind(), bench.cache.claim, threading.Event()
    held = claim(bench.tool, kind)
    assert held is not None

    def told(package: CachedPackage, kind: str) -> EntryLock | None:
        found = claim(package, kind)
        if found is None:
            refused.set()
        return found

    monkeypatch.setattr(bench.cache, "claim", told)
    async with anyio.create_task_group() as group:
        group.start_soon(bench.create, "one")
        assert await anyio.to_thread.run_sync(refused.wait, 20)
        assert not Path(bench.path, "one").exists()
        held.release()
    assert bench.module("one", "m1").exists()
