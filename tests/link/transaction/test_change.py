"""Changing an environment: the old state or the new one, whatever happens in between."""

# ruff: noqa: ASYNC221, ASYNC230, ASYNC240 - the tests look at the disk themselves, while nothing else runs

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.errors import FrozenError, LinkError, LockError, PlaceholderError, PrefixError, ScriptError, StorageError
from engine.link.prefix.present import read_prefix
from engine.link.prefix.removed import read_removed
from engine.link.transaction import journal as journal_module
from engine.link.transaction.recover import recover
from engine.model.records import CachedPackage, PrefixRecord
from tests.kit.layer import Layer
from tests.kit.package import PLACEHOLDER, Content, Directory, File, Symlink, make_package
from tests.kit.tree import Entry, tree
from tests.link.support import Recorder, cached, change, create

pytestmark = pytest.mark.anyio


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "pkgs"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "env"


def package(cache: Path, name: str, files: dict[str, Content], version: str = "1.0", **fields: Any) -> CachedPackage:
    return cached(make_package(name, version, files=files, **fields), cache)


def installed(prefix: Path, *names: str) -> list[PrefixRecord]:
    return [record for record in read_prefix(str(prefix)).records if record.name in names]


def files(prefix: Path) -> dict[str, Entry]:
    return tree(prefix, skip=lambda path: path == "conda-meta", dirs=True)


def meta(prefix: Path) -> list[str]:
    return sorted(name for name in os.listdir(prefix / "conda-meta") if name != ".whipsnake.lock")


async def test_install_update_remove(prefix: Path, cache: Path) -> None:
    await create(prefix, [package(cache, "a", {"a": "1", "d/old": "1"})])
    await change(prefix, [package(cache, "b", {"b": f"{PLACEHOLDER}"})], update_specs=("b",))
    assert (prefix / "b").read_text() == str(prefix)
    newer = package(cache, "a", {"a": "2", "e/new": "2"}, "2.0")
    await change(prefix, [newer], remove=installed(prefix, "a"))
    assert set(files(prefix)) == {"a", "b", "e", "e/new"} and (prefix / "a").read_text() == "2"
    await change(prefix, remove=installed(prefix, "b"), remove_specs=("b",))
    assert set(files(prefix)) == {"a", "e", "e/new"}
    assert meta(prefix) == ["a-2.0-h_0.json", "history", "whipsnake-removed.jsonl"]
    assert sorted(read_removed(str(prefix))) == ["a-1.0-h_0", "b-1.0-h_0"]
    history = read_prefix(str(prefix)).history
    assert [(len(one.linked), len(one.unlinked)) for one in history] == [(1, 0), (1, 0), (1, 1), (0, 1)]
    assert history[3].remove_specs == ("b",)


async def test_installing_over_the_same_name_replaces_it(prefix: Path, cache: Path) -> None:
    await create(prefix, [package(cache, "a", {"x": "1", "old": "1"})])
    await change(prefix, [package(cache, "a", {"x": "2"}, "2.0")])
    assert set(files(prefix)) == {"x"} and [record.version for record in installed(prefix, "a")] == ["2.0"]


async def test_reinstalling_mends(prefix: Path, cache: Path) -> None:
    one = package(cache, "a", {"x": "1", "y": "1"})
    await create(prefix, [one])
    (prefix / "x").unlink()
    (prefix / "y").unlink()
    (prefix / "y").write_text("broken")
    await change(prefix, [one], remove=installed(prefix, "a"))
    assert (prefix / "x").read_text() == (prefix / "y").read_text() == "1"
    assert meta(prefix) == ["a-1.0-h_0.json", "history"]


async def test_what_python_compiled_goes_too(prefix: Path, cache: Path) -> None:
    site = "lib/python3.12/site-packages"
    one = package(cache, "a", {f"{site}/m/a.py": "", f"{site}/m/b.py": ""})
    await create(prefix, [one, package(cache, "b", {f"{site}/b.py": ""})])
    for inner in (
        "m/__pycache__/a.cpython-312.pyc",
        "m/__pycache__/b.cpython-312.opt-1.pyc",
        "__pycache__/b.pypy39.pyc",
    ):
        (prefix / site / inner).parent.mkdir(exist_ok=True)
        (prefix / site / inner).write_bytes(b"")
    await change(prefix, remove=installed(prefix, "a"))
    assert set(tree(prefix / site)) == {"b.py", "__pycache__/b.pypy39.pyc"}
    assert not (prefix / site / "m").exists()


async def test_files_of_the_user_stay(prefix: Path, cache: Path) -> None:
    await create(prefix, [package(cache, "a", {"share/a/x": "1"})])
    (prefix / "share/a/mine").write_text("mine")
    await change(prefix, remove=installed(prefix, "a"))
    assert set(tree(prefix / "share")) == {"a/mine"}


async def test_a_clobbered_file_comes_back(prefix: Path, cache: Path) -> None:
    first = package(cache, "first", {"x": f"first {PLACEHOLDER}", "y": "first"})
    await create(prefix, [first, package(cache, "second", {"x": "second"}, depends=["first"])])
    assert (prefix / "x").read_text() == "second"
    await change(prefix, remove=installed(prefix, "second"))
    assert (prefix / "x").read_text() == f"first {prefix}"


async def test_a_file_that_comes_back_is_in_nobodys_way(prefix: Path, cache: Path) -> None:
    """CEP 32, "Removing a package": clobbered paths are restored, also where no new conflict is allowed."""
    await create(prefix, [package(cache, "first", {"x": "first"}), package(cache, "second", {"x": "second"})])
    recorder = Recorder()
    await change(prefix, remove=installed(prefix, "second"), report=recorder, prevent_conflicts=True)
    assert (prefix / "x").read_text() == "first"
    assert not recorder.notices()


async def test_a_clobbered_file_is_kept_if_the_cache_forgot_it(prefix: Path, cache: Path) -> None:
    first = package(cache, "first", {"x": "first"})
    await create(prefix, [first, package(cache, "second", {"x": "second"})])
    for path in Path(first.directory).rglob("*"):
        if path.is_file():
            path.unlink()
    recorder = Recorder()
    await change(prefix, remove=installed(prefix, "second"), report=recorder)
    assert (prefix / "x").read_text() == "second"
    assert "first-1.0" in recorder.notices()[0]


async def test_of_several_survivors_the_last_in_link_order_comes_back(prefix: Path, cache: Path) -> None:
    packages = [
        package(cache, "z", {"x": "z"}),
        package(cache, "a", {"x": "a"}, depends=["z"]),
        package(cache, "m", {"x": "m"}, depends=["a"]),
    ]
    await create(prefix, packages)
    await change(prefix, remove=installed(prefix, "m"))
    assert (prefix / "x").read_text() == "a"


async def test_files_in_the_way_give_way_with_a_warning(prefix: Path, cache: Path) -> None:
    await create(prefix, [package(cache, "a", {"x": "a", "dir/y": "a", "f": "a"})])
    (prefix / "mine").write_text("mine")
    recorder = Recorder()
    new = package(cache, "b", {"x": "b", "mine": "b", "dir": "b", "f/z": "b"})
    await change(prefix, [new], report=recorder)
    assert {path for path, entry in files(prefix).items() if entry.kind == "file"} == {"x", "mine", "dir", "f/z"}
    text = "\n".join(recorder.notices())
    assert "x, which a-1.0" in text and "mine, which belongs to no package" in text


async def test_kinds_may_change(prefix: Path, cache: Path) -> None:
    old = {"file/x": "1", "link": Symlink("file"), "dir": "1", "empty": Directory()}
    new = {"file": "2", "link/x": "2", "dir/x": "2"}
    await create(prefix, [package(cache, "a", old)])  # type: ignore[arg-type]
    await change(prefix, [package(cache, "a", new, "2")])  # type: ignore[arg-type]
    assert {path: (prefix / path).read_text() for path in new} == dict.fromkeys(new, "2")
    assert not (prefix / "link").is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="no overlayfs")
@pytest.mark.parametrize("fails", [False, True])
async def test_a_directory_of_an_image_gives_way_to_a_file(
    prefix: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """It can't be renamed; what a user had put there is moved, and comes back if the change is undone."""
    await create(prefix, [package(cache, "a", {"d/e/f": "1", "g": "1"})])
    (prefix / "d/e/mine").write_text("mine")
    before = files(prefix)
    layer = Layer(monkeypatch)
    layer.bring(prefix)
    scripts = {"post-link": "exit 1\n"} if fails else {}
    new = package(cache, "a", {"d": "now a file", "g": "2"}, "2.0", link_scripts=scripts)
    if fails:
        with pytest.raises(ScriptError):
            await change(prefix, [new], remove=installed(prefix, "a"))
    else:
        await change(prefix, [new], remove=installed(prefix, "a"))
    layer.forget()
    if fails:
        assert files(prefix) == before
    else:
        assert (prefix / "d").read_text() == "now a file"


async def test_what_was_written_through_a_link_goes_with_it(prefix: Path, cache: Path) -> None:
    old: dict[str, Content] = {"lib/x": "1", "lib64": Symlink("lib")}
    await create(prefix, [package(cache, "a", old), package(cache, "b", {"lib64/y": "2"}, depends=["a"])])
    assert (prefix / "lib" / "y").read_text() == "2"
    await change(prefix, remove=installed(prefix, "a", "b"))
    assert files(prefix) == {}


async def test_no_environment(prefix: Path, cache: Path) -> None:
    with pytest.raises(PrefixError, match="no environment"):
        await change(prefix, [package(cache, "a", {})])


@pytest.mark.parametrize(
    ("text", "reason"), [("", ""), ('{"message": "in use\\nsince May"}', "since May"), ("plain", "plain")]
)
async def test_frozen(prefix: Path, cache: Path, text: str, reason: str) -> None:
    await create(prefix, [])
    (prefix / "conda-meta" / "frozen").write_text(text)
    before = tree(prefix)
    with pytest.raises(FrozenError, match="frozen") as caught:
        await change(prefix, [package(cache, "a", {"x": "1"})])
    assert reason in caught.value.message and caught.value.hint
    assert {path: entry for path, entry in tree(prefix).items() if not path.endswith(".lock")} == before
    await change(prefix, [package(cache, "a", {"x": "1"})], override_frozen=True)
    assert (prefix / "x").exists()


async def test_a_second_process_waits_and_gives_up(prefix: Path, cache: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    await create(prefix, [])
    with open(prefix / "conda-meta" / ".whipsnake.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("4711\n")
        held.flush()
        recorder = Recorder()
        with pytest.raises(LockError, match="4711"):
            await change(prefix, [package(cache, "a", {})], lock_timeout=0.3, report=recorder)
        assert any("4711" in text for text in recorder.notices("info"))
        await change(prefix, [package(cache, "b", {"b": "b"})], use_lockfiles=False)
    assert (prefix / "b").exists()


def state(prefix: Path) -> dict[str, Entry]:
    return {path: entry for path, entry in tree(prefix, dirs=True).items() if not path.endswith(".lock")}


async def prepared(prefix: Path, cache: Path) -> list[CachedPackage]:
    """An environment, and a change of it with all that a change can have."""
    one = package(cache, "a", {"x": "1", "d/y": "1", "f/z": "1", "gone/q": "1"})
    await create(prefix, [one, package(cache, "k", {"k": "k"})])
    return to_come(cache)


def to_come(cache: Path) -> list[CachedPackage]:
    one = package(cache, "a", {"x": f"2{PLACEHOLDER}", "d": "2", "f/z/deep": "2", "new/n": "2"}, "2")
    return [one, package(cache, "k2", {"k": "k2"})]


@pytest.mark.parametrize("failing", range(0, 12, 1))
async def test_a_failing_rename_is_undone(
    prefix: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    packages = await prepared(prefix, cache)
    before = state(prefix)
    real, count = os.rename, iter(range(1000))

    def rename(old: str, new: str) -> None:
        if next(count) == failing:
            raise OSError(28, "No space left on device", old)
        real(old, new)

    monkeypatch.setattr(journal_module.os, "rename", rename)
    with pytest.raises(StorageError, match="No space"):
        await change(prefix, packages)
    monkeypatch.undo()
    assert state(prefix) == before


async def test_a_failing_script_undoes_the_change(prefix: Path, cache: Path) -> None:
    packages = await prepared(prefix, cache)
    before = state(prefix)
    bad = cached(make_package("bad", link_scripts={"post-link": "exit 1\n"}), cache)
    with pytest.raises(ScriptError):
        await change(prefix, [*packages, bad])
    assert state(prefix) == before


async def test_a_placeholder_too_short_changes_nothing(prefix: Path, cache: Path) -> None:
    await prepared(prefix, cache)
    before = state(prefix)
    with pytest.raises(PlaceholderError):
        await change(prefix, [package(cache, "s", {"lib/x": File(b"\0/short\0", placeholder="/short")})])
    assert state(prefix) == before


async def test_pre_unlink_runs_and_may_fail(prefix: Path, cache: Path) -> None:
    script = 'echo bye > "$PREFIX/said"; exit 1\n'
    await create(prefix, [cached(make_package("a", link_scripts={"pre-unlink": script}), cache)])
    recorder = Recorder()
    await change(prefix, remove=installed(prefix, "a"), report=recorder)
    assert (prefix / "said").read_text() == "bye\n" and installed(prefix, "a") == []
    assert "pre-unlink" in recorder.notices()[0]


CHILD = """
import os, signal, sys
sys.path.insert(0, {root!r})
import anyio
from pathlib import Path
from engine.link.transaction import change as change_module
from engine.link.transaction import journal
from tests.link.support import cached, change
from tests.link.transaction.test_change import to_come

prefix, cache, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
count = iter(range(1000))

def counted(real):
    def call(*args, **kwargs):
        if next(count) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call

real_do = journal.do_change
def do_change(*args):
    os.rename, os.mkdir = counted(os.rename), counted(os.mkdir)
    real_do(*args)
change_module.do_change = do_change
real_drop = journal.commit_change
def drop(*args):
    if step >= 900: os.kill(os.getpid(), signal.SIGKILL)
    real_drop(*args)
change_module.commit_change = drop
anyio.run(lambda: change(prefix, to_come(cache), environ=dict(os.environ)))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("step", [0, 1, 4, 7, 9, 11, 13, 900])
async def test_sigkill_anywhere_leaves_old_or_new(prefix: Path, cache: Path, step: int) -> None:
    await prepared(prefix, cache)
    before = state(prefix)
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", CHILD.format(root=root), str(prefix), str(cache), str(step)]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    note = recover(str(prefix))
    assert "undone" in (note or "")
    assert state(prefix) == before
    assert recover(str(prefix)) is None
    await change(prefix, await repeated(cache))
    assert (prefix / "x").read_text() == f"2{prefix}"


async def repeated(cache: Path) -> list[CachedPackage]:
    return [package(cache, "a", {"x": f"2{PLACEHOLDER}"}, "2")]


async def test_undoing_can_itself_be_cut_short(prefix: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`undo_change` is repeated with a failure at every step; in the end all is as before."""
    packages = await prepared(prefix, cache)
    before = state(prefix)
    monkeypatch.setattr("engine.link.transaction.change.commit_change", _die)
    monkeypatch.setattr("engine.link.transaction.change.undo_change", _die)
    monkeypatch.setattr("engine.link.transaction.change.remove_tree", lambda path: None)
    with pytest.raises(RuntimeError):
        await change(prefix, packages)
    monkeypatch.undo()
    real = os.rename
    for step in range(30):
        monkeypatch.setattr(journal_module.os, "rename", _failing_at(step, real))
        try:
            recover(str(prefix))
        except StorageError:
            continue
        finally:
            monkeypatch.undo()
        break
    assert state(prefix) == before


def _die(*args: object) -> None:
    raise RuntimeError("died")


def _failing_at(step: int, real: Callable[[str, str], None]) -> Callable[[str, str], None]:
    count = iter(range(1000))

    def rename(old: str, new: str) -> None:
        if next(count) == step:
            raise OSError(5, "Input/output error", old)
        real(old, new)

    return rename


async def test_a_hostile_record_touches_nothing_outside(prefix: Path, cache: Path, tmp_path: Path) -> None:
    await create(prefix, [package(cache, "a", {"x": "1"})])
    (tmp_path / "outside").write_text("mine")
    record = prefix / "conda-meta" / "a-1.0-h_0.json"
    text = record.read_text().replace('"files":["x"]', f'"files":["x","../outside","{tmp_path}/outside"]')
    assert "../outside" in text
    record.unlink()
    record.write_text(text)
    await change(prefix, remove=installed(prefix, "a"))
    assert (tmp_path / "outside").read_text() == "mine" and not (prefix / "x").exists()


WAYS_OUT: dict[str, tuple[dict[str, Content], dict[str, Content]]] = {
    "an old link": (
        {"out": Symlink("a/b/c/../../.."), "a/b/c": Symlink("../..")},
        {"out/CANARY": "x"},
    ),
    "conda-meta": ({"meta": Symlink("conda-meta")}, {"meta/forged.json": "{}"}),
    "a new link": (
        {"a/b/c/x": "x", "out": Symlink("a/b/c/../../..")},
        {"a/b/c": Symlink("../.."), "out/link": Symlink("x")},
    ),
    "a new link and a file": (
        {"a/b/c/x": "x", "out": Symlink("a/b/c/../../..")},
        {"a/b/c": Symlink("../.."), "out/CANARY": "x"},
    ),
}
"""Harmless one by one: where the second package writes depends on the links of both."""


@pytest.mark.parametrize("case", WAYS_OUT)
async def test_links_of_several_packages_lead_nowhere_else(tmp_path: Path, cache: Path, case: str) -> None:
    there, comes = WAYS_OUT[case]
    prefix = tmp_path / "1" / "2" / "3" / "env"
    first = package(cache, "first", {"x": "1"} if case == "an old link" else there)
    await create(prefix, [first])
    if case == "an old link":  # as it may have come about before this was refused
        for path, link in there.items():
            (prefix / path).parent.mkdir(parents=True, exist_ok=True)
            (prefix / path).symlink_to(link.target)  # type: ignore[union-attr]
        record = next((prefix / "conda-meta").glob("first-*.json"))
        record.write_text(record.read_text().replace('"files":["x"]', '"files":["x","out","a/b/c"]'))
    before = tree(tmp_path)
    second = package(cache, "second", comes)
    with pytest.raises((LinkError, StorageError)):
        await change(prefix, [second])
    found = {path: entry for path, entry in tree(tmp_path).items() if not path.startswith("pkgs/second-")}
    assert found == before


async def test_a_link_of_the_user_may_lead_anywhere(tmp_path: Path, prefix: Path, cache: Path) -> None:
    await create(prefix, [package(cache, "first", {"x": "1"})])
    (tmp_path / "elsewhere").mkdir()
    (prefix / "share").symlink_to(tmp_path / "elsewhere")
    await change(prefix, [package(cache, "second", {"share/data": "x", "share/link": Symlink("data")})])
    assert (tmp_path / "elsewhere" / "data").read_text() == "x" and (tmp_path / "elsewhere" / "link").is_symlink()


async def test_an_interrupted_script_leaves_no_messages(prefix: Path, cache: Path) -> None:
    await create(prefix, [package(cache, "first", {"x": "1"})])
    before = tree(prefix)
    script = 'echo half > "$PREFIX/.messages.txt"; touch "$PREFIX/../running"; sleep 60\n'
    slow = cached(make_package("slow", link_scripts={"post-link": script}), cache)
    async with anyio.create_task_group() as group:
        group.start_soon(change, prefix, [slow])
        with anyio.fail_after(10):
            while not (prefix.parent / "running").exists():  # noqa: ASYNC110 - another process makes it
                await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert tree(prefix) == before
