"""The index of one subdir of one channel (CEP 36), decoded name by name when asked for.

A solve looks at some hundreds of names of the thirty thousand that a large channel has; decoding only those is what
makes loading fast and small. Where the undecoded rest is kept (`engine.model.pages`) makes no difference here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from engine.errors import InvalidChannel
from engine.model.channel import Channel, join_url, mask_secrets
from engine.model.json_split import Table
from engine.model.lazy_records import LazyRecords
from engine.model.pages import MemoryPages, Page, Pages
from engine.model.placing import are_file_names, placed
from engine.model.records import RecordHead, RecordNeeds, RepoDataRecord
from engine.model.repodata_head import BROKEN, Head, no_index
from engine.model.repodata_split import LARGEST, IndexSplitter

_table: Final = msgspec.json.Decoder(Table)
_record: Final = msgspec.json.Decoder(RepoDataRecord)
_heads: Final = msgspec.json.Decoder(dict[str, RecordHead])
_skimmed: Final = msgspec.json.Decoder(dict[str, RecordNeeds])
Known = TypeVar("Known", bound=RecordHead)
UNREADABLE: Final = "[what it needs can't be read]"
"""A dependency that is no specification, so that nothing meets it."""
_DEPENDS: Final = re.compile(rb'"depends"\s*:\s*\[((?:[^]"]|"[^"\\]*(?:\\.[^"\\]*)*")*)\]')
"""What stands in the brackets of ``depends``; brackets within texts don't end it."""
_WORD: Final = re.compile(rb"[0-9a-z_][0-9a-z_.-]*")
_SHELF_BYTES: Final = 8 << 20
"""Of undecoded text that may be kept for single records."""
_OWN_FIELDS: Final = ("fn", "url", "channel", "raw")
"""What `RepoDataRecord` adds is ours to say, whatever a record claims."""


class RepoData:
    """One subdir of one channel: rows by name, decoded when asked for."""

    def __init__(
        self,
        channel: Channel,
        subdir: str,
        *,
        base_url: str | None = None,
        pages: Pages | Mapping[str, Sequence[bytes]] | None = None,
        removed: Collection[str] = (),
        problems: Sequence[str] = (),
        notes: Sequence[str] = (),
        info: bytes = b"{}",
    ) -> None:
        """``pages``: or name → JSON objects of file name → record. ``base_url``: None for the subdir's own place."""
        self.channel, self.subdir = channel, subdir
        self.base_url = (base_url or channel.subdir_url(subdir)).rstrip("/")
        """Where the archives are (CEP 15), with credentials, without a slash at the end."""
        self.problems = list(problems)
        """Records that can't be used, and why: grows while names are asked for. Fit to be shown."""
        self.notes = tuple(notes)
        """What the index holds that is passed over (CEP 48). Fit to be shown."""
        self.info = bytes(info)
        """The index's member ``info``, as JSON text."""
        self._pages: Pages = MemoryPages(pages) if pages is None or isinstance(pages, Mapping) else pages
        self._removed = frozenset(removed)
        self._decoded: dict[str, tuple[RepoDataRecord, ...]] = {}
        self._lazy: dict[str, Sequence[RepoDataRecord]] = {}
        self._shelf = _Shelf()
        self._public = channel.public_url
        place, mark, query = self.base_url.partition("?")
        self._lead, self._tail = f"{place}/", mark + query

    @classmethod
    def assemble(cls, channel: Channel, subdir: str, pages: Pages, head: Head, url: str) -> RepoData:
        """From what an index was split into. ``url`` is for messages. Raises `RepodataError` as `place` does."""
        return cls(
            channel,
            subdir,
            base_url=cls.place(channel, subdir, head, url),
            pages=pages,
            removed=head.removed,
            notes=head.notes,
            info=bytes(head.info),
        )

    @staticmethod
    def place(channel: Channel, subdir: str, head: Head, url: str) -> str:
        """Where the archives of an index are (CEP 15). Raises `RepodataError` for a place that can't be."""
        try:
            home = channel.subdir_url(subdir)
            return join_url(home, head.base_url) if head.base_url else home
        except InvalidChannel as error:
            raise no_index(url, f"its base_url can't be used: {error.message}") from error

    def __repr__(self) -> str:
        return f"<RepoData {self.channel.name}/{self.subdir}, {len(self.names())} names>"

    def names(self) -> Collection[str]:
        """The names that have records. (All of a name's records may turn out to be removed or unreadable.)"""
        return self._pages.names()

    def mentioning(self, text: str) -> Collection[str]:
        """The names whose records hold ``text`` somewhere, in any case; found in the bytes, nothing is decoded."""
        wanted = text.lower().encode()
        return [name for name in self.names() if any(wanted in page.text.lower() for page in self._pages.pages(name))]

    def needed_words(self, name: str) -> set[str]:
        """The words, in lower case, in what the records of ``name`` depend on, names among them; nothing is decoded."""
        texts = {text for page in self._pages.pages(name) for text in _DEPENDS.findall(page.text)}
        return {word.decode() for text in texts for word in _WORD.findall(text.lower())}

    def records(self, name: str) -> Sequence[RepoDataRecord]:
        """The records of ``name`` in the document's order; empty if there are none.

        A distribution that is there as ``.tar.bz2`` and as ``.conda`` counts once, as ``.conda``. What the index
        lists as removed is left out, and so is what can't be understood; `problems` tells of it.
        """
        found = self._decoded.get(name)
        if found is None:
            found = self._decoded[name] = tuple(self._decode(name))
        return found

    def lazy_records(self, name: str) -> Sequence[RepoDataRecord]:
        """The same records, but each is decoded when it is looked at, if their heads are what they should be.

        What can't be understood shows too late to be left out: it is in its place, with a dependency that nothing
        can meet, and `problems` tells of it.
        """
        found = self._lazy.get(name)
        if found is None:
            found = self._lazy[name] = self._only_heads(name) or self.records(name)
        return found

    def skim(self, name: str) -> Mapping[str, RecordNeeds]:
        """The same records by file name, for who looks at all names: nothing is kept, and they don't say where they
        are. `record` has each as a whole."""
        found = self._counting(name, _skimmed)
        return {record.fn: record for record in self.records(name)} if found is None else found

    def record(self, name: str, fn: str) -> RepoDataRecord:
        """One of the records of ``name``; nothing else of them is kept."""
        return _Reader(self, name)(fn)

    def _only_heads(self, name: str) -> LazyRecords | None:
        """None where a record needs a closer look than its head allows."""
        heads = self._counting(name, _heads)
        return None if heads is None else LazyRecords(heads, _Reader(self, name))

    def _counting(self, name: str, decoder: msgspec.json.Decoder[dict[str, Known]]) -> dict[str, Known] | None:
        """What a decoder makes of the records of a name that count, by file name; None where one is odd."""
        rows: dict[str, Known] = {}
        try:
            for page in self._sorted_pages(name):
                found = decoder.decode(page.text)
                rows.update({key + page.ending: row for key, row in found.items()} if page.ending else found)
        except BROKEN:
            return None
        if {row.name for row in rows.values()} != {name} or not are_file_names(rows):
            return None
        hidden = self._hidden(rows)
        return {fn: row for fn, row in rows.items() if fn not in hidden} if hidden else rows

    def _read_rows(self, name: str) -> tuple[Table, int]:
        pages = self._sorted_pages(name)
        return self._rows(name, pages), sum(len(page.text) for page in pages)

    def _decode(self, name: str) -> Iterator[RepoDataRecord]:
        rows = self._rows(name, self._sorted_pages(name))
        hidden = self._hidden(rows)
        for fn, raw in rows.items():
            if fn not in hidden:
                try:
                    yield self._completed(name, fn, bytes(raw))
                except BROKEN as error:
                    self._pass_over(repr(fn), error)

    def _sorted_pages(self, name: str) -> Sequence[Page]:
        """Those of the newest form last: of a file that several tables have, the last counts."""
        return sorted(self._pages.pages(name), key=lambda page: page.ending != "")

    def _rows(self, name: str, pages: Sequence[Page]) -> Table:
        """File name → record, undecoded."""
        rows: Table = {}
        for page in pages:
            try:
                found = _table.decode(page.text)
            except BROKEN as error:  # an index made to deceive can put a border of names into a record
                self._pass_over(f"a part of {name!r}", error)
                continue
            rows.update({key + page.ending: raw for key, raw in found.items()} if page.ending else found)
        return rows

    def _pass_over(self, what: str, error: Exception) -> None:
        self.problems.append(f"{self.channel.name}/{self.subdir}: {what} is passed over: {error}")

    def _hidden(self, fns: Collection[str]) -> set[str]:
        """The files of a name that don't count: removed ones, and those that are there in the newer format as well."""
        hidden = {fn for fn in fns if fn in self._removed} if self._removed else set()
        old = [fn for fn in fns if fn[-1:] == "2" and fn.endswith(".tar.bz2")]
        hidden.update(fn for fn in old if (twin := f"{fn[:-8]}.conda") in fns and twin not in self._removed)
        return hidden

    def _address(self, fn: str) -> str:
        return f"{self._lead}{fn}{self._tail}"

    def _completed(self, name: str, fn: str, raw: bytes) -> RepoDataRecord:
        """The record with what its place says: file name, addresses, and the bytes it came from."""
        try:
            record = _record.decode(raw)
        except msgspec.ValidationError:
            record = _lenient(raw)
        return placed(record, name, fn, self._address(fn), self._public, self.subdir, raw)


class _Shelf:
    """Undecoded rows of the names looked at last. All of them would be most of the memory of a solve in a deep channel,
    and a name is read again in a thousandth of a second."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[Table, int]] = {}
        self._bytes = 0

    def rows(self, name: str, read: Callable[[str], tuple[Table, int]]) -> Table:
        """Those of a name; ``read`` gives them and how many bytes they take."""
        found = self._rows.pop(name, None)
        if found is None:
            found = read(name)
            self._bytes += found[1]
        self._rows[name] = found  # as the last: those at the front go first
        while self._bytes > _SHELF_BYTES and len(self._rows) > 1:
            _, size = self._rows.pop(next(iter(self._rows)))
            self._bytes -= size
        return found[0]


class _Reader:
    """Reads single records of one name."""

    def __init__(self, repodata: RepoData, name: str) -> None:
        self._repodata, self._name = repodata, name

    def __call__(self, fn: str) -> RepoDataRecord:
        owner = self._repodata
        raw = bytes(owner._shelf.rows(self._name, owner._read_rows)[fn])
        try:
            return owner._completed(self._name, fn, raw)
        except BROKEN as error:
            owner._pass_over(repr(fn), error)
            head = _heads.decode(b"{%b:%b}" % (msgspec.json.encode(fn), raw))[fn]
            known = msgspec.structs.asdict(head)
            return RepoDataRecord(**known, depends=(UNREADABLE,), fn=fn, url=owner._address(fn), subdir=owner.subdir)


def _lenient(raw: bytes) -> RepoDataRecord:
    """A record as careless tools write it: null for what is missing, numbers as text, our own fields filled."""
    fields = msgspec.json.decode(raw, type=dict[str, object])
    kept = {key: value for key, value in fields.items() if value is not None and key not in _OWN_FIELDS}
    return msgspec.convert(kept, RepoDataRecord, strict=False)


class RepoDataSplitter:
    """Takes the bytes of a ``repodata.json`` as they arrive; `finish` gives the `RepoData`, its pages in memory."""

    def __init__(self, channel: Channel, subdir: str, *, url: str | None = None, largest: int = LARGEST) -> None:
        self._channel, self._subdir = channel, subdir
        self._url = mask_secrets(url or channel.repodata_url(subdir))
        self._pages = MemoryPages()
        self._splitter = IndexSplitter(self._pages, self._url, largest=largest)
        self.feed = self._splitter.feed
        """Take the next bytes of the document."""

    def finish(self) -> RepoData:
        """The document is complete."""
        return RepoData.assemble(self._channel, self._subdir, self._pages, self._splitter.finish(), self._url)
