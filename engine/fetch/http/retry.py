"""When to ask a server again, and how long to wait before. Pure: the clock and the dice are handed in."""

from __future__ import annotations

from datetime import datetime, timezone

from engine.fetch.http.settings import TransportSettings

RETRIED_STATUSES = frozenset({408, 413, 425, 429, 500, 502, 503, 504})
"""Answers that say "later" (RFC 9110 §15; conda and mamba retry 413, 429 and 5xx). Cloudflare's 52x are added below."""


def is_retried(status: int) -> bool:
    """Whether the same request may fare better in a while."""
    return status in RETRIED_STATUSES or 520 <= status <= 530


def pause(attempt: int, settings: TransportSettings, dice: float) -> float:
    """Seconds to wait before retry number ``attempt`` (from 1); ``dice`` in [0, 1) spreads clients apart."""
    longest = settings.retry_wait * settings.backoff_factor ** (attempt - 1)
    return min(settings.longest_wait, longest) * (0.5 + dice / 2)


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for (a number or a date, RFC 9110 §10.2.3), or None."""
    if not header:
        return None
    if header.isascii() and header.strip().isdigit():
        return float(header)
    from email.utils import parsedate_to_datetime  # of use to few, and slow to load

    try:
        then = parsedate_to_datetime(header)
    except (ValueError, IndexError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=timezone.utc)
    return max(0.0, (then - now).total_seconds())
