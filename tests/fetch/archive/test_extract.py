from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from engine.errors import ArchiveError, UnsafeArchive
from engine.fetch.archive import extract as extract_module
from engine.fetch.archive import handles
from engine.fetch.archive.conda_zip import NotStreamable
from engine.fetch.archive.extract import Contents, ExtractOptions, extract
from engine.fetch.archive.members import Budget, Limits, read_conda_file, read_package
from engine.fetch.archive.verify import check_contents
from tests.kit import evil, privilege
from tests.kit.archive import Member
from tests.kit.package import File, Symlink, make_package
from tests.kit.shared import needs_shared, real_packages
from tests.kit.tree import Entry, tree

NO_TARGET = "a soft link without a target"
BROKEN_PACKAGES = {
    "zlib-1.2.11-h7b6447c_3.conda": NO_TARGET,
    "zlib-1.2.11-h7b6447c_3.tar.bz2": "declared as a softlink with 133384 bytes, found a file with 0 bytes",
    "zlib-1.2.11-h1de35cc_3.conda": NO_TARGET,
    "zlib-1.2.11-h1de35cc_3.tar.bz2": "declared as a softlink with 100996 bytes, found a file with 0 bytes",
}
"""Packed on Windows from an unpacked tree, it seems: their soft links lost their targets."""


def unpack(data: bytes, name: str, target: Path, options: ExtractOptions | None = None) -> Contents:
    """Unpack and verify an archive."""
    target.mkdir()
    root = handles.open_directory(str(target))
    budget = Budget(Limits(), len(data))
    try:
        try:
            contents = extract(read_package([data], name, budget), root, budget, options or ExtractOptions())
        except NotStreamable:
            complete = target.parent / name
            complete.write_bytes(data)
            with complete.open("rb") as file:
                contents = extract(read_conda_file(file, budget), root, budget, options or ExtractOptions())
        check_contents(contents, root)
        return contents
    finally:
        handles.close(root)


@pytest.mark.parametrize("format", [".conda", ".tar.bz2"])
def test_copies_stand_for_soft_links_that_windows_refuses(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "symlink", privilege.refuse)
    links = {"bin/a": Symlink("../lib/b"), "lib/b": Symlink("c"), "lib/c": "content"}
    built = make_package("tool", files=links, format=format)
    contents = unpack(built.data, built.fn, tmp_path / "tree", ExtractOptions(digests=True))
    assert not contents.softlinks and contents.digests["bin/a"] == contents.digests["lib/c"]
    assert [(tmp_path / "tree" / path).read_text() for path in links] == ["content"] * 3


@pytest.mark.parametrize("target", ["nowhere", "../lib", "a"])
def test_what_can_not_be_copied_is_refused_with_a_hint(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "symlink", privilege.refuse)
    built = make_package("tool", files={"bin/a": Symlink(target), "lib/c": "content"})
    with pytest.raises(ArchiveError, match="lets only some users make") as caught:
        unpack(built.data, built.fn, tmp_path / "tree")
    assert "developer mode" in str(caught.value.hint)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def _as_ours(entry: Entry) -> Entry:
    """py-rattler takes writing by group and others from the archive; we don't where the umask forbids it."""
    return Entry(entry.kind, entry.mode & ~0o022, entry.content)


@needs_shared
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("path", real_packages(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_packages_become_what_rattler_makes_of_them(path: Path, tmp_path: Path) -> None:
    streaming = pytest.importorskip("rattler.package_streaming")
    if path.name in BROKEN_PACKAGES:
        with pytest.raises(Exception, match=BROKEN_PACKAGES[path.name]):
            unpack(path.read_bytes(), path.name, tmp_path / "ours")
        return
    unpack(path.read_bytes(), path.name, tmp_path / "ours", ExtractOptions(digests=True))
    streaming.extract(path, tmp_path / "theirs")
    theirs = {name: _as_ours(entry) for name, entry in tree(tmp_path / "theirs").items()}
    assert tree(tmp_path / "ours") == theirs


@pytest.mark.parametrize(("case", "format"), list(evil.each(evil.UNSAFE)), ids=str)
def test_what_wants_out_is_refused(case: evil.Case, format: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    package = case.build(format)
    with pytest.raises(UnsafeArchive):
        unpack(package.data, package.fn, outside / "target")
    assert os.listdir(outside) == ["target"]
    assert not os.path.lexists(f"/tmp/{evil.CANARY}")


@pytest.mark.parametrize(("case", "format"), list(evil.each(evil.ODD)), ids=str)
def test_unusual_but_sound_ones_are_unpacked(case: evil.Case, format: str, tmp_path: Path) -> None:
    package = case.build(format)
    unpack(package.data, package.fn, tmp_path / "target")
    assert (tmp_path / "target/share/evil/text").read_text() == "text\n" * 100


@pytest.mark.parametrize(("case", "format"), list(evil.each(evil.AMBIGUOUS)), ids=str)
def test_ambiguous_ones_are_read_or_refused(case: evil.Case, format: str, tmp_path: Path) -> None:
    package = case.build(format)
    try:
        unpack(package.data, package.fn, tmp_path / "target")
    except Exception as error:
        assert type(error).__module__.startswith("engine."), error


@pytest.mark.usefixtures("umask")
def test_modes_times_and_kinds(tmp_path: Path) -> None:
    files = {
        "bin/run": File("#!/bin/sh\n", mode=0o755),
        "bin/suid": File("x", mode=0o4755),
        "etc/open": File("x", mode=0o666),
        "etc/fixed": File("x", mode=0o444),
        "link": Symlink("bin/run"),
    }
    package = make_package("p", files=files)
    unpack(package.data, package.fn, tmp_path / "target")
    found = {name: entry.mode for name, entry in tree(tmp_path / "target").items() if not name.startswith("info/")}
    assert found == {"bin/run": 0o755, "bin/suid": 0o755, "etc/open": 0o644, "etc/fixed": 0o444, "link": 0}
    with tarfile.open(fileobj=io.BytesIO(make_package("p", files=files, format=".tar.bz2").data)) as slow:
        assert (tmp_path / "target/bin/run").stat().st_mtime == slow.getmember("bin/run").mtime
    assert os.readlink(tmp_path / "target/link") == "bin/run"


def test_a_strict_umask_does_not_make_packages_unreadable_to_others(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        package = make_package("p", files={"f": File("x", mode=0o644)})
        unpack(package.data, package.fn, tmp_path / "target")
    finally:
        os.umask(before)
    assert (tmp_path / "target/f").stat().st_mode & 0o777 == 0o644


def with_members(*extra: Member) -> bytes:
    return evil.with_members(*extra)(".tar.bz2")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([Member("share/evil/text/below", b"x")], "both as a file and as a directory"),
        ([Member("share/evil", b"x")], "twice"),
        ([Member("l", kind=tarfile.SYMTYPE, target="x"), Member("l", b"x")], "write through"),
        ([Member("h", kind=tarfile.LNKTYPE, target="nowhere")], "no earlier file"),
        ([Member("x" * 300, b"x")], "can't be written here"),
        ([Member("info/paths.json", b"{")], "paths.json is broken"),
    ],
)
def test_clashes_are_refused(members: list[Member], message: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=message):
        unpack(with_members(*members), "evil.tar.bz2", tmp_path / "target")


def test_a_later_member_of_the_same_kind_wins(tmp_path: Path) -> None:
    data = with_members(
        Member("a", b"first"), Member("a", b"second!"), Member("l", kind=tarfile.SYMTYPE, target="x"),
        Member("l", kind=tarfile.SYMTYPE, target="y"), Member("h", kind=tarfile.LNKTYPE, target="a"),
    )  # fmt: skip
    contents = unpack(data, "evil.tar.bz2", tmp_path / "target")
    assert (tmp_path / "target/h").read_text() == "second!"
    assert contents.files["h"] == 7
    assert contents.softlinks["l"] == os.readlink(tmp_path / "target/l") == "y"


def test_few_directories_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract_module, "handles_allowed", lambda: 4)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    members = [Member(f"d{n}/e/f", str(n).encode()) for n in range(30)]
    members += [Member(f"h{n}/e/f", kind=tarfile.LNKTYPE, target=f"d{n}/e/f") for n in range(30)]
    unpack(with_members(*members), "evil.tar.bz2", tmp_path / "target")
    assert (tmp_path / "target/h29/e/f").read_text() == "29"
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_without_hard_links_there_are_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    member = Member("h", kind=tarfile.LNKTYPE, target="bin/evil")
    unpack(with_members(member), "evil.tar.bz2", tmp_path / "target")
    found = tree(tmp_path / "target")
    assert found["h"] == found["bin/evil"]


def test_links_out_may_be_allowed(tmp_path: Path) -> None:
    data = with_members(Member("l", kind=tarfile.SYMTYPE, target="/usr/share/zoneinfo"))
    unpack(data, "evil.tar.bz2", tmp_path / "target", ExtractOptions(external_links=True))
    assert os.readlink(tmp_path / "target/l") == "/usr/share/zoneinfo"


def test_what_the_package_says_of_its_size_is_a_limit(tmp_path: Path) -> None:
    package = make_package("p", files={"a": bytes(3000)}, format=".tar.bz2")
    budget = Budget(Limits(floor=400_000))
    tmp_path.joinpath("t").mkdir()
    root = handles.open_directory(str(tmp_path / "t"))

    def members() -> Iterable[object]:
        yield from read_package([package.data], package.fn, budget)
        list(budget.plain([bytes(110_000)]))

    with pytest.raises(UnsafeArchive, match="that it may have"):
        extract(members(), root, budget, ExtractOptions())  # type: ignore[arg-type]
    handles.close(root)


@pytest.mark.skipif(os.name == "nt", reason="no such limit")
@pytest.mark.parametrize(("limit", "allowed"), [(20, 1), (64, 1), (256, 25), (1024, 48), (1 << 20, 48), (None, 48)])
def test_few_handles_where_few_files_may_be_open(
    limit: int | None, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    told = resource.RLIM_INFINITY if limit is None else limit  # -1, and a great number from Python 3.15 on
    monkeypatch.setattr("resource.getrlimit", lambda _: (told, told))
    assert extract_module.handles_allowed.__wrapped__() == allowed
