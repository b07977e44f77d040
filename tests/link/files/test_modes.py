"""Hard link, reflink, copy, soft link: what is chosen, and what lands."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StorageError
from engine.link.files import modes as modes_module
from engine.link.files.modes import Mode, Modes, copy_file, create
from engine.link.packages import linker as package_module
from engine.link.request import LinkOptions
from tests.kit.package import File, Symlink, make_package
from tests.kit.tree import tree
from tests.link.support import Recorder, cached
from tests.link.support import create as create_prefix

FILES = {"bin/x": File("run", mode=0o755), "lib/y": "y", "lib/z": Symlink("y"), "lib/r": File("r", mode=0o444)}


def refuse(code: int) -> Any:
    def link(source: str, *args: Any, **kwargs: Any) -> None:
        raise OSError(code, os.strerror(code), source)

    return link


@pytest.fixture
def package(tmp_path: Path) -> str:
    return cached(make_package("p", files=FILES), tmp_path / "pkgs").directory


def choose(tmp_path: Path, package: str, report: Recorder, **options: bool) -> Mode:
    (tmp_path / "staging").mkdir(exist_ok=True)
    return Modes(str(tmp_path / "staging"), LinkOptions(**options), report).choose(package)


def test_hard_links_are_first_choice(tmp_path: Path, package: str) -> None:
    assert choose(tmp_path, package, Recorder()) is Mode.HARD
    assert os.listdir(tmp_path / "staging") == [], "the probe must be gone"
    assert choose(tmp_path, package, Recorder(), always_softlink=True) is Mode.SOFT


@pytest.mark.parametrize("reflinks", [False, True])
def test_where_hard_links_fail(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch, reflinks: bool) -> None:
    monkeypatch.setattr(modes_module.os, "link", refuse(errno.EXDEV))
    monkeypatch.setattr(modes_module, "_clone", lambda *_: reflinks)
    recorder = Recorder()
    assert choose(tmp_path, package, recorder) is (Mode.REFLINK if reflinks else Mode.COPY)
    assert choose(tmp_path, package, Recorder(), always_copy=True) is (Mode.REFLINK if reflinks else Mode.COPY)
    if not reflinks:
        assert "can't be hard-linked" in recorder.notices("info")[0]
        assert choose(tmp_path, package, Recorder(), allow_softlinks=True) is Mode.SOFT


def test_probed_once_for_each_pair(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = cached(make_package("q", files=FILES), tmp_path / "pkgs").directory
    calls: list[str] = []
    monkeypatch.setattr(modes_module.os, "link", lambda source, target: calls.append(source))
    found = Modes(str(tmp_path), LinkOptions(), Recorder())
    assert {found.choose(package), found.choose(other)} == {Mode.HARD} and len(calls) == 1


def test_link_types_are_those_of_conda() -> None:
    assert [mode.link_type for mode in (Mode.HARD, Mode.SOFT, Mode.COPY, Mode.REFLINK)] == [1, 2, 3, 3]


@pytest.mark.parametrize("ranged", [True, False])
def test_copies_keep_mode_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranged: bool) -> None:
    if not ranged:
        monkeypatch.setattr(modes_module.os, "copy_file_range", refuse(errno.EXDEV), raising=False)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(os.urandom(300_000))
    source.chmod(0o751)
    os.utime(source, ns=(5, 1_600_000_000_123_456_789))
    assert copy_file(str(source), str(target)) is False
    assert target.read_bytes() == source.read_bytes()
    assert (target.stat().st_mode, target.stat().st_mtime_ns) == (source.stat().st_mode, source.stat().st_mtime_ns)
    with pytest.raises(FileExistsError):
        copy_file(str(source), str(target))


def test_a_link_is_copied_as_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("nowhere")
    copy_file(str(tmp_path / "a"), str(tmp_path / "b"))
    assert os.readlink(tmp_path / "b") == "nowhere"


def test_permissions_are_exact_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        os.close(create(str(tmp_path / "a"), 0o100666))
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o666
    os.close(create(str(tmp_path / "b"), 0o104755))
    assert (tmp_path / "b").stat().st_mode & 0o7777 == 0o755, "set-user-id bits don't pass"


@pytest.mark.anyio
@pytest.mark.parametrize("options", [{}, {"always_copy": True}, {"always_softlink": True}], ids=str)
async def test_every_mode_gives_the_same_tree(tmp_path: Path, options: dict[str, bool]) -> None:
    package = cached(make_package("p", files=FILES), tmp_path / "pkgs")
    summary = await create_prefix(tmp_path / "env", [package], **options)
    if "always_softlink" not in options:
        found = tree(tmp_path / "env", skip=lambda path: path == "conda-meta")
        assert found == {path: entry for path, entry in tree(package.directory).items() if not path.startswith("info/")}
    assert (tmp_path / "env/bin/x").read_text() == "run"
    record = json.loads((tmp_path / "env/conda-meta" / f"{package.record.dist}.json").read_bytes())
    expected = {"": (1, 3, 0, 1), "always_copy": (3, 0, 3, 1), "always_softlink": (2, 0, 0, 4)}[next(iter(options), "")]
    counts = (record["link"]["type"], summary.hardlinked, summary.copied + summary.reflinked, summary.softlinked)
    assert counts == expected


@pytest.mark.anyio
@pytest.mark.parametrize("code", [errno.EMLINK, errno.EXDEV, errno.EPERM])
async def test_a_single_file_that_cannot_be_linked_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    package = cached(make_package("p", files=FILES), tmp_path / "pkgs")
    real = os.link

    def link(source: str, target: str, **kwargs: Any) -> None:
        if os.path.basename(source) == "y":
            raise OSError(code, os.strerror(code), source)
        real(source, target, **kwargs)

    monkeypatch.setattr(package_module.os, "link", link)
    monkeypatch.setattr(package_module, "LINK_AT", True)
    summary = await create_prefix(tmp_path / "env", [package])
    assert (summary.hardlinked, summary.copied) == (2, 1)
    assert (tmp_path / "env/lib/y").read_text() == "y"


@pytest.mark.anyio
async def test_other_failures_of_linking_are_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = cached(make_package("p", files=FILES), tmp_path / "pkgs")
    modes = modes_module.Modes.choose
    monkeypatch.setattr(modes_module.Modes, "choose", lambda self, path: modes(self, path) and Mode.HARD)
    monkeypatch.setattr(package_module.os, "link", refuse(errno.ENOSPC))
    with pytest.raises(StorageError, match="No space"):
        await create_prefix(tmp_path / "env", [package])
    assert not (tmp_path / "env").exists()
