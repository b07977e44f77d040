from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ArchiveError
from engine.fetch.archive.conda_zip import NotStreamable, read_zip, read_zip_file
from tests.fetch.feeding import WAYS, whole
from tests.kit.archive import zipped, zipped64

FILES = {"metadata.json": b"{}", "pkg-a.tar.zst": b"p" * 3000, "info-a.tar.zst": b""}
SOUND = zipped(FILES)


def stream(pieces: Iterator[bytes]) -> dict[str, bytes]:
    return {member.name: b"".join(member.data) for member in read_zip(pieces)}


def by_directory(data: bytes) -> dict[str, bytes]:
    return {member.name: b"".join(member.data) for member in read_zip_file(io.BytesIO(data))}


@pytest.mark.parametrize("feed", WAYS)
@pytest.mark.parametrize("pack", [zipped, zipped64])
def test_streams(feed: Callable[[bytes], Iterator[bytes]], pack: Callable[[dict[str, bytes]], bytes]) -> None:
    assert stream(feed(pack(FILES))) == FILES


@pytest.mark.parametrize("data", [SOUND, zipped64(FILES), zipped(FILES, descriptors=True)])
def test_completed_files_are_read_by_their_directory(data: bytes) -> None:
    assert by_directory(data) == FILES


def test_sizes_behind_the_data_need_the_completed_file() -> None:
    with pytest.raises(NotStreamable):
        stream(whole(zipped(FILES, descriptors=True)))


def with_comment(comment: bytes) -> bytes:
    return SOUND[:-2] + struct.pack("<H", len(comment)) + comment


def test_a_comment_is_no_matter_unless_it_hides_a_directory() -> None:
    assert stream(whole(with_comment(b"hello"))) == by_directory(with_comment(b"hello")) == FILES
    hidden = with_comment(b"PK\x05\x06" + bytes(18))
    with pytest.raises(ArchiveError, match="hidden"):
        stream(whole(hidden))


def compressed() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", b"{}" * 100)
    return out.getvalue()


def renamed_in_directory() -> bytes:
    at = SOUND.rindex(b"pkg-a.tar.zst")
    return SOUND[:at] + b"pkg-b" + SOUND[at + 5 :]


@pytest.mark.parametrize("read", [lambda data: stream(whole(data)), by_directory])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too early|no directory"),
        (b"<html>log in</html>" * 10, "no zip|no directory"),
        (SOUND[: len(SOUND) // 2], "too early|no directory"),
        (SOUND + b"garbage", "follow"),
        (SOUND.replace(b"ppp", b"qpp", 1), "damaged"),
        (compressed(), "stored"),
        (renamed_in_directory(), "instead of|calls itself"),
        (zipped({str(n): b"" for n in range(70)}), "more than 64"),
    ],
)
def test_broken_ones_are_refused(read: Callable[[bytes], object], data: bytes, message: str) -> None:
    with pytest.raises(ArchiveError, match=message):
        read(data)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=5), st.booleans())
@settings(max_examples=200, deadline=None)
def test_damage_raises_only_our_error(changes: list[tuple[int, int]], zip64: bool) -> None:
    data = bytearray((zipped64 if zip64 else zipped)({**FILES, "pkg-a.tar.zst": b"p" * 30}))
    for at, value in changes:
        data[at % len(data)] = value
    for read in (lambda found: stream(whole(found)), by_directory):
        with contextlib.suppress(ArchiveError):
            read(bytes(data))
