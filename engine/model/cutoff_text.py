"""The words of ``exclude_newer`` (CEP 47, "Client behavior"): a duration or a date → a moment.

Rule of this file: pure; what time it is comes in as an argument. A value is a *duration* back from now (``7d``,
``3d12h``, ``2 weeks``, ``P7DT12H``, or a number of seconds) or a *moment* (``2026-04-01``, ``2026-04-01T12:00:00Z``).
A date alone means all of that day, in UTC; a time without an offset is UTC too. Nothing at all means no limit, and in
overrides ``false`` does. It is imported where somebody says such a word.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from engine.errors import ConfigError

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
