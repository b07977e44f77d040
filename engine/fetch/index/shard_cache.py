"""Sharded indexes on disk: shards for ever, under the name of their digest, and the shard indexes that name them.

    <pkgs_dir>/cache/<key>.msgpack.zst             the index as it was sent, where conda and mamba have theirs
    <pkgs_dir>/cache/<key>.shards.state.json       our note about it: ETag …, size and mtime of the file it means
    <pkgs_dir>/cache/shards/<sha256>.msgpack.zst   a shard, named as mamba names it
    <pkgs_dir>/cache/shards/.collected             when shards that no index names were last removed

The note is not conda's ``<key>.info.json``, which can describe only one of two files. It ends as mamba's notes do: a
``.json`` that ends otherwise is taken for an index. A shard is checked by its digest whenever it is read, so it does
not matter who wrote it, nor how much of it. Everything is written aside and renamed. All of it blocks: call it from
worker threads. A disk that fails costs a later request and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from engine.errors import RepodataError
from engine.fetch.index.repodata_cache import IndexState, cache_keys, now_ns
from engine.model.channel import Channel, strip_secrets
from engine.model.shard_index import ENDING, referenced
from engine.system.file_io import temporary, write_atomic
from engine.system.moving import replace

NOTE: Final = ".shards.state.json"
SHARDS: Final = "shards"
_STAMP: Final = ".collected"
_DAY: Final = 86400 * 10**9
UNUSED_AGE: Final = 7 * _DAY
"""How old a shard that no index names must be before it goes: other caches may refer to it, or an older index again."""
_HEX: Final = frozenset("0123456789abcdef")

_decode_state: Final = msgspec.json.Decoder(IndexState).decode  # made here: two threads at once would crash msgspec


class CachedShardIndex(msgspec.Struct, frozen=True):
    """A shard index on disk. ``state`` has only what fits the file as it is now."""

    path: str
    packed: bytes
    state: IndexState
    mtime_ns: int

    @property
    def age_mark(self) -> int:
        """When it was last known to be right, in Unix nanoseconds."""
        return max(self.state.refresh_ns, self.mtime_ns)


class ShardCache:
    """The shards below the package caches: all are read, the first one that can be written is written."""

    def __init__(self, pkgs_dirs: Sequence[str]) -> None:
        self._dirs = tuple(os.path.join(pkgs_dir, "cache") for pkgs_dir in pkgs_dirs)
        self._target: str | None = None
        self._is_writable = bool(self._dirs)
        self.has_news = False
        """Whether an index was stored, which may leave shards that none names any more."""

    # --- shards

    def find(self, digest: bytes) -> bytes | None:
        """The shard with this SHA-256; None if it is nowhere. A broken one is removed."""
        name = f"{digest.hex()}{ENDING}"
        for directory in self._dirs:
            path = os.path.join(directory, SHARDS, name)
            packed = _read(path)
            if packed is None:
                continue
            if hashlib.sha256(packed).digest() == digest:
                return packed
            with contextlib.suppress(OSError):
                os.unlink(path)
        return None

    def store(self, digest: bytes, packed: bytes) -> None:
        """Keep a shard, whose digest the caller has checked."""
        if self._is_writable:
            directory = self._shards_dir()
            if directory is None or not _write(os.path.join(directory, f"{digest.hex()}{ENDING}"), packed):
                self._is_writable = False

    def _shards_dir(self) -> str | None:
        if self._target is None:
            for directory in self._dirs:
                place = os.path.join(directory, SHARDS)
                with contextlib.suppress(OSError):
                    os.makedirs(place, exist_ok=True)
                    if os.access(place, os.W_OK | os.X_OK):
                        self._target = place
                        break
        return self._target

    # --- indexes

    def find_index(self, channel: Channel, subdir: str) -> CachedShardIndex | None:
        """The most recent index of a subdir, whoever wrote it; None if there is none."""
        stems = [os.path.join(place, key) for place in self._dirs for key in cache_keys(channel, subdir)]
        found = [index for stem in stems if (index := _index(stem))]
        return max(found, key=lambda index: index.age_mark, default=None)

    def store_index(self, channel: Channel, subdir: str, packed: bytes, state: IndexState) -> None:
        """Keep an index that could be read. mamba looks for it under its own name, which becomes a hard link."""
        directory = self._shards_dir()
        if directory is None:
            return
        first, *others = (os.path.join(os.path.dirname(directory), key) for key in cache_keys(channel, subdir))
        if _write(first + ENDING, packed):
            self.has_news = True
            _write_note(first, state)
            for stem in others:
                _link(first + ENDING, stem + ENDING)

    def confirm_index(self, index: CachedShardIndex, state: IndexState) -> None:
        """Note that the server called ``index`` unmodified. Read-only caches stay."""
        with contextlib.suppress(OSError):
            os.utime(index.path, ns=(state.refresh_ns, state.refresh_ns))
            _write_note(index.path.removesuffix(ENDING), state)

    # --- collecting

    def collect(self, age: int = UNUSED_AGE) -> int:
        """Remove shards that no index beside them names and that are older than ``age`` (ns); how many went.

        Looks at each directory once a day at most. A directory with an index that can't be read is left alone.
        """
        return sum(_collect(place, age) for place in self._dirs if os.path.isdir(os.path.join(place, SHARDS)))


def _collect(directory: str, age: int) -> int:
    place, now = os.path.join(directory, SHARDS), now_ns()
    if not os.access(place, os.W_OK | os.X_OK) or now - _mtime(os.path.join(place, _STAMP)) < _DAY:
        return 0
    _write(os.path.join(place, _STAMP), b"")
    try:
        named = _named(directory)
    except RepodataError:
        return 0
    removed = 0
    for path, digest, mtime in _shards(place):
        if digest not in named and now - mtime > age:
            with contextlib.suppress(OSError):
                os.unlink(path)
                removed += 1
    return removed


def _named(directory: str) -> set[bytes]:
    """The digests that the indexes of a directory name. Raises `RepodataError` if one of them can't be read."""
    found: set[bytes] = set()
    with os.scandir(directory) as entries:
        paths = [entry.path for entry in entries if entry.name.endswith(ENDING)]
    for path in paths:
        found |= referenced(_read(path) or b"", path)
    return found


def _shards(place: str) -> Iterator[tuple[str, bytes, int]]:
    """The files of a directory of shards: path, digest, mtime. What was left unfinished has the digest of nothing."""
    with os.scandir(place) as entries:
        for entry in entries:
            stem = entry.name.removesuffix(ENDING)
            is_shard = len(stem) == 64 and entry.name.endswith(ENDING) and _HEX.issuperset(stem)
            if is_shard or entry.name.endswith(".tmp"):
                with contextlib.suppress(OSError):
                    yield entry.path, bytes.fromhex(stem) if is_shard else b"", entry.stat().st_mtime_ns


def _index(stem: str) -> CachedShardIndex | None:
    path = stem + ENDING
    packed = _read(path)
    if packed is None:
        return None
    mtime, state = _mtime(path), _state(stem)
    fits = (state.size, state.mtime_ns) == (len(packed), mtime)
    return CachedShardIndex(path, packed, state if fits else IndexState(), mtime)


def _state(stem: str) -> IndexState:
    try:
        return _decode_state(_read(stem + NOTE) or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return IndexState()


def _write_note(stem: str, state: IndexState) -> None:
    facts = os.stat(stem + ENDING)
    known = msgspec.structs.replace(state, url=strip_secrets(state.url), size=facts.st_size, mtime_ns=facts.st_mtime_ns)
    _write(stem + NOTE, msgspec.json.format(msgspec.json.encode(known), indent=2))


def _read(path: str) -> bytes | None:
    """A file's bytes; None if there is no such file or it can't be read, which for a cache is the same."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return None


def _write(path: str, data: bytes) -> bool:
    """Write aside and rename; False where the disk refuses."""
    try:
        write_atomic(path, (data,))
    except OSError:
        return False
    return True


def _link(source: str, target: str) -> None:
    aside = temporary(target)
    with contextlib.suppress(OSError):
        os.link(source, aside)
        replace(aside, target)
        os.unlink(aside)  # renaming one link of a file onto another does nothing and leaves both


def _mtime(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
