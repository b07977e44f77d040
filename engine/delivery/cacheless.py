"""Without a package cache (direct mode): what is needed on the way lies beside the prefix, and is gone in the end.

Rule of this file: while the command runs, a hidden directory on the prefix's file system stands in for the cache:
indexes, large archives and what several packages bring are in it. It goes whatever happens; what a process leaves that
was killed, the next create beside it removes, or `clean --trash`. The cache itself is neither read nor made.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
import msgspec

from engine.errors import ConfigError, StorageError
from engine.events import Notice
from engine.request import Services
from engine.system.temporary import dead_leftovers, remove_tree, temporary_name


@asynccontextmanager
async def without_cache(services: Services, prefix: str) -> AsyncIterator[Services]:
    """The services for one command that makes or changes ``prefix``. Raises `ConfigError`, `StorageError`."""
    config = services.config
    if config.download_only:
        raise ConfigError("--download-only fills the package cache, which --no-cache rules out: give one of them")
    place = await anyio.to_thread.run_sync(_make, prefix, services)
    try:
        told = (place, config.pkgs_dirs[0] if config.pkgs_dirs else "")
        inside = msgspec.structs.replace(config, pkgs_dirs=(place,))
        yield msgspec.structs.replace(services, config=inside, cache_told=told)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(remove_tree, place)


def _make(prefix: str, services: Services) -> str:
    base = place_for(prefix)
    try:
        for path in leftovers(base):
            remove_tree(path)
    except OSError as error:
        services.report(Notice("debug", f"Left-overs of earlier runs could not be removed: {error}"))
    place = os.path.join(base, temporary_name())
    try:
        os.mkdir(place, 0o700)
    except OSError as error:
        raise StorageError.from_os_error(f"make a place for what is under way beside {prefix}", error) from error
    return place


def leftovers(base: str) -> Iterator[str]:
    """What killed runs left in a directory, and above."""
    for place in places_of(base):
        yield from dead_leftovers(place)


def places_of(base: str) -> tuple[str, ...]:
    """Where runs for prefixes in a directory may have left something: above, too, from when it was not there yet."""
    above = os.path.dirname(base)
    return tuple(dict.fromkeys((base, above, os.path.dirname(above))))


def place_for(prefix: str) -> str:
    """The directory to make it in: the nearest above the prefix that is there, else that for temporary files."""
    above = os.path.dirname(os.path.abspath(prefix))
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    same = not os.path.exists(prefix) or os.stat(prefix).st_dev == os.stat(above).st_dev
    return above if same and os.access(above, os.W_OK | os.X_OK) else tempfile.gettempdir()
