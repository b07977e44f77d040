"""Shards (CEP 16): the records of one name in a file of their own, decoded when asked for. Pure: bytes in.

A shard is kept packed. It is unpacked once for what its records need, which leads to further names, and again if
somebody asks for the records themselves.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from engine.model.channel import Channel
from engine.model.lazy_records import LazyRecords
from engine.model.placing import are_file_names, placed
from engine.model.records import ARCHIVE_EXTENSIONS, RecordHead, RecordNeeds, RepoDataRecord
from engine.model.relations import Relations
from engine.model.repodata import UNREADABLE
from engine.model.shard_index import BROKEN, ShardIndex, decoded, not_sharded, unpack

Row = TypeVar("Row")
Known = TypeVar("Known", bound=RecordHead)

LARGEST_SHARD: Final = 32 << 20
"""Bytes of one shard, unpacked: some ten thousand records. Decoding takes up to fifteen times that."""
REVISION: Final = "v3"
"""The table of tables of CEP 48: archive extension → file name without it → record."""

_OWN_FIELDS: Final = ("fn", "url", "channel", "raw")
"""What `RepoDataRecord` adds is ours to say, whatever a record claims."""
_DIGESTS: Final = (
    (b"\xa3md5\xc4\x10", b"\xa3md5\xd9\x20", 16),
    (b"\xa6sha256\xc4\x20", b"\xa6sha256\xd9\x40", 32),
)
"""How MessagePack writes a key with a digest in bytes, the same with it in hexadecimal digits, and its length."""


class _Needs(msgspec.Struct, frozen=True, gc=False):
    """What the walk wants of a record."""

    depends: tuple[str, ...] = ()
    extra_depends: Mapping[str, tuple[str, ...]] | None = None


class _Shard(msgspec.Struct, Generic[Row], frozen=True, rename={"conda": "packages.conda"}):
    """Its tables, decoded as far as is wanted."""

    packages: dict[str, Row] = {}
    conda: dict[str, Row] = {}
    v3: dict[str, dict[str, Row]] = {}
    removed: tuple[str, ...] = ()

    def rows(self) -> dict[str, Row]:
        """File name → record: those that count, the rules being those of `RepoData.records`."""
        newest = {
            f"{stem}.{extension}": row
            for extension, table in self.v3.items()
            if f".{extension}" in ARCHIVE_EXTENSIONS
            for stem, row in table.items()
        }
        rows = {**self.packages, **self.conda, **newest}
        for fn in self.removed:
            rows.pop(fn, None)
        for fn in [fn for fn in rows if fn.endswith(".tar.bz2")]:
            if fn.removesuffix(".tar.bz2") + ".conda" in rows:
                del rows[fn]
        return rows


# Made here, since threads that make the decoder of one type at once crash msgspec.
_decode_needs: Final = msgspec.msgpack.Decoder(_Shard[_Needs]).decode
_decode_heads: Final = msgspec.msgpack.Decoder(_Shard[RecordHead]).decode
_decode_skimmed: Final = msgspec.msgpack.Decoder(_Shard[RecordNeeds]).decode
_decode_rows: Final = msgspec.msgpack.Decoder(_Shard[msgspec.Raw]).decode
_decode_head: Final = msgspec.msgpack.Decoder(RecordHead).decode
_decode_record: Final = msgspec.msgpack.Decoder(RepoDataRecord).decode
_decode_fields: Final = msgspec.msgpack.Decoder(dict[str, object]).decode
_decode_any: Final = msgspec.msgpack.Decoder().decode


def needed_texts(packed: bytes, url: str) -> set[str]:
    """The dependencies of all records of a shard, as they are written. Raises `RepodataError` if it is no shard."""
    plain = unpack(packed, url, LARGEST_SHARD)
    try:
        shard = _decode_needs(plain)
    except msgspec.ValidationError:
        return _lenient_texts(decoded(_decode_any, plain, url), url)
    except BROKEN as error:
        raise not_sharded(url, str(error)) from error
    found: set[str] = set()
    for table in (shard.packages, shard.conda, *shard.v3.values()):
        for record in table.values():
            found.update(record.depends)
            for texts in (record.extra_depends or {}).values():
                found.update(texts)
    return found


def _lenient_texts(shard: Any, url: str) -> set[str]:
    """The same of a shard with records that are not what they should be: what can be read of them counts."""
    decoded(_decode_rows, msgspec.msgpack.encode(shard), url)  # the shard itself must be one
    tables = [shard.get("packages", {}), shard.get("packages.conda", {}), *shard.get(REVISION, {}).values()]
    records = [record for table in tables for record in table.values() if isinstance(record, dict)]
    lists = [record.get("depends") for record in records]
    for record in records:
        extra = record.get("extra_depends")
        lists += extra.values() if isinstance(extra, dict) else ()
    return {text for texts in lists if isinstance(texts, list) for text in texts if isinstance(text, str)}


class ShardRows:
    """One subdir of one channel, as far as its shards were fetched (it follows `engine.solve.task.Rows`)."""

    def __init__(self, channel: Channel, subdir: str, index: ShardIndex) -> None:
        self.channel, self.subdir, self.index = channel, subdir, index
        self.base_url = index.base_url
        """Where the archives are, with credentials, without a slash at the end."""
        self.problems: list[str] = []
        """Records that can't be used, and why: grows while names are asked for. Fit to be shown."""
        self._packed: dict[str, bytes] = {}
        self._decoded: dict[str, tuple[RepoDataRecord, ...]] = {}
        self._lazy: dict[str, Sequence[RepoDataRecord]] = {}
        self._public = channel.public_url
        place, mark, query = self.base_url.partition("?")
        self._lead, self._tail = f"{place}/", mark + query

    def __repr__(self) -> str:
        return f"<ShardRows {self.channel.name}/{self.subdir}, {len(self._packed)} of {len(self.index.digests)} shards>"

    @property
    def relations(self) -> Relations:
        """What the subdir says of other channels (CEP 42)."""
        return self.index.relations

    @property
    def notes(self) -> tuple[str, ...]:
        """What the index holds that is passed over (CEP 48). Fit to be shown."""
        return self.index.notes

    def names(self) -> Collection[str]:
        """All names that the subdir has, fetched or not."""
        return self.index.digests.keys()

    def keep(self, name: str, packed: bytes) -> None:
        """The shard of ``name``, packed and verified."""
        self._packed[name] = packed

    def records(self, name: str) -> Sequence[RepoDataRecord]:
        """The records of ``name``; none if its shard was not fetched. The rules are those of `RepoData.records`."""
        found = self._decoded.get(name)
        if found is None:
            found = self._decoded[name] = tuple(self._decode(name)) if name in self._packed else ()
        return found

    def lazy_records(self, name: str) -> Sequence[RepoDataRecord]:
        """The same records, but each is decoded when it is looked at (as `RepoData.lazy_records`)."""
        found = self._lazy.get(name)
        if found is None:
            found = self._lazy[name] = self._only_heads(name) or self.records(name)
        return found

    def skim(self, name: str) -> Mapping[str, RecordNeeds]:
        """The same records by file name, for who looks at all names (as `RepoData.skim`)."""
        found = self._counting(name, _decode_skimmed)
        return {record.fn: record for record in self.records(name)} if found is None else found

    def record(self, name: str, fn: str) -> RepoDataRecord:
        """One of the records of ``name``; nothing else of them is kept."""
        return _Reader(self, name)(fn)

    def _only_heads(self, name: str) -> LazyRecords | None:
        """None where a record needs a closer look than its head allows."""
        heads = self._counting(name, _decode_heads)
        return None if heads is None else LazyRecords(heads, _Reader(self, name))

    def _counting(self, name: str, decode: Callable[[bytes], _Shard[Known]]) -> dict[str, Known] | None:
        """What a decoder makes of the records of a name that count, by file name; None where one is odd."""
        try:
            rows = decode(self._plain(name)).rows() if name in self._packed else {}
        except BROKEN:
            return None
        return rows if {row.name for row in rows.values()} == {name} and are_file_names(rows) else None

    def _plain(self, name: str) -> bytes:
        return unpack(self._packed[name], self._url(name), LARGEST_SHARD)

    def _url(self, name: str) -> str:
        return self.index.shard_url(self.index.digests[name])

    def _rows(self, name: str) -> dict[str, msgspec.Raw]:
        return decoded(_decode_rows, self._plain(name), self._url(name)).rows()

    def _decode(self, name: str) -> Iterator[RepoDataRecord]:
        for fn, raw in self._rows(name).items():
            try:
                yield self._completed(name, fn, bytes(raw))
            except BROKEN as error:
                self._pass_over(fn, error)

    def _pass_over(self, fn: str, error: Exception) -> None:
        self.problems.append(f"{self.channel.name}/{self.subdir}: {fn!r} is passed over: {error}")

    def _address(self, fn: str) -> str:
        return f"{self._lead}{fn}{self._tail}"

    def _completed(self, name: str, fn: str, raw: bytes) -> RepoDataRecord:
        """The record with what its place says: file name, addresses, and the bytes it came from."""
        try:
            text = _with_text_digests(raw)
            record = _decode_record(text)
        except msgspec.DecodeError:
            text, record = raw, _lenient(raw)
        return placed(record, name, fn, self._address(fn), self._public, self.subdir, text)


class _Reader:
    """Reads single records of one name; their shard stays packed until the first is asked for."""

    def __init__(self, owner: ShardRows, name: str) -> None:
        self._owner, self._name = owner, name
        self._rows: dict[str, msgspec.Raw] | None = None

    def __call__(self, fn: str) -> RepoDataRecord:
        owner = self._owner
        if self._rows is None:
            self._rows = owner._rows(self._name)
        raw = bytes(self._rows[fn])
        try:
            return owner._completed(self._name, fn, raw)
        except BROKEN as error:
            owner._pass_over(fn, error)
            known = msgspec.structs.asdict(_decode_head(raw))
            return RepoDataRecord(**known, depends=(UNREADABLE,), fn=fn, url=owner._address(fn), subdir=owner.subdir)


def _with_text_digests(raw: bytes) -> bytes:
    """Write digests in hexadecimal, as `RepoDataRecord` has them: CEP 16 has bytes for them, which costs less to send.

    No text can hold such a mark (its length is no UTF-8), but bytes can; what that breaks is decoded as it came.
    """
    for mark, replacement, length in _DIGESTS:
        head, found, rest = raw.partition(mark)
        if found:
            raw = head + replacement + rest[:length].hex().encode() + rest[length:]
    return raw


def _lenient(raw: bytes) -> RepoDataRecord:
    """A record as careless tools write it: null for what is missing, numbers as text, our own fields filled."""
    fields = {key: value.hex() if isinstance(value, bytes) else value for key, value in _decode_fields(raw).items()}
    kept = {key: value for key, value in fields.items() if value is not None and key not in _OWN_FIELDS}
    return msgspec.convert(kept, RepoDataRecord, strict=False)


def with_json(record: RepoDataRecord) -> RepoDataRecord:
    """The record with `raw` in JSON, as all but the solver want it; records of shards have it in MessagePack.

    Whatever is in fields that we don't know, that JSON can be read.
    """
    if record.raw[:1] < b"\x80":  # no map of MessagePack begins with what JSON may begin with
        text = record.raw.decode("utf-8", "replace")  # it may hold any bytes where nobody had to look
        return record if "\ufffd" not in text else msgspec.structs.replace(record, raw=text.encode())
    try:
        fields = {key: value for key, value in _decode_fields(record.raw).items() if not isinstance(value, bytes)}
        raw = msgspec.json.encode(fields)
    except BROKEN:  # something odd in a field that we don't know
        raw = b""
    return msgspec.structs.replace(record, raw=raw)
