"""The index of a sharded channel (CEP 16): which shard each name has. And what all its files have in common. Pure.

Everything here was sent by a server: sizes are bounded before memory is taken, and whatever is not what CEP 16 says is
a `RepodataError`.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from engine.errors import InvalidChannel, RepodataError
from engine.model.channel import Channel, join_url, mask_secrets
from engine.model.relations import Relations
from engine.model.repodata_head import Revision, revision_notes

Value = TypeVar("Value")

INDEX_NAME: Final = "repodata_shards.msgpack.zst"
ENDING: Final = ".msgpack.zst"
LARGEST_INDEX: Final = 64 << 20
"""Bytes of an index, unpacked: room for more than a million names."""
LARGEST_PACKED: Final = 32 << 20
"""Bytes of any file as it is sent."""
NEWEST_VERSION: Final = 1

_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_PIECE: Final = 1 << 13
BROKEN: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError, TypeError)
"""What decoding raises for what a server has made up."""


class _Info(msgspec.Struct, frozen=True):
    base_url: str = ""
    shards_base_url: str = ""
    channel_relations: Relations | None = None
    repodata_revisions: dict[str, Revision] = {}


class _Index(msgspec.Struct, frozen=True):
    shards: dict[str, bytes]
    info: _Info = _Info()
    version: int = 1


# Made here, since threads that make the decoder of one type at once crash msgspec.
_decode_index: Final = msgspec.msgpack.Decoder(_Index).decode


class ShardIndex(msgspec.Struct, frozen=True):
    """Which shards a subdir has."""

    base_url: str
    """Where the archives are, with credentials; no slash at the end."""
    shards_url: str
    """Where the shards are, likewise."""
    digests: Mapping[str, bytes]
    """Name → SHA-256 of its shard, 32 bytes."""
    relations: Relations = Relations()
    notes: tuple[str, ...] = ()
    """What is passed over, in sentences fit to be shown."""

    def shard_url(self, digest: bytes) -> str:
        """The address of a shard, with credentials."""
        place, mark, query = self.shards_url.partition("?")
        return f"{place}/{digest.hex()}{ENDING}{mark}{query}"


def read_index(packed: bytes, channel: Channel, subdir: str, *, url: str = "") -> ShardIndex:
    """Understand a ``repodata_shards.msgpack.zst``; ``url`` is where it is from, for errors (all `RepodataError`)."""
    url = url or channel.repodata_url(subdir, INDEX_NAME)
    found = decoded(_decode_index, unpack(packed, url, LARGEST_INDEX), url)
    if found.version > NEWEST_VERSION:
        raise not_sharded(url, f"it has version {found.version}, and none above {NEWEST_VERSION} is understood")
    if any(len(digest) != 32 for digest in found.shards.values()):
        raise not_sharded(url, "it has a digest that is no SHA-256")
    try:
        base_url, shards_url = (
            join_url(channel.subdir_url(subdir), given) for given in (found.info.base_url, found.info.shards_base_url)
        )
    except InvalidChannel as error:
        raise not_sharded(url, f"an address in it can't be used: {error.message}") from error
    relations = found.info.channel_relations or Relations()
    return ShardIndex(
        base_url, shards_url, found.shards, relations, tuple(revision_notes(found.info.repodata_revisions))
    )


def referenced(packed: bytes, url: str) -> set[bytes]:
    """The digests of all shards that an index names. Raises `RepodataError`."""
    return set(decoded(_decode_index, unpack(packed, url, LARGEST_INDEX), url).shards.values())


def unpack(packed: bytes, url: str, largest: int) -> bytes:
    """Undo the Zstandard packing (there may be none: some servers undo it). Never makes much more than ``largest``."""
    if not packed.startswith(_ZSTD_MAGIC):
        if len(packed) > largest:
            raise not_sharded(url, f"it has more than {largest} bytes")
        return packed
    import zstandard

    try:
        size = zstandard.frame_content_size(packed)
        if size > largest:
            raise not_sharded(url, f"it has {size} bytes, and at most {largest} are accepted")
        if size > 0:
            return zstandard.ZstdDecompressor().decompress(packed)
        return b"".join(_bounded(packed, url, largest))
    except zstandard.ZstdError as error:
        raise not_sharded(url, f"it can't be unpacked: {error}") from error


def _bounded(packed: bytes, url: str, largest: int) -> Iterator[bytes]:
    """A frame that does not tell its size: unpacked in pieces, so that a bomb is noticed before it has gone off."""
    import zstandard

    frame, size = zstandard.ZstdDecompressor().decompressobj(), 0
    for start in range(0, len(packed), _PIECE):
        if frame.eof:
            break
        piece = frame.decompress(packed[start : start + _PIECE])
        size += len(piece)
        if size > largest:
            raise not_sharded(url, f"it has more than {largest} bytes")
        yield piece
    if not frame.eof:
        raise not_sharded(url, "it ends too early")


def decoded(decode: Callable[[bytes], Value], plain: bytes, url: str) -> Value:
    """What ``decode`` makes of ``plain``, or `RepodataError`."""
    try:
        return decode(plain)
    except BROKEN as error:
        raise not_sharded(url, str(error)) from error


def not_sharded(url: str, reason: str) -> RepodataError:
    """The error for a file that is not what it should be."""
    return RepodataError(
        f"Could not read {mask_secrets(url)}: it is no part of a sharded index: {reason}",
        hint="`use_sharded_repodata: false` makes do without it.",
    )
