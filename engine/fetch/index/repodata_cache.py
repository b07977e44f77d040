"""Indexes on disk, in the layout that conda and mamba share, so that each finds what another has fetched.

    <pkgs_dir>/cache/<key>.json          the index, plain
    <pkgs_dir>/cache/<key>.info.json     conda's note about it: where from, ETag …, size and mtime of the file it means
    <pkgs_dir>/cache/<key>.state.json    mamba's note, with the same facts
    <pkgs_dir>/cache/<key>.whipsnake.idx where in the index each name's records are (`engine.fetch.index.index_file`)

conda makes the key from the address (with credentials), mamba 2 from the channel's name: where these differ the index
gets a second name, a hard link. A note that does not fit size and mtime of its index is stale: another program wrote
in between, and only the index itself counts. Everything is written aside and renamed, the note last; a process
that loses a race leaves a note that does not fit, which costs one request and never a wrong answer. All of it blocks:
call it from worker threads.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

import msgspec

from engine.fetch.index.index_file import Identity, Parts, announce, write_index
from engine.model.channel import Channel, strip_secrets
from engine.system.file_io import BINARY, temporary, write_all, write_atomic
from engine.system.moving import replace

_LIBSTDCXX_EPOCH: Final = 6_437_664_000 * 10**9
"""mamba on Linux counts file times from 2174-01-01 (the epoch of libstdc++'s file clock); elsewhere from 1970."""
_MAMBA_EPOCH: Final = _LIBSTDCXX_EPOCH if sys.platform == "linux" else 0
_MAX_AGE: Final = re.compile(r"(?:^|[ ,])max-age=\"?(\d+)")
RECHECK: Final = timedelta(days=7)
"""How long a missing ``repodata.json.zst`` is believed to stay missing (conda's rule)."""


class Checked(msgspec.Struct, frozen=True):
    """Whether a form of the index exists, and when that was found out (UTC, ISO 8601 with Z)."""

    value: bool
    last_checked: str

    @classmethod
    def at(cls, value: bool, now_ns: int) -> Checked:
        """Found out at ``now_ns`` (Unix time in nanoseconds)."""
        return cls(value, datetime.fromtimestamp(now_ns // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def is_recent(self, now_ns: int, within: timedelta = RECHECK) -> bool:
        """Whether this is still to be believed."""
        try:
            then = datetime.fromisoformat(self.last_checked.removesuffix("Z")).replace(tzinfo=timezone.utc)
        except ValueError:
            return False
        return datetime.fromtimestamp(now_ns // 10**9, timezone.utc) - then < within


class IndexState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What is known about a cached index; the fields are those of conda's ``.info.json``."""

    url: str = ""
    etag: str = ""
    mod: str = ""
    """The ``Last-Modified`` header."""
    cache_control: str = ""
    size: int = 0
    mtime_ns: int = 0
    refresh_ns: int = 0
    """When the server last said that this is right, in Unix nanoseconds."""
    has_zst: Checked | None = None
    has_shards: Checked | None = None

    def is_fresh(self, ttl: int, now_ns: int) -> bool:
        """Whether it may be used without asking: never for 0, as Cache-Control says for 1, else for ``ttl`` seconds.

        An answer without ``max-age`` is asked for again, as conda does.
        """
        max_age = ttl if ttl > 1 else ttl * self._max_age()
        age = now_ns - max(self.refresh_ns, self.mtime_ns)
        return 0 <= age < max_age * 10**9

    def _max_age(self) -> int:
        if "no-cache" in self.cache_control or "no-store" in self.cache_control:
            return 0
        found = _MAX_AGE.search(self.cache_control)
        return int(found.group(1)[:9]) if found else 0

    def conditions(self, packed: bool) -> dict[str, str]:
        """Headers that let the server say "not modified"; none if the other form (packed or plain) was fetched."""
        if packed != bool(self.has_zst and self.has_zst.value):
            return {}
        both = {"If-None-Match": self.etag, "If-Modified-Since": self.mod}
        return {name: value for name, value in both.items() if value}


class CachedIndex(msgspec.Struct, frozen=True):
    """An index on disk. ``state`` has only what fits the file as it is now."""

    path: str
    state: IndexState

    @property
    def age_mark(self) -> int:
        """When it was last known to be right, in Unix nanoseconds."""
        return max(self.state.refresh_ns, self.state.mtime_ns)


def cache_keys(channel: Channel, subdir: str) -> tuple[str, ...]:
    """The names of a subdir's files: conda's first, mamba's second where it differs."""
    addresses = (f"{channel.subdir_url(subdir)}/", f"{channel.name}/{subdir}/")
    return tuple(
        dict.fromkeys(hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()[:8] for address in addresses)
    )


class RepodataCache:
    """The ``cache`` directories of the package caches, the first one that can be written first in line."""

    def __init__(self, pkgs_dirs: Sequence[str]) -> None:
        self._dirs = tuple(os.path.join(pkgs_dir, "cache") for pkgs_dir in pkgs_dirs)

    def find(self, channel: Channel, subdir: str) -> CachedIndex | None:
        """The most recent index of a subdir in any directory, whoever wrote it; None if there is none."""
        found = [
            entry
            for directory in self._dirs
            for key in cache_keys(channel, subdir)
            if (entry := _entry(os.path.join(directory, key)))
        ]
        return max(found, key=lambda entry: max(entry.state.refresh_ns, entry.state.mtime_ns), default=None)

    def confirm(self, channel: Channel, subdir: str, entry: CachedIndex, state: IndexState) -> None:
        """Note, for conda and for mamba, that the server called ``entry`` unmodified. Read-only caches stay."""
        directory = os.path.dirname(entry.path)
        with contextlib.suppress(OSError):
            info = _touch(entry.path, state.refresh_ns)
            known = msgspec.structs.replace(state, size=info.st_size, mtime_ns=info.st_mtime_ns)
            for stem in (os.path.join(directory, key) for key in cache_keys(channel, subdir)):
                if os.path.exists(f"{stem}.json") and os.path.samefile(entry.path, f"{stem}.json"):
                    _write_notes(stem, known)

    def writer(self, channel: Channel, subdir: str) -> IndexWriter | None:
        """A new index in the first directory that lets us; None if none does."""
        keys = cache_keys(channel, subdir)
        for directory in self._dirs:
            with contextlib.suppress(OSError):
                os.makedirs(directory, exist_ok=True)
                _sweep(directory)
                return IndexWriter(directory, keys)
        return None


class IndexWriter:
    """An index on its way to disk. A disk that fails is remembered in `error`: the index in memory is what matters."""

    def __init__(self, directory: str, keys: Sequence[str]) -> None:
        self._stems = [os.path.join(directory, key) for key in keys]
        self._temporary = temporary(self._stems[0])
        self._fd = os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o666)
        self.error: OSError | None = None

    @property
    def path(self) -> str:
        """Where the index will be."""
        return f"{self._stems[0]}.json"

    def write(self, piece: bytes) -> None:
        """The next bytes of the plain index."""
        if self.error:
            return
        try:
            write_all(self._fd, piece)
        except OSError as error:
            self.error = error

    def commit(self, state: IndexState, parts: Parts | None = None) -> None:
        """The index is complete and good: give it its names, then write the notes about it.

        ``parts``: what it was split into, for the index file.
        """
        if self.error:
            return self.discard()
        try:
            identity = Identity.of(self._fd)
            self._close()
            replace(self._temporary, self.path)
            if parts:
                with contextlib.suppress(OSError):  # then the index is split once more when it is read
                    write_index(self.path, identity, parts)
            known = msgspec.structs.replace(state, size=identity.size, mtime_ns=identity.mtime_ns)
            for stem in self._stems:
                if stem == self._stems[0] or _link(self.path, stem + ".json"):
                    _write_notes(stem, known)
        except OSError as error:
            self.error = error
            self.discard()
        return None

    def discard(self) -> None:
        """Leave nothing behind."""
        self._close()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)

    def _close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


def _touch(path: str, time_ns: int) -> os.stat_result:
    """Give the index a new time, in which its index file stays right."""
    with contextlib.suppress(OSError):
        announce(path, time_ns)
    os.utime(path, ns=(time_ns, time_ns))
    info = os.stat(path)
    if info.st_mtime_ns != time_ns:  # some file systems round
        with contextlib.suppress(OSError):
            announce(path, info.st_mtime_ns)
    return info


def _sweep(directory: str) -> None:
    """Remove what processes left that were killed while they wrote; a day is longer than any of them writes."""
    old = now_ns() - 86400 * 10**9
    for entry in os.scandir(directory):
        if entry.name.endswith(".tmp"):
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime_ns < old:
                    os.unlink(entry.path)


def _link(source: str, target: str) -> bool:
    """Give an index its second name; False where the file system has no hard links."""
    aside = temporary(target)
    try:
        os.link(source, aside)
        replace(aside, target)
    except OSError:
        return False
    with contextlib.suppress(FileNotFoundError):
        os.unlink(aside)  # renaming one link of a file onto another does nothing and leaves both
    return True


def _entry(stem: str) -> CachedIndex | None:
    try:
        info = os.stat(f"{stem}.json")
    except OSError:
        return None
    fitting = (state for state in _states(stem) if state.size == info.st_size and state.mtime_ns == info.st_mtime_ns)
    return CachedIndex(f"{stem}.json", next(fitting, IndexState()))


_decode_state = msgspec.json.Decoder(IndexState).decode  # made here, since threads that make it at once crash msgspec


def _states(stem: str) -> Iterator[IndexState]:
    """What conda's and mamba's notes say, times in Unix nanoseconds; broken notes are as good as none."""
    for ending in (".info.json", ".state.json"):
        try:
            with open(stem + ending, "rb") as file:
                state = _decode_state(file.read())
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            continue
        yield state
        if ending == ".state.json":
            yield msgspec.structs.replace(state, mtime_ns=_from_mamba(state.mtime_ns))


def _from_mamba(mtime_ns: int) -> int:
    """libstdc++'s file clock → Unix. The difference may have been written as an unsigned number of 64 bits."""
    signed = mtime_ns - (1 << 64) if mtime_ns >= 1 << 63 else mtime_ns
    return signed + _LIBSTDCXX_EPOCH


def _write_notes(stem: str, state: IndexState) -> None:
    public = msgspec.structs.replace(state, url=strip_secrets(state.url))
    fields = {key: value for key, value in msgspec.structs.asdict(public).items() if value is not None}
    _put(f"{stem}.info.json", fields)
    fields["mtime_ns"] = state.mtime_ns - _MAMBA_EPOCH
    del fields["refresh_ns"]
    _put(f"{stem}.state.json", fields)


def _put(path: str, fields: dict[str, object]) -> None:
    write_atomic(path, (msgspec.json.format(msgspec.json.encode(fields), indent=2),))


def now_ns() -> int:
    """The clock of this part, in Unix nanoseconds; a function of its own so that tests can set it."""
    return time.time_ns()
