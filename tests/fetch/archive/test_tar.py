from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ArchiveError, UnsafeArchive
from engine.fetch.archive.tar import read_tar
from tests.fetch.feeding import WAYS, whole

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "softlink",
    tarfile.LNKTYPE: "hardlink",
}


def make(*members: tuple[tarfile.TarInfo, bytes], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mtime = kind, 1_500_000_000
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def read(pieces: Iterator[bytes]) -> list[tuple[object, ...]]:
    return [(m.path.rstrip("/"), m.kind, m.mode, m.mtime, m.target, b"".join(m.data)) for m in read_tar(pieces)]


def slow_read(data: bytes) -> list[tuple[object, ...]]:
    """The same by Python's tarfile."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for m in archive:
            opened = archive.extractfile(m) if m.isreg() else None
            body = opened.read() if opened else b""
            found.append((m.name, KINDS[m.type], m.mode, int(m.mtime), m.linkname, body))
    return found


LONG = "directory/" * 15 + "name" * 30
MEMBERS = [
    (info("short"), b"x" * 1000),
    (info("empty"), b""),
    (info("directory", tarfile.DIRTYPE, mode=0o755), b""),
    (info("link", tarfile.SYMTYPE, linkname="short"), b""),
    (info("hard", tarfile.LNKTYPE, linkname="short"), b""),
    (info(LONG, mode=0o4755), b"y" * 513),
    (info("long link", tarfile.SYMTYPE, linkname=LONG), b""),
    (info("big", mtime=2**35), b"z" * 20_000),
]


@pytest.mark.parametrize("feed", WAYS)
@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_agrees_with_tarfile(feed: Callable[[bytes], Iterator[bytes]], tar_format: int) -> None:
    data = make(*MEMBERS, tar_format=tar_format)
    assert read(feed(data)) == slow_read(data)


def test_ustar_prefix_and_v7() -> None:
    data = make((info("a/" * 60 + "b"), b"1"), tar_format=tarfile.USTAR_FORMAT)
    assert read(whole(data)) == slow_read(data)
    v7 = bytearray(make((info("old/", mode=0o755), b""), tar_format=tarfile.USTAR_FORMAT))
    v7[156] = 0
    v7[257:512] = bytes(255)
    v7[148:156] = b" " * 8
    v7[148:156] = b"%06o\0 " % sum(v7[:512])
    assert read(whole(bytes(v7))) == [("old", "directory", 0o755, 1_500_000_000, "", b"")]


def test_base_256_sizes_and_negative_times() -> None:
    data = make((info("f", mtime=-5), b"12345"), tar_format=tarfile.GNU_FORMAT)
    block = bytearray(data)
    block[124:136] = b"\x80" + (5).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    assert read(whole(bytes(block)))[0][2:] == (0o644, -5, "", b"12345")


def test_the_pax_size_governs_what_follows() -> None:
    """A reader that trusts the header's 0 would take the body, here a whole tar, for members (CVE-2025-62518)."""
    inner = make((info("smuggled"), b"evil"))
    data = bytearray(make((info("outer", pax_headers={"size": str(len(inner))}), inner)))
    header = data.rindex(b"outer", 0, data.index(inner))
    data[header + 124 : header + 136] = b"00000000000\0"
    data[header + 148 : header + 156] = b" " * 8
    data[header + 148 : header + 156] = b"%06o\0 " % sum(data[header : header + 512])
    assert [m[0] for m in read(whole(bytes(data)))] == ["outer"]


def test_what_follows_the_end_mark_is_not_read() -> None:
    data = make((info("a"), b"1"))
    assert [m[0] for m in read(iter([data, b"garbage" * 1000]))] == ["a"]


def test_unread_data_is_passed_over() -> None:
    assert [m.path.rstrip("/") for m in read_tar([make(*MEMBERS)])] == [m[0] for m in slow_read(make(*MEMBERS))]


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(kind: bytes) -> None:
    with pytest.raises(UnsafeArchive, match="which no package may hold"):
        read(whole(make((info("dev", kind), b""))))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too early"),
        (make(*MEMBERS)[:700], "too early"),
        (make((info("a"), b"1"))[:1024], "too early"),
        (b"x" * 1024, "checksum"),
        (make((info("s", pax_headers={"GNU.sparse.size": "5"}), b"12345")), "sparse"),
        (make((info("s", tarfile.GNUTYPE_SPARSE), b"")), "sparse"),
        (make((info("s", b"Q"), b"")), "unknown type"),
        (make((info("s", pax_headers={"size": "-1"}), b"1")), "size '-1'"),
        (make((info("s", pax_headers={"mtime": "nan"}), b"1")), "mtime 'nan'"),
        (make((info("s", pax_headers={"comment": "x" * (1 << 20)}), b"1")), "header extension"),
    ],
)
def test_broken_ones_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ArchiveError, match=message):
        read(whole(data))


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_damage_raises_only_our_error(changes: list[tuple[int, int]]) -> None:
    data = bytearray(make(*MEMBERS[:7]))
    for at, value in changes:
        data[at % len(data)] = value
    with contextlib.suppress(ArchiveError):
        read(whole(bytes(data)))


@given(st.lists(st.tuples(st.text("abc/é", min_size=1, max_size=150), st.binary(max_size=1500)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_names_and_sizes_agree_with_tarfile(files: list[tuple[str, bytes]]) -> None:
    data = make(*((info(f"x{name}x"), body) for name, body in files))
    assert read(whole(data)) == slow_read(data)
