"""Package specifications: `MatchSpec` (CEP 29), which says what packages are meant and whether a record is one.

Rule of this file: the fields and how a record is compared with them. Reading is in `match_spec_parse`, writing in
`match_spec_text`.

In a search every field counts (`MatchSpec.matches`); a solver, which knows the name already and handles channels by
itself, asks `matches_version_build` (CEP 29, appendix B).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from engine.errors import InvalidMatchSpec
from engine.model.condition import Condition, parse_condition
from engine.model.match_spec_keys import Fields
from engine.model.match_spec_parse import parse_fields
from engine.model.match_spec_text import canonical_text, conda_build_text
from engine.model.records import PackageRecord, RepoDataRecord
from engine.model.text_match import TextMatcher, is_pattern
from engine.model.url import MASK, mask_secrets, strip_secrets
from engine.model.version import Version
from engine.model.version_spec import VersionSpec


class _RawFields(msgspec.Struct):
    """What only the index's own text of a record knows."""

    license: str | None = None
    license_family: str | None = None


_RAW_DECODER = msgspec.json.Decoder(_RawFields)
_RAW_SHARD_DECODER = msgspec.msgpack.Decoder(_RawFields)
"""Records of shards are written in MessagePack (CEP 16), where no map begins with what JSON may begin with."""


class MatchSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What packages are meant. None or empty means that anything will do. Made by `parse`; changed by `with_`."""

    name: str | None = None
    """The plain name, in lower case; None for any and for patterns."""
    name_matcher: TextMatcher | None = None
    """Set if the name is a glob or a regular expression."""
    version: VersionSpec | None = None
    build: TextMatcher | None = None
    build_number: VersionSpec | TextMatcher | None = None
    channel: str | None = None
    """A name, an address (which may hold secrets) or a pattern, as it was written and without the subdir."""
    subdir: str | None = None
    url: str | None = None
    """Of the one package that is meant; may hold secrets."""
    fn: str | None = None
    md5: str | None = None
    sha256: str | None = None
    license: str | None = None
    license_family: str | None = None
    features: tuple[str, ...] = ()
    track_features: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    """Groups of optional dependencies to take along (CEP 44). They select nothing."""
    flags: tuple[str, ...] = ()
    """Flags that the package must have, maybe globs (CEP 45)."""
    when: Condition | None = None
    """When this dependency counts at all (CEP 43). It does not take part in matching."""
    has_rare_fields: bool = False
    """Whether a record must be asked for more than name, version, build and origin. Follows from the others."""

    @classmethod
    def parse(cls, text: str) -> MatchSpec:
        """The specification that ``text`` says; the same object for the same text. Raises `InvalidMatchSpec`."""
        found = _PARSED.get(text)
        if found is None:
            found = _PARSED[text] = _parse(text)
        return found

    @property
    def exact_name(self) -> str | None:
        """The name, if it is a plain one."""
        return self.name

    def matches(self, record: PackageRecord) -> bool:
        """Whether ``record`` is meant, all fields considered; those it can't know (no channel, no licence) don't match.

        A channel given by name matches the channels whose address ends with that name; who knows the user's
        channels replaces names by addresses first (`with_`).
        """
        return (
            self._matches_name(record.name)
            and self.matches_version_build(record)
            and (self.subdir is None or _text_matches(self.subdir, record.subdir))
            and self._matches_origin(record)
        )

    def matches_version_build(self, record: PackageRecord) -> bool:
        """Whether a record known to have the right name is meant; channel, subdir, url and file name don't count.

        Raises `InvalidVersion` if the record's version is none and this specification has one.
        """
        version, build = self.version, self.build
        if version is not None and not version.matches(Version.parse(record.version)):
            return False
        if build is not None and not build.matches(record.build):
            return False
        return not self.has_rare_fields or self._matches_rare(record)

    def __post_init__(self) -> None:
        """Set `has_rare_fields`, so that the hot path asks one question instead of eight."""
        rare = (self.build_number, self.md5, self.sha256, self.license, self.license_family)
        lists = self.features or self.track_features or self.flags
        msgspec.structs.force_setattr(self, "has_rare_fields", bool(lists) or any(field is not None for field in rare))

    def _matches_name(self, name: str) -> bool:
        if self.name is not None:
            return self.name == name
        return self.name_matcher is None or self.name_matcher.matches(name)

    def _matches_rare(self, record: PackageRecord) -> bool:
        digests = ((self.md5, record.md5), (self.sha256, record.sha256))
        if not all(wanted is None or _text_matches(wanted, found) for wanted, found in digests):
            return False
        if not self._matches_build_number(record.build_number):
            return False
        if not record.feature_names.issuperset(self.track_features):
            return False
        if not set((record.features or "").replace(",", " ").split()).issuperset(self.features):
            return False
        if not all(any(_text_matches(flag, have) for have in record.flag_names) for flag in self.flags):
            return False
        return not (self.license or self.license_family) or self._matches_raw(record)

    def _matches_build_number(self, number: int) -> bool:
        wanted = self.build_number
        if isinstance(wanted, VersionSpec):
            return wanted.matches(Version.parse(str(number)))
        return wanted is None or wanted.matches(str(number))

    def _matches_raw(self, record: PackageRecord) -> bool:
        """The licence, which records keep only as the index wrote it."""
        raw = record.raw if isinstance(record, RepoDataRecord) else b""
        try:
            found = _RAW_SHARD_DECODER.decode(raw) if raw[:1] >= b"\x80" else _RAW_DECODER.decode(raw or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        texts = ((self.license, found.license), (self.license_family, found.license_family))
        return all(wanted is None or _text_matches(wanted, value) for wanted, value in texts)

    def _matches_origin(self, record: PackageRecord) -> bool:
        """Channel, URL and file name, which only a record that can be fetched has."""
        if not isinstance(record, RepoDataRecord):
            return self.channel is None and self.url is None and self.fn is None
        if self.channel is not None and not _channel_matches(self.channel, record.channel):
            return False
        if self.fn is not None and not _text_matches(self.fn, record.fn):
            return False
        return self.url is None or _text_matches(strip_secrets(self.url), strip_secrets(record.url))

    def with_(self, **fields: Any) -> MatchSpec:
        """A copy with other values in some fields."""
        return msgspec.structs.replace(self, **fields)

    def to_conda_build_form(self) -> str:
        """``name version build``, as conda-meta's ``requested_spec`` and the history have it."""
        return conda_build_text(self)

    def __str__(self) -> str:
        return canonical_text(self)

    def __repr__(self) -> str:
        return f"MatchSpec({mask_secrets(str(self))!r})"


_PARSED: dict[str, MatchSpec] = {}
"""One entry for each distinct text: some 30 000 in the greatest channel."""


def _parse(text: str) -> MatchSpec:
    try:
        fields: Fields = parse_fields(text)
        if isinstance(when := fields.get("when"), str):
            fields["when"] = parse_condition(when, _parse_inner)
        return msgspec.structs.replace(_ANY, **fields)
    except InvalidMatchSpec as error:
        masked = mask_secrets(text)
        if masked == text:
            raise
        # The place would be wrong in the masked text; and a part of an address may no longer look like one.
        raise InvalidMatchSpec(masked, _hidden(error.reason, text, masked), hint=error.hint) from None


def _hidden(reason: str, text: str, masked: str) -> str:
    """What is wrong with ``text``, without its words that ``masked`` does not show."""
    secret = frozenset(_WORDS.findall(text)).difference(_WORDS.findall(masked))
    for word in sorted(secret, key=len, reverse=True):
        reason = reason.replace(word, MASK)
    return mask_secrets(reason)


_WORDS = re.compile(r"[^\s/:@,'\"\[\]]+")


def _parse_inner(text: str) -> MatchSpec:
    """A specification within a condition. Its own condition is refused unread, so that nesting can't run deep."""
    fields = parse_fields(text)
    if "when" in fields:
        raise InvalidMatchSpec(text, "a condition can't have a condition of its own")
    return msgspec.structs.replace(_ANY, **fields)


_ANY = MatchSpec()


def _text_matches(wanted: str, found: str | None) -> bool:
    return found is not None and TextMatcher.parse(wanted).matches(found)


def _channel_matches(wanted: str, found: str) -> bool:
    """Whether the channel at the address ``found`` is the one meant by a name, an address or a pattern."""
    found = found.rstrip("/")
    if is_pattern(wanted):
        return _text_matches(wanted, found) or _text_matches(wanted, found.rpartition("/")[2])
    wanted = strip_secrets(wanted).rstrip("/").lower() if "://" in wanted else wanted.lower()
    return found.lower() == wanted or ("://" not in wanted and found.lower().endswith(f"/{wanted}"))
