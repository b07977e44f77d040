"""What linking a package came to is kept beside it: the next environment is the same, and made without its lists."""

# ruff: noqa: ASYNC240 - the tests look at the disk themselves, while nothing else runs

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.fetch.cache.bytecode import BytecodeCache
from engine.fetch.cache.kept_plans import KeptPlans
from engine.fetch.cache.marker import marker_text
from engine.fetch.cache.package_cache import PackageCache
from engine.link.files.batch import LINK_AT
from engine.link.packages import jobs
from engine.link.plan.entry_points import EntryPoint
from engine.link.plan.package_plan import Layout
from engine.link.prefix import disk
from engine.link.request import LinkSummary
from engine.link.reuse.kept import WIDTH, KeptPlan
from engine.model.records import CachedPackage
from tests.kit.interpreter import interpreter_package
from tests.kit.package import PLACEHOLDER, BuiltPackage, Content, Symlink, make_package
from tests.kit.tree import tree
from tests.link.support import cached, create

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not LINK_AT, reason="plans are of use for hard links alone")]

TOOL = f"#!{PLACEHOLDER}/bin/sh\n"
BAKED = "/somewhere/env"


class Bench:
    """A cache, and environments made of it; which packages had their own lists read is noted."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.pkgs = path, path / "pkgs"
        self.bytecode = BytecodeCache(PackageCache([str(self.pkgs)]))
        self.read: list[str] = []
        original = jobs.read_paths

        def noted(directory: str, dist: str) -> object:
            self.read.append(dist.partition("-")[0])
            return original(directory, dist)

        monkeypatch.setattr(jobs, "read_paths", noted)

    def add(self, package: BuiltPackage) -> CachedPackage:
        """The package as it is found in a cache: nobody has looked at its files."""
        found = cached(package, self.pkgs)
        Path(found.directory, "info", "repodata_record.json").write_bytes(marker_text(found.record, b"{}"))
        return msgspec.structs.replace(found, unchecked=True)

    async def create(self, name: str, *packages: CachedPackage, kept: bool = True, **options: object) -> LinkSummary:
        self.read.clear()
        options = {"baked_prefix": BAKED, "bytecode": self.bytecode, "plans": KeptPlans() if kept else None, **options}
        return await create(self.path / name, packages, **options)

    def assert_equal(self, one: str, other: str) -> None:
        """Files and records are the same."""
        assert tree(self.path / one) == tree(self.path / other)
        for path in (self.path / one).glob("conda-meta/*.json"):
            assert path.read_bytes() == (self.path / other / "conda-meta" / path.name).read_bytes()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def plain(bench: Bench, name: str = "plain", **files: str) -> CachedPackage:
    many = {f"lib/{name}/f{number}": str(number) for number in range(20)}
    return bench.add(make_package(name, files={**many, **files}))


def kept_file(package: CachedPackage) -> Path:
    [path] = Path(package.directory, "info", "whipsnake").glob("plan*")
    return path


def rewrite(package: CachedPackage, **fields: object) -> None:
    """Let a kept plan say something else."""
    path = kept_file(package)
    data = path.read_bytes()
    end = WIDTH + int.from_bytes(data[:WIDTH], "big")
    plan = msgspec.msgpack.decode(data[WIDTH:end], type=KeptPlan)
    text = msgspec.msgpack.encode(msgspec.structs.replace(plan, **fields))
    path.write_bytes(len(text).to_bytes(WIDTH, "big") + text + data[end:])


async def test_the_second_environment_is_the_same_without_the_lists(bench: Bench) -> None:
    names = ("a", "b", "c")
    changed: dict[str, Content] = {
        "bin/other": Symlink("tool"),
        "bin/tool": TOOL,
        "share/x": "x",
        "share/y": TOOL,
        "share/z": TOOL,
    }
    packages = [
        plain(bench),
        bench.add(make_package("changed", files=changed)),
        bench.add(make_package("all", files={"bin/one": TOOL, "bin/two": TOOL})),
        bench.add(make_package("empty", files={})),
    ]
    for name in names:
        await bench.create(name, *packages, kept=name != "a")
        assert sorted(bench.read) == ([] if name == "c" else ["all", "changed", "empty", "plain"])
    bench.assert_equal("a", "b")
    bench.assert_equal("a", "c")
    assert f"{BAKED}/bin/sh" in (bench.path / "c" / "bin" / "tool").read_text()
    record = json.loads((bench.path / "c" / "conda-meta" / "all-1.0-h_0.json").read_text())
    assert [path["_path"] for path in record["paths_data"]["paths"]] == ["bin/one", "bin/two"]


async def test_a_python_package_brings_its_scripts_and_its_byte_code(bench: Bench) -> None:
    python = bench.add(interpreter_package())
    files = {f"site-packages/tool/m{number}.py": f"x = {number}\n" for number in range(40)}
    files["site-packages/tool/bad.py"] = "def (:\n"
    tool = bench.add(make_package("tool", noarch="python", files=files, entry_points=["tool = tool.m1:x"]))
    for name in ("one", "two", "three"):
        done = await bench.create(name, python, tool)
        assert (bench.read, done.bytecode) == (([], 40) if name == "three" else (bench.read, done.bytecode))
    bench.assert_equal("one", "three")
    for name in ("plain", "plain again"):
        await bench.create(name, python, tool, compile_pyc=False)
    assert bench.read == []
    assert not list((bench.path / "plain again").rglob("tool/**/*.pyc"))
    # what the plan takes for done may be damaged: then the package is compiled again
    victim = next(Path(tool.directory, "info", "whipsnake").glob("*.*/1"))
    victim.unlink()
    done = await bench.create("four", python, tool)
    assert done.bytecode == 0 and done.compiled >= 40
    assert tree(bench.path / "one").keys() == tree(bench.path / "four").keys()
    await bench.create("five", python, tool)
    bench.assert_equal("four", "five")


async def test_packages_that_bring_the_same_file_are_settled_as_ever(bench: Bench) -> None:
    one, rival = plain(bench), plain(bench, "rival", **{"lib/plain/f3": "mine", "lib/plain/f4": "mine"})
    blocked = bench.add(make_package("blocked", files={"lib/rival": "a file where others need a directory"}))
    await bench.create("alone", one)
    await bench.create("rival alone", rival)
    for number, wanted in enumerate(([one, rival], [rival, one], [one, rival, blocked], [blocked, rival, one])):
        await bench.create(f"{number} new", *wanted, kept=False)
        await bench.create(f"{number} kept", *wanted)
        bench.assert_equal(f"{number} new", f"{number} kept")


def cut(package: CachedPackage) -> None:
    path = kept_file(package)
    path.write_bytes(path.read_bytes()[:-5])


def empty(package: CachedPackage) -> None:
    kept_file(package).write_bytes(b"")


def nonsense(package: CachedPackage) -> None:
    kept_file(package).write_bytes(b"\0" * 7 + b"\3" + b"\xc1\xc1\xc1")


def endless(package: CachedPackage) -> None:
    kept_file(package).write_bytes(b"\xff" * 40)


def other_list(package: CachedPackage) -> None:
    os.utime(Path(package.directory, "info", "paths.json"))


def linked_elsewhere(package: CachedPackage) -> None:
    path = kept_file(package)
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize("damage", [cut, empty, nonsense, endless, other_list, linked_elsewhere])
async def test_what_is_broken_or_of_another_list_is_made_anew(
    bench: Bench, damage: Callable[[CachedPackage], None]
) -> None:
    package = plain(bench)
    await bench.create("one", package)
    damage(package)
    await bench.create("two", package)
    assert bench.read == ["plain"]
    bench.assert_equal("one", "two")
    await bench.create("three", package)
    assert bench.read == []
    bench.assert_equal("one", "three")


UNSAFE = {
    "a directory above": {"groups": [["", "../out", ["f0"], [1]]], "needed_dirs": ["../out"]},
    "a directory that is not made": {"groups": [["", "/out", ["f0"], [1]]]},
    "an absolute directory": {"needed_dirs": ["/out"]},
    "a name with a slash": {"groups": [["", "lib", ["../../f"], [1]]], "needed_dirs": ["lib"]},
    "the name of the directory above": {"groups": [["", "lib", [".."], [1]]], "needed_dirs": ["lib"]},
    "a source above": {"groups": [["../other", "lib", ["f"], [1]]], "needed_dirs": ["lib"]},
    "fewer sizes than names": {"groups": [["", "lib", ["f", "g"], [1]]], "needed_dirs": ["lib"]},
    "records of packages": {"groups": [["", "conda-meta", ["x.json"], [1]]], "needed_dirs": ["conda-meta"]},
    "a script elsewhere": {"scripts": [["../../x", "m", "f"]]},
    "byte code elsewhere": {"compiled": [["../out", ["1"], ["x.pyc"], [1]]]},
    "a rewritten file elsewhere": {"rewrites": [[{"_path": "f"}, "../f"]]},
}


@pytest.mark.parametrize("case", UNSAFE)
async def test_a_plan_that_leads_out_of_the_prefix_is_not_believed(bench: Bench, case: str) -> None:
    package = plain(bench)
    await bench.create("one", package)
    fields = {**UNSAFE[case]}
    for name in fields.keys() & {"groups", "scripts"}:
        kind = Layout.__annotations__[name]
        fields[name] = (
            [EntryPoint(*one) for one in fields[name]] if name == "scripts" else msgspec.convert(fields[name], kind)
        )
    rewrite(package, **fields)
    await bench.create("two", package)
    assert bench.read == ["plain"]
    bench.assert_equal("one", "two")
    assert sorted(os.listdir(bench.path)) == ["one", "pkgs", "two"]


async def test_a_lost_file_of_the_cache_is_noticed(bench: Bench) -> None:
    package = plain(bench)
    await bench.create("one", package)
    Path(package.directory, "lib", "plain", "f7").write_text("longer than before")
    with pytest.raises(Exception, match="f7 is not in the package cache"):
        await bench.create("two", package)


async def test_a_cache_that_cannot_be_written_keeps_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    package = plain(bench)
    monkeypatch.setattr("engine.system.file_io.temporary", lambda path: f"{path}/not/there")
    await bench.create("one", package)
    assert os.listdir(Path(package.directory, "info", "whipsnake")) == []


@pytest.mark.parametrize("refused", [True, False])
def test_ranges_are_copied_without_the_system_too(
    refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "sendfile", refuse, raising=False)
    monkeypatch.setattr(disk.sys, "platform", "linux" if refused else "darwin")
    (tmp_path / "source").write_bytes(bytes(range(256)) * 10_000)
    with open(tmp_path / "source", "rb", buffering=0) as source, open(tmp_path / "target", "wb", buffering=0) as target:
        target.write(b"head")
        disk.copy_range(source, target, 1, 2_000_001)
        with pytest.raises(OSError, match="Input/output"):
            disk.copy_range(source, target, 0, 3_000_000)
    assert (tmp_path / "target").read_bytes()[:2_000_004] == b"head" + (bytes(range(256)) * 10_000)[1:2_000_001]


async def test_a_package_cannot_bring_a_plan(bench: Bench) -> None:
    package = plain(bench)
    await bench.create("one", package)
    plan, own = kept_file(package).read_bytes(), Path(package.directory, "info", "paths.json")
    facts, text = own.stat(), own.read_bytes()
    own.unlink()
    own.write_bytes(text)  # as when its archive is unpacked again, with the plan and with the times of its making
    os.utime(own, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    kept_file(package).write_bytes(plan)
    await bench.create("two", package)
    assert bench.read == ["plain"]
