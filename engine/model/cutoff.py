"""How new a package may be: ``exclude_newer`` (CEP 47, "Client behavior"), in conda's words and with its meaning.

Rule of this file: pure; what time it is comes in as an argument. A value is a *duration* back from now (``7d``,
``3d12h``, ``2 weeks``, ``P7DT12H``, or a number of seconds) or a *moment* (``2026-04-01``, ``2026-04-01T12:00:00Z``).
A date alone means all of that day, in UTC; a time without an offset is UTC too. Nothing at all means no limit, and in
overrides ``false`` does.

A record's time is that at which the channel listed it (``indexed_timestamp``), else that at which it was built
(``timestamp``), which its builder could choose. A record with neither is kept, as conda keeps it: dropping it would
not keep out who lies, since the same hand could have written any ``timestamp``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from engine.errors import ConfigError
from engine.model.records import RecordHead

_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_UNIT: Final = r"w(?:eeks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?"
_PARTS: Final = re.compile(rf"(?:\s*[0-9]{{1,9}}\s*(?:{_UNIT}))+\s*", re.ASCII | re.IGNORECASE)
_PART: Final = re.compile(rf"([0-9]{{1,9}})\s*({_UNIT})", re.ASCII | re.IGNORECASE)
_ISO: Final = re.compile(
    r"P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?",
    re.ASCII | re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
_MOMENT: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?P<time>[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_DATE_OF_DIGITS: Final = re.compile(r"(?:19|20)[0-9]{6}", re.ASCII)
"""A date to whoever wrote it, and 234 days in seconds to a parser: refused rather than guessed."""
_NO_LIMIT: Final = frozenset({"false", "no", "off", "<false>"})


class Cutoffs(msgspec.Struct, frozen=True):
    """The last moment, in Unix milliseconds, from which packages are taken; None for no limit.

    A package's own limit is stronger than its channel's, and that than the general one.
    """

    everywhere: int | None = None
    channels: Mapping[str, int | None] = {}
    """By address without secrets and without a slash at the end."""
    packages: Mapping[str, int | None] = {}

    def __bool__(self) -> bool:
        """Whether there is any limit."""
        return any(limit is not None for limit in (self.everywhere, *self.channels.values(), *self.packages.values()))

    def limit(self, name: str, channel: str) -> int | None:
        """The limit for a package of a channel."""
        if name in self.packages:
            return self.packages[name]
        return self.channels.get(channel.rstrip("/"), self.everywhere)


def known_since(record: RecordHead) -> int:
    """When a package came, in Unix milliseconds; 0 where nobody says."""
    return record.indexed_timestamp or record.timestamp_ms


def parse_cutoff(text: str, now_ms: int) -> int | None:
    """The moment that ``text`` means, in Unix milliseconds; None for no limit. Raises `ConfigError`."""
    text = text.strip()
    if not text or text.lower() in _NO_LIMIT:
        return None
    seconds = _duration(text)
    found = _moment(text) if seconds is None else now_ms - round(seconds * 1000)
    if found is None:
        raise ConfigError(
            f"exclude_newer is {text!r}, expected a duration or a date",
            hint="Say for example 7d, 3d12h, P7D, 2026-04-01 or 2026-04-01T12:00:00Z.",
        )
    return found


def _duration(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return None if _DATE_OF_DIGITS.fullmatch(text) else float(text)
    if _PARTS.fullmatch(text):
        return sum(int(count) * _SECONDS[unit[0].lower()] for count, unit in _PART.findall(text))
    found = _ISO.fullmatch(text)
    if found is None or text[-1] in "PpTt":
        return None
    return sum(int(count or 0) * seconds for count, seconds in zip(found.groups(), _SECONDS.values(), strict=True))


def _moment(text: str) -> int | None:
    parts = _MOMENT.fullmatch(text)
    if parts is None:
        return None
    offset = (parts["offset"] or "Z").upper().replace("Z", "+00:00")
    try:
        found = datetime.fromisoformat(f"{parts['date']}T{(parts['time'] or '')[1:] or '00:00'}{offset}")
        return round((found + timedelta(days=0 if parts["time"] else 1)).timestamp() * 1000)
    except (ValueError, OverflowError):  # no such day, or the end of all years
        return None


def parse_cutoffs(
    everywhere: str,
    packages: Mapping[str, str],
    channels: Sequence[tuple[Sequence[str], str]],
    now_ms: int,
) -> Cutoffs:
    """All limits of a configuration. ``channels``: addresses and the value for them, the strongest first."""
    by_channel: dict[str, int | None] = {}
    for addresses, text in channels:
        limit = parse_cutoff(text, now_ms)
        for address in addresses:
            by_channel.setdefault(address.rstrip("/"), limit)
    return Cutoffs(
        everywhere=parse_cutoff(everywhere, now_ms),
        channels=by_channel,
        packages={name.lower(): parse_cutoff(text, now_ms) for name, text in packages.items()},
    )
