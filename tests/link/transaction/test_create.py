"""Making an environment: what lands, and that a failure leaves nothing."""

# ruff: noqa: ASYNC221, ASYNC240 - the tests look at the disk themselves, while nothing else runs

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.errors import LinkError, PlaceholderError, PrefixError, ScriptError, StorageError
from engine.events import Output, WorkFinished
from engine.link.prefix.meta import is_environment
from engine.link.prefix.present import read_prefix
from engine.link.transaction.create import create_prefix
from engine.link.transaction.recover import recover
from engine.model.records import CachedPackage
from tests.kit.package import PLACEHOLDER, Directory, File, Symlink, make_package
from tests.kit.tree import holds, tree
from tests.link.support import Recorder, cached, create, request_for, siblings, stream_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "pkgs"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "envs" / "test"


def hello(cache: Path, **fields: Any) -> CachedPackage:
    files = {
        "bin/hello": File(f"#!{PLACEHOLDER}/bin/sh\necho {PLACEHOLDER}\n", mode=0o755),
        "lib/libhello.so": File(b"\x7fELF\0" + PLACEHOLDER.encode() + b"/lib\0\0tail", mode=0o755),
        "lib/libhello.so.1": Symlink("libhello.so"),
        "share/hello/data": "plain",
        "share/hello/own": File("mine", no_link=True),
        "var/empty": Directory(),
    }
    return cached(make_package("hello", files=files, **fields), cache)


async def test_everything_lands(prefix: Path, cache: Path) -> None:
    package = hello(cache)
    recorder = Recorder()
    summary = await create(prefix, [package], report=recorder)
    found = tree(prefix, skip=lambda path: path == "conda-meta")
    assert set(found) == {"bin/hello", "lib/libhello.so", "lib/libhello.so.1", "share/hello/data", "share/hello/own"}
    assert (prefix / "var" / "empty").is_dir()
    assert (prefix / "bin" / "hello").read_text() == f"#!{prefix}/bin/sh\necho {prefix}\n"
    binary = (prefix / "lib" / "libhello.so").read_bytes()
    assert binary == b"\x7fELF\0" + f"{prefix}/lib".encode().ljust(len(PLACEHOLDER) + 4, b"\0") + b"\0\0tail"
    assert (prefix / "bin" / "hello").stat().st_mode & 0o777 == 0o755
    assert os.path.samefile(prefix / "share/hello/data", f"{package.directory}/share/hello/data")
    assert not os.path.samefile(prefix / "share/hello/own", f"{package.directory}/share/hello/own")
    assert (summary.hardlinked, summary.copied, summary.softlinked, summary.rewritten) == (1, 1, 1, 2)
    assert summary.files == 5 and summary.bytes > 0
    assert not holds(prefix, PLACEHOLDER.encode()) or set(holds(prefix, PLACEHOLDER.encode())) == {
        f"conda-meta/{package.record.dist}.json"  # which names the placeholder, as conda's records do
    }
    assert not holds(prefix, b"whipsnake-")
    assert siblings(prefix) == []
    assert next(event for event in recorder.events if isinstance(event, WorkFinished)).files == 5


async def test_conda_meta(prefix: Path, cache: Path) -> None:
    package = hello(cache)
    await create(prefix, [package], requested={"hello": ("hello >=1",)}, update_specs=("hello >=1",))
    assert set(os.listdir(prefix / "conda-meta")) == {f"{package.record.dist}.json", "history"}
    record = json.loads((prefix / "conda-meta" / f"{package.record.dist}.json").read_bytes())
    assert record["requested_specs"] == ["hello >=1"]
    assert record["link"] == {"source": package.directory, "type": 1}
    assert record["extracted_package_dir"] == package.directory
    assert record["license"] == "BSD-3-Clause"
    data = read_prefix(str(prefix))
    assert [entry.name for entry in data.records] == ["hello"]
    assert data.history[0].update_specs == ("hello >=1",)
    assert data.history[0].linked == (f"conda-forge/linux-64::{package.record.dist}",)


async def test_another_prefix_can_be_baked_in(prefix: Path, cache: Path) -> None:
    await create(prefix, [hello(cache)], baked_prefix="/opt/final")
    assert (prefix / "bin" / "hello").read_text() == "#!/opt/final/bin/sh\necho /opt/final\n"


async def test_registration(prefix: Path, cache: Path, tmp_path: Path) -> None:
    registry = tmp_path / "home" / ".conda" / "environments.txt"
    await create(prefix, [hello(cache)], registry=str(registry))
    assert registry.read_text() == f"{prefix}\n"


async def test_no_packages_make_an_empty_environment(prefix: Path) -> None:
    await create(prefix, [])
    assert is_environment(str(prefix)) and os.listdir(prefix) == ["conda-meta"]


async def test_an_empty_directory_is_taken(prefix: Path, cache: Path) -> None:
    prefix.mkdir(parents=True)
    await create(prefix, [hello(cache)])
    assert is_environment(str(prefix)) and siblings(prefix) == []


async def test_a_link_to_an_empty_directory_is_filled(prefix: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    prefix.parent.mkdir()
    prefix.symlink_to(tmp_path / "elsewhere")
    await create(prefix, [hello(cache)])
    assert prefix.is_symlink() and is_environment(str(tmp_path / "elsewhere"))
    assert sorted(os.listdir(prefix)) == ["bin", "conda-meta", "lib", "share", "var"]


@pytest.mark.parametrize("kind", ["file", "full", "environment"])
async def test_what_is_there_is_not_touched(prefix: Path, cache: Path, kind: str) -> None:
    prefix.parent.mkdir()
    if kind == "file":
        prefix.write_text("mine")
    elif kind == "full":
        prefix.mkdir()
        (prefix / "mine").write_text("mine")
    else:
        await create(prefix, [])
    before = tree(prefix.parent)
    with pytest.raises(PrefixError):
        await create(prefix, [hello(cache)])
    assert tree(prefix.parent) == before


async def test_replacing_an_environment(prefix: Path, cache: Path) -> None:
    await create(prefix, [cached(make_package("old", files={"old": "old"}), cache)])
    await create(prefix, [hello(cache)], replace=True)
    assert not (prefix / "old").exists() and (prefix / "bin" / "hello").exists()
    assert len(read_prefix(str(prefix)).history) == 1
    assert siblings(prefix) == []


def too_long(cache: Path) -> CachedPackage:
    return cached(make_package("short", files={"lib/x": File(b"\0/short\0", placeholder="/short")}), cache)


async def test_a_prefix_too_long_is_refused_with_all_numbers(prefix: Path, cache: Path) -> None:
    with pytest.raises(PlaceholderError, match=r"short-1\.0-.* lib/x .* 6 bytes") as caught:
        await create(prefix, [hello(cache), too_long(cache)])
    assert str(len(str(prefix))) in caught.value.message and caught.value.hint
    assert not prefix.parent.exists()


async def test_a_failure_keeps_the_replaced_environment(prefix: Path, cache: Path) -> None:
    await create(prefix, [hello(cache)])
    before = tree(prefix)
    with pytest.raises(PlaceholderError):
        await create(prefix, [too_long(cache)], replace=True)
    assert tree(prefix) == before and siblings(prefix) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_a_full_disk_leaves_nothing(
    prefix: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(path: str, *args: Any) -> int:
        raise OSError(code, os.strerror(code), path)

    monkeypatch.setattr("engine.link.files.special.create", full)
    with pytest.raises(StorageError, match="link hello-") as caught:
        await create(prefix, [hello(cache)])
    assert caught.value.data["errno"] == errno.errorcode[code]
    assert not prefix.parent.exists()


async def test_a_damaged_cache_is_named(prefix: Path, cache: Path) -> None:
    package = hello(cache)
    Path(package.directory, "share/hello/data").unlink()
    with pytest.raises(LinkError, match=r"share/hello/data.*package cache") as caught:
        await create(prefix, [package])
    assert "clean" in (caught.value.hint or "")
    assert not prefix.parent.exists()


async def test_packages_that_do_not_come(prefix: Path, cache: Path) -> None:
    package = hello(cache)
    with pytest.raises(LinkError, match="did not arrive"):
        await create_prefix(request_for(prefix, [package]), stream_of([]), Recorder())
    assert not prefix.parent.exists()


async def test_cancelling_leaves_nothing(prefix: Path, cache: Path) -> None:
    send, receive = anyio.create_memory_object_stream[CachedPackage](1)
    package = hello(cache)
    with send, anyio.move_on_after(0.2) as scope:
        send.send_nowait(package)
        await create_prefix(request_for(prefix, [package]), receive, Recorder())
    assert scope.cancelled_caught
    assert not prefix.parent.exists()


def scripted(cache: Path, script: str, action: str = "post-link", name: str = "scripted") -> CachedPackage:
    return cached(make_package(name, "2.5", build_number=7, link_scripts={action: script}), cache)


async def test_post_link_scripts_see_the_final_prefix(prefix: Path, cache: Path) -> None:
    said = '"$PREFIX" "$PKG_NAME $PKG_VERSION $PKG_BUILDNUM" "$ROOT_PREFIX" "${PATH%%:*}"'
    text = f'printf "%s\\n" {said} > "$PREFIX/said"\n'
    recorder = Recorder()
    package = scripted(cache, text + 'echo "read me" > $PREFIX/.messages.txt\n')
    summary = await create(prefix, [package], report=recorder, root_prefix="/root-prefix")
    assert (prefix / "said").read_text().splitlines() == [
        str(prefix),
        "scripted 2.5 7",
        "/root-prefix",
        f"{prefix}/bin",
    ]
    assert summary.messages == ("read me",)
    assert Output("scripted", "read me") in recorder.events
    assert not (prefix / ".messages.txt").exists()
    assert set(os.listdir(prefix / "conda-meta")) == {f"{package.record.dist}.json", "history"}


async def test_scripts_can_be_left_out(prefix: Path, cache: Path) -> None:
    recorder = Recorder()
    await create(prefix, [scripted(cache, "exit 1\n")], report=recorder, run_link_scripts=False)
    assert is_environment(str(prefix))
    assert any("was not run" in text for text in recorder.notices("info"))


async def test_scripts_of_another_system_are_named_and_left_out(prefix: Path, cache: Path) -> None:
    recorder = Recorder()
    files = {"Scripts/.scripted-post-link.bat": "exit 1", "bin/.scripted-post-link.sh": "exit 1"}
    package = cached(make_package("scripted", "2.5", subdir="win-64", files=files), cache)
    await create(prefix, [package], report=recorder, platform="win-64")
    assert is_environment(str(prefix)) and (prefix / "Scripts/.scripted-post-link.bat").exists()
    assert recorder.notices("warning") == [
        f"The post-link script of {package.record.dist} was not run: it is for win-64."
    ]


@pytest.mark.parametrize("action", ["post-link", "pre-link"])
async def test_a_failing_script_leaves_nothing(prefix: Path, cache: Path, action: str) -> None:
    script = "echo to stdout; echo to stderr >&2; echo a message > $PREFIX/.messages.txt; exit 3\n"
    with pytest.raises(ScriptError, match="exit code 3") as caught:
        await create(prefix, [hello(cache), scripted(cache, script, action)])
    for said in ("to stdout", "to stderr", "a message"):
        assert said in caught.value.message
    assert not prefix.parent.exists()


async def test_a_failing_script_brings_the_old_environment_back(prefix: Path, cache: Path) -> None:
    await create(prefix, [hello(cache)])
    before = tree(prefix)
    with pytest.raises(ScriptError):
        await create(prefix, [scripted(cache, "exit 1\n")], replace=True)
    assert tree(prefix) == before and siblings(prefix) == []


async def test_scripts_run_in_link_order(prefix: Path, cache: Path) -> None:
    packages = [scripted(cache, 'echo $PKG_NAME >> "$PREFIX/order"\n', name=name) for name in "cab"]
    await create(prefix, packages, arrival=[2, 1, 0])
    assert (prefix / "order").read_text().split() == ["c", "a", "b"]


CHILD = """
import os, signal, sys
sys.path.insert(0, {root!r})
import anyio
from pathlib import Path
from engine.link.transaction import staging, create as create_module
from tests.link.support import cached, create
from tests.link.transaction.test_create import hello, scripted

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

where, prefix, cache = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
packages = [hello(cache), scripted(cache, "kill -9 $PPID\\n" if where == "script" else "true\\n")]
if where == "publish":
    create_module.publish = die
if where == "renamed":
    real = os.rename
    staging.exchange = lambda one, other: False
    os.rename = lambda old, new: (real(old, new), die() if ".old" in new else None)
anyio.run(lambda: create(prefix, packages, replace=True, environ=dict(os.environ)))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("where", ["publish", "script", "renamed"])
@pytest.mark.parametrize("replaced", [False, True])
async def test_sigkill_is_healed_by_the_next_run(prefix: Path, cache: Path, where: str, replaced: bool) -> None:
    if replaced:
        await create(prefix, [cached(make_package("old", files={"old": "old"}), cache)])
    elif where == "renamed":
        pytest.skip("nothing is moved away")
    before = tree(prefix) if replaced else {}
    hello(cache)
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", textwrap.dedent(CHILD.format(root=root)), where, str(prefix), str(cache)]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    recover(str(prefix))
    assert siblings(prefix) == []
    found = tree(prefix) if prefix.exists() else {}
    found.pop("conda-meta/.whipsnake.lock", None)  # the lock itself went with its holder
    assert found == before
    await create(prefix, [hello(cache)], replace=True)
    assert (prefix / "bin" / "hello").exists() and siblings(prefix) == []


@contextlib.asynccontextmanager
async def one_that_waits(prefix: Path, cache: Path, **options: Any) -> AsyncIterator[list[PrefixError]]:
    """While the context is open, a task makes the environment and waits for its package. Gives its failures."""
    send, receive = anyio.create_memory_object_stream[CachedPackage](1)
    package = hello(cache)
    failures: list[PrefixError] = []

    async def slow() -> None:
        try:
            await create_prefix(request_for(prefix, [package], **options), receive, Recorder())
        except PrefixError as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(slow)
        await anyio.sleep(0.1)
        yield failures
        async with send:
            await send.send(package)


@pytest.mark.parametrize("replace", [False, True])
async def test_two_at_once_for_one_place(prefix: Path, cache: Path, replace: bool) -> None:
    failures: list[PrefixError] = []

    async def second() -> None:
        try:
            await create(prefix, [], replace=replace)
        except PrefixError as error:
            failures.append(error)

    async with anyio.create_task_group() as group, one_that_waits(prefix, cache):
        group.start_soon(second)
        await anyio.sleep(0.3)
        assert len(siblings(prefix)) == 2, "one staging and its lock: the second one waits"
    assert [("there is one already" in error.message) for error in failures] == ([] if replace else [True])
    assert (prefix / "bin").exists() is not replace and siblings(prefix) == []


async def test_two_at_once_without_locks(prefix: Path, cache: Path) -> None:
    async with one_that_waits(prefix, cache, use_lockfiles=False) as failures:
        assert len(siblings(prefix)) == 1
        await create(prefix, [], use_lockfiles=False)
        assert len(siblings(prefix)) == 1, "the staging of the other one must stay"
    assert "meanwhile" in failures[0].message
    assert siblings(prefix) == [] and os.listdir(prefix) == ["conda-meta"]
