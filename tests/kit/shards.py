"""A channel directory gets shards (CEP 16) beside its whole indexes, made from these.

    channel.write()
    shard_channel(channel.path)

By itself: ``python -m tests.kit.shards DIRECTORY``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import zstandard

INDEX = "repodata_shards.msgpack.zst"
_DIGESTS = ("md5", "sha256")
Shard = dict[str, Any]


def shard_channel(channel: str | Path, *, keep_whole: bool = True, **options: Any) -> list[Path]:
    """Shard every subdir of a channel; the paths of the shard indexes. ``options`` are those of `write_shards`."""
    found = []
    for subdir in sorted(path for path in Path(channel).iterdir() if path.is_dir()):
        document = read_index(subdir)
        if document is None:
            continue
        found.append(write_shards(subdir, document, **options))
        if not keep_whole:
            for path in subdir.glob("repodata.json*"):
                path.unlink()
    return found


def read_index(subdir: Path) -> dict[str, Any] | None:
    """The whole index of a subdir, or None."""
    plain, packed = subdir / "repodata.json", subdir / "repodata.json.zst"
    if plain.exists():
        return dict(json.loads(plain.read_bytes()))
    if packed.exists():
        with packed.open("rb") as file:
            return dict(json.loads(zstandard.ZstdDecompressor().stream_reader(file).read()))
    return None


def write_shards(
    subdir: Path,
    document: Mapping[str, Any],
    *,
    base_url: str | None = None,
    shards_base_url: str = "./shards/",
    place: Path | None = None,
    level: int = 3,
    info: Mapping[str, Any] | None = None,
) -> Path:
    """Write the shards of one index, and the shard index, whose path comes back.

    ``place`` is where ``shards_base_url`` leads (the directory ``shards`` by default). ``base_url`` is by default the
    index's own; ``info`` adds to what the shard index says.
    """
    place = place or subdir / "shards"
    place.mkdir(parents=True, exist_ok=True)
    whole_info = dict(document.get("info", {}))
    said = {
        "subdir": whole_info.get("subdir", subdir.name),
        "base_url": base_url if base_url is not None else whole_info.get("base_url", ""),
        "shards_base_url": shards_base_url,
        "created_at": "2025-01-01T00:00:00Z",
        **{key: whole_info[key] for key in ("channel_relations", "repodata_revisions") if key in whole_info},
        **(info or {}),
    }
    digests = {}
    for name, shard in split(document).items():
        packed = pack(shard, level)
        digests[name] = hashlib.sha256(packed).digest()
        (place / f"{digests[name].hex()}.msgpack.zst").write_bytes(packed)
    index = subdir / INDEX
    index.write_bytes(pack({"version": 1, "info": said, "shards": digests}, level))
    return index


def split(document: Mapping[str, Any]) -> dict[str, Shard]:
    """Name → shard, from a whole index."""
    found: dict[str, Shard] = {}

    def of(name: str) -> Shard:
        return found.setdefault(name, {"packages": {}, "packages.conda": {}, "removed": []})

    for table in ("packages", "packages.conda"):
        for fn, record in document.get(table, {}).items():
            of(record["name"])[table][fn] = with_bytes(record)
    for extension, table in document.get("v3", {}).items():
        for stem, record in table.items():
            of(record["name"]).setdefault("v3", {}).setdefault(extension, {})[stem] = with_bytes(record)
    for fn in document.get("removed", ()):
        of(fn.rsplit("-", 2)[0])["removed"].append(fn)
    return found


def with_bytes(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as a shard has it: digests in bytes."""
    return {key: bytes.fromhex(value) if key in _DIGESTS else value for key, value in record.items()}


def pack(value: object, level: int = 3) -> bytes:
    """MessagePack in Zstandard."""
    return zstandard.ZstdCompressor(level=level).compress(msgspec.msgpack.encode(value))


if __name__ == "__main__":
    for path in shard_channel(sys.argv[1]):
        print(path)
