"""Bytes of an index, in one worker thread: unpack, split, and tee into the cache.

Unpacking is told by the bytes, not by the name: some servers send ``.zst`` files with a Content-Encoding, which the
HTTP side has undone already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from engine.errors import RepodataError
from engine.fetch.index.index_file import Parts
from engine.model.channel import Channel, mask_secrets
from engine.model.name_table import TableBuilder
from engine.model.repodata import RepoData, RepoDataSplitter
from engine.model.repodata_split import IndexSplitter

_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SLICE: Final = 1 << 13
"""Packed bytes to unpack at once. Zstandard may blow up 1:30 000, so a slice never makes more than some 250 MB."""


class Sink(Protocol):
    """Where the plain text goes as well: a file of the cache."""

    def write(self, piece: bytes) -> object:
        """Take the next bytes."""


def build(pieces: Iterable[bytes], channel: Channel, subdir: str, *, url: str) -> RepoData:
    """Read the whole index and keep its pages in memory.

    Raises `RepodataError` for anything that is no index, and what ``pieces`` raises.
    """
    splitter = RepoDataSplitter(channel, subdir, url=url)
    for piece in plain(pieces, url):
        splitter.feed(piece)
    return splitter.finish()


def store(pieces: Iterable[bytes], sink: Sink, *, url: str) -> Parts:
    """Read the whole index and keep nothing but where its pages are; ``sink`` gets the plain text.

    The caller commits what was written if this returns. Raises as `build` does.
    """
    builder = TableBuilder()
    splitter = IndexSplitter(builder, mask_secrets(url))
    for piece in plain(pieces, url):
        splitter.feed(piece)
        sink.write(piece)
    head = splitter.finish()
    return Parts(*builder.finish(), head)


def plain(pieces: Iterable[bytes], url: str) -> Iterator[bytes]:
    """The text itself, unpacked if it is packed. Raises `RepodataError` where the packing is broken or cut."""
    rest = iter(pieces)
    head = b""
    for piece in rest:
        head += piece
        if len(head) >= len(_ZSTD_MAGIC):
            break
    if not head.startswith(_ZSTD_MAGIC):
        yield head
        yield from rest
        return
    yield from _unpacked(head, rest, url)


def _unpacked(head: bytes, rest: Iterator[bytes], url: str) -> Iterator[bytes]:
    import zstandard

    context = zstandard.ZstdDecompressor()
    frame = context.decompressobj()
    try:
        for piece in _sliced(head, rest):
            data = piece
            while data:
                if frame.eof:
                    frame = context.decompressobj()
                yield frame.decompress(data)
                data = frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as error:
        raise _broken(url, str(error)) from error
    if not frame.eof:
        raise _broken(url, "it ends too early")


def _sliced(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    for start in range(0, len(head), _SLICE):
        yield head[start : start + _SLICE]
    for piece in rest:
        for start in range(0, len(piece), _SLICE):
            yield piece[start : start + _SLICE]


def _broken(url: str, reason: str) -> RepodataError:
    return RepodataError(
        f"Could not unpack {mask_secrets(url)}: {reason}",
        hint="The server's file is damaged or a proxy changed it; try again, or set `repodata_use_zst: false`.",
    )
