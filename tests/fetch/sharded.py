"""What the tests of sharded loading share: small channels in both forms, and a loader with a cache of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from engine.events import Event, Notice, TransferFinished
from engine.fetch.http.transport import Transport, TransportSettings
from engine.fetch.index.load import load_subdirs
from engine.fetch.index.repodata import RepodataSettings
from engine.fetch.index.shard_walk import Wanted
from engine.model.channel import Channel
from engine.model.repodata import RepoData
from engine.model.shards import ShardRows, with_json
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer
from tests.kit.shards import shard_channel

Rows = list[RepoData | ShardRows]
INDEX = "repodata_shards.msgpack.zst"


def row(name: str, subdir: str = "linux-64", version: str = "1", depends: Iterable[str] = ()) -> dict[str, Any]:
    said = {"build": "0", "build_number": 0, "sha256": "ab" * 32, "md5": "cd" * 16, "size": 1}
    return {"name": name, "version": version, "depends": list(depends), "subdir": subdir, **said}


def make_channel(path: Path, lines: Iterable[str], *, relations: dict[str, str] | None = None, **options: Any) -> Path:
    """A channel in both forms. A line is ``name -> dependency; dependency``, with ``noarch:`` in front for noarch."""
    builder = ChannelBuilder(path)
    for line in lines:
        head, _, depends = line.partition("->")
        place, _, name = head.strip().rpartition(":")
        subdir = place or "linux-64"
        needed = [text.strip() for text in depends.split(";") if text.strip()]
        builder.add_record(f"{name}-1-0.conda", row(name, subdir, depends=needed))
    builder.write()
    shard_channel(path, info={"channel_relations": relations} if relations else None, **options)
    return path


CHAIN = ("app -> lib >=1; noarch:x", "lib -> deep", "noarch:data", "deep -> data; app", "other -> more", "noarch:more")
"""A request for ``app`` leads to app, lib, deep and data, in both subdirs and in a circle; other and more stay away."""
REACHED = {"app", "lib", "deep", "data"}


class Loader:
    """Loads channels into one cache; ``events`` are those of the last load."""

    def __init__(self, pkgs: Path) -> None:
        self.pkgs, self.events = pkgs, list[Event]()

    async def __call__(
        self,
        *urls: str,
        want: Iterable[str] | None = ("app",),
        retries: int = 0,
        add_pip: bool = False,
        **settings: Any,
    ) -> Rows:
        self.events.clear()
        options = RepodataSettings(cache_dirs=(str(self.pkgs),), **settings)
        channels = [Channel(url.rpartition("/")[2], url) for url in urls]
        wanted = None if want is None else Wanted(frozenset(want), add_pip)
        async with Transport(TransportSettings(retry_wait=0.001, max_retries=retries)) as transport:
            return await load_subdirs(channels, "linux-64", transport, options, self.events.append, wanted=wanted)

    def notices(self, level: str) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice) and event.level == level]

    def notes(self) -> list[str]:
        return sorted(event.note for event in self.events if isinstance(event, TransferFinished))


def reached(rows: Rows) -> set[str]:
    """The names that have records at hand."""
    return {name for one in rows for name in one.names() if one.records(name)}


def facts(rows: Rows) -> list[dict[str, Any]]:
    """Everything about all records, but not in which form they came."""
    found = []
    for one in rows:
        for name in sorted(one.names()):
            for record in one.records(name):
                fields = msgspec.structs.asdict(with_json(record))
                found.append({**fields, "raw": None, "said": sorted(msgspec.json.decode(fields["raw"]))})
    return [{**fact, "said": [key for key in fact["said"] if key not in ("md5", "sha256")]} for fact in found]


def shard_count(server: ChannelServer) -> int:
    return server.count("*/shards/*")
