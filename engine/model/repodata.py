"""The index of one subdir of one channel (CEP 36), kept as it came and decoded name by name when asked for.

A solve looks at some hundreds of names of the thirty thousand that a large channel has; decoding only those is what
makes loading fast and small. While the document streams in, its records are sorted into *pages*: JSON objects that
hold the records of one name, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec.structs import force_setattr

from engine.errors import InvalidChannel, RepodataError
from engine.model.channel import Channel, join_url, mask_secrets
from engine.model.json_split import JsonSplitter, NotJson, Table
from engine.model.records import ARCHIVE_EXTENSIONS, RepoDataRecord

Value = TypeVar("Value")

TABLES: Final = ("packages", "packages.conda")
"""The tables of records that are read. Newer revisions (``v3`` and up, CEP 48) are passed over with a note."""
NEWEST_VERSION: Final = 2
"""The newest ``repodata_version`` understood (CEP 15)."""
LARGEST: Final = 4 << 30
"""Bytes of JSON beyond which a document is refused: some fifteen times the largest channel's."""

_rows: Final = msgspec.json.Decoder(Table)
_record: Final = msgspec.json.Decoder(RepoDataRecord)
_OWN_FIELDS: Final = ("fn", "url", "channel", "raw")
"""What `RepoDataRecord` adds is ours to say, whatever a record claims."""
_BROKEN: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError)


class RepoData:
    """One subdir of one channel: rows by name, decoded when asked for."""

    def __init__(
        self,
        channel: Channel,
        subdir: str,
        *,
        base_url: str | None = None,
        pages: dict[str, list[bytes]] | None = None,
        removed: Collection[str] = (),
        problems: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.channel, self.subdir = channel, subdir
        self.base_url = (base_url or channel.subdir_url(subdir)).rstrip("/")
        """Where the archives are (CEP 15), with credentials, without a slash at the end."""
        self.problems = list(problems)
        """Records that can't be used, and why: grows while names are asked for. Fit to be shown."""
        self.notes = tuple(notes)
        """What the channel has to say about newer revisions of its index (CEP 48)."""
        self._pages = pages or {}
        self._removed = frozenset(removed)
        self._decoded: dict[str, tuple[RepoDataRecord, ...]] = {}
        self._public = channel.public_url
        place, mark, query = self.base_url.partition("?")
        self._lead, self._tail = f"{place}/", mark + query

    def __repr__(self) -> str:
        return f"<RepoData {self.channel.name}/{self.subdir}, {len(self._pages)} names>"

    def names(self) -> Collection[str]:
        """The names that have records. (All of a name's records may turn out to be removed or unreadable.)"""
        return self._pages.keys()

    def records(self, name: str) -> Sequence[RepoDataRecord]:
        """The records of ``name`` in the document's order; empty if there are none.

        A distribution that is there as ``.tar.bz2`` and as ``.conda`` counts once, as ``.conda``. What the index
        lists as removed is left out, and so is what can't be understood; `problems` tells of it.
        """
        found = self._decoded.get(name)
        if found is None:
            found = self._decoded[name] = tuple(self._decode(name))
        return found

    def _decode(self, name: str) -> Iterator[RepoDataRecord]:
        rows = {fn: raw for page in self._pages.get(name, ()) for fn, raw in _rows.decode(page).items()}
        for fn, raw in rows.items():
            if fn in self._removed or (fn.endswith(".tar.bz2") and self._prefers_conda(fn, rows)):
                continue
            try:
                yield self._completed(name, fn, bytes(raw))
            except _BROKEN as error:
                self.problems.append(f"{self.channel.name}/{self.subdir}: {fn!r} is passed over: {error}")

    def _prefers_conda(self, fn: str, rows: Table) -> bool:
        twin = fn[: -len(".tar.bz2")] + ".conda"
        return twin in rows and twin not in self._removed

    def _completed(self, name: str, fn: str, raw: bytes) -> RepoDataRecord:
        """The record with what its place says: file name, addresses, and the bytes it came from."""
        try:
            record = _record.decode(raw)
        except msgspec.ValidationError:
            record = _lenient(raw)
        if record.name != name:
            raise ValueError(f"it says that its name is {record.name!r}")
        if not (fn.endswith(ARCHIVE_EXTENSIONS) and fn.isprintable() and "/" not in fn and "\\" not in fn):
            raise ValueError("this is no file name of a package")
        # The record is ours alone until it is returned, so this still belongs to making it; a copy costs twice as much.
        force_setattr(record, "fn", fn)
        force_setattr(record, "url", f"{self._lead}{fn}{self._tail}")
        force_setattr(record, "channel", self._public)
        force_setattr(record, "raw", raw)
        if not record.subdir:
            force_setattr(record, "subdir", self.subdir)
        return record


def _lenient(raw: bytes) -> RepoDataRecord:
    """A record as careless tools write it: null for what is missing, numbers as text, our own fields filled."""
    fields = msgspec.json.decode(raw, type=dict[str, object])
    kept = {key: value for key, value in fields.items() if value is not None and key not in _OWN_FIELDS}
    return msgspec.convert(kept, RepoDataRecord, strict=False)


class _Revision(msgspec.Struct, frozen=True):
    """What a channel says about one newer revision of its index (CEP 48)."""

    message: str | None = None
    n_packages: int | None = None


class _Info(msgspec.Struct, frozen=True):
    """The document's ``info``, as far as it is used."""

    base_url: str | None = None
    repodata_version: int = 1
    repodata_revisions: dict[str, _Revision] = {}

    def notes(self) -> Iterator[str]:
        """A sentence for each revision that has packages which we can't read."""
        for name, revision in self.repodata_revisions.items():
            if revision.n_packages != 0:
                text = "".join(char if char.isprintable() else " " for char in (revision.message or "")[:8192])
                yield f"revision {name} of the index is not understood and was passed over. {text}".rstrip()


# Indexes are read in several threads, and threads that make the decoder of one type at once crash msgspec.
_decode_info = msgspec.json.Decoder(_Info).decode
_decode_number = msgspec.json.Decoder(int).decode
_decode_names = msgspec.json.Decoder(tuple[str, ...]).decode


class RepoDataSplitter:
    """Takes the bytes of a ``repodata.json`` as they arrive; `finish` gives the `RepoData`.

    Raises `RepodataError` from `feed` and `finish` for what is no such document. Memory: the size of the document
    and a few bytes per name.
    """

    def __init__(self, channel: Channel, subdir: str, *, url: str | None = None, largest: int = LARGEST) -> None:
        self._channel, self._subdir, self._largest = channel, subdir, largest
        self._url = mask_secrets(url or channel.repodata_url(subdir))
        self._pages: dict[str, list[bytes]] = {}
        self._problems: list[str] = []
        self._json = JsonSplitter(TABLES, ("info", "removed", "repodata_version"), self._take)

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._json.size

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the document."""
        try:
            self._json.feed(chunk)
        except NotJson as error:
            raise self._wrong(str(error)) from error
        if self._json.size > self._largest:
            raise self._wrong(f"it is larger than {self._largest} bytes")

    def finish(self) -> RepoData:
        """The document is complete."""
        try:
            self._json.finish()
        except NotJson as error:
            raise self._wrong(str(error)) from error
        info = self._value("info", _decode_info, _Info())
        version = max(self._value("repodata_version", _decode_number, 1), info.repodata_version)
        if version > NEWEST_VERSION:
            raise RepodataError(
                f"Could not read {self._url}: it has repodata_version {version}, "
                f"but this whipsnake understands none above {NEWEST_VERSION}",
                hint="Update whipsnake.",
            )
        return RepoData(
            self._channel,
            self._subdir,
            base_url=self._base_url(info.base_url),
            pages=self._pages,
            removed=self._value("removed", _decode_names, ()),
            problems=self._problems,
            notes=tuple(info.notes()),
        )

    def _take(self, table: str, rows: Table) -> None:
        """Sort a block's records into pages. Records of one name stand together in practice, so few pages are short."""
        groups: dict[str, Table] = {}
        last, group = "", {}
        for fn, raw in rows.items():
            name = fn.rsplit("-", 2)[0]
            if name != last:
                last, group = name, groups.setdefault(name, {})
            group[fn] = raw
        encode = msgspec.json.encode
        for name, group in groups.items():
            self._pages.setdefault(name, []).append(encode(group))

    def _value(self, key: str, decode: Callable[[bytes], Value], default: Value) -> Value:
        """A small member of the document, checked."""
        text = self._json.values.get(key)
        try:
            return default if text is None else decode(text)
        except _BROKEN as error:
            raise self._wrong(f"its {key!r} is malformed: {error}") from error

    def _base_url(self, given: str | None) -> str | None:
        if not given:
            return None
        try:
            return join_url(self._channel.subdir_url(self._subdir), given)
        except InvalidChannel as error:
            raise self._wrong(f"its base_url can't be used: {error.message}") from error

    def _wrong(self, reason: str) -> RepodataError:
        return RepodataError(
            f"Could not read {self._url}: it is no index of packages: {reason}",
            hint="Check the channel's address, and whether a proxy or a login page stands between.",
        )
