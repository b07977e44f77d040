"""Which packages there are, as far as this machine knows already: the names in cached indexes.

Rule of this file: it only reads what other commands left in the cache, and quickly; whether it is fresh does not
matter, and what is broken counts as absent. It serves completion, where an old answer is better than a late one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence

from engine.errors import WhipsnakeError
from engine.fetch.index.index_file import Identity, read_index
from engine.fetch.index.repodata_cache import RepodataCache
from engine.fetch.index.shard_cache import ShardCache
from engine.model.channel import Channel
from engine.system.file_io import BINARY


def cached_names(cache_dirs: Sequence[str], channels: Iterable[Channel], platform: str, start: str) -> list[str]:
    """The names that begin with ``start`` in the cached indexes of these channels, sorted."""
    found: set[str] = set()
    for channel in channels:
        for subdir in channel.subdirs(platform):
            found.update(name for name in _names(cache_dirs, channel, subdir) if name.startswith(start))
    return sorted(found)


def _names(cache_dirs: Sequence[str], channel: Channel, subdir: str) -> Iterable[str]:
    shards = ShardCache(cache_dirs).find_index(channel, subdir)
    if shards is not None:
        from engine.model.shard_index import read_index as read_shard_index

        with contextlib.suppress(WhipsnakeError):
            return read_shard_index(shards.packed, channel, subdir).digests
    index = RepodataCache(cache_dirs).find(channel, subdir)
    return _names_beside(index.path) if index else ()


def _names_beside(json_path: str) -> Iterable[str]:
    """Those of the index file; a .json without one would have to be read whole, which takes too long here."""
    try:
        opened = os.open(json_path, os.O_RDONLY | BINARY)
    except OSError:
        return ()
    try:
        read = read_index(json_path, Identity.of(opened))
    except OSError:
        return ()
    finally:
        os.close(opened)
    return read[0] if read else ()
