"""How new a package may be: ``exclude_newer`` (CEP 47, "Client behavior"), in conda's words and with its meaning.

Rule of this file: pure; what time it is comes in as an argument, and what a value means is in
`engine.model.cutoff_text`.

A record's time is that at which the channel listed it (``indexed_timestamp``), else that at which it was built
(``timestamp``), which its builder could choose. A record with neither is kept, as conda keeps it: dropping it would
not keep out who lies, since the same hand could have written any ``timestamp``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from engine.model.records import RecordHead


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


def parse_cutoffs(
    everywhere: str,
    packages: Mapping[str, str],
    channels: Sequence[tuple[Sequence[str], str]],
    now_ms: int,
) -> Cutoffs:
    """All limits of a configuration. ``channels``: addresses and the value for them, the strongest first."""
    by_channel: dict[str, int | None] = {}
    for addresses, text in channels:
        limit = _moment(text, now_ms)
        for address in addresses:
            by_channel.setdefault(address.rstrip("/"), limit)
    return Cutoffs(
        everywhere=_moment(everywhere, now_ms),
        channels=by_channel,
        packages={name.lower(): _moment(text, now_ms) for name, text in packages.items()},
    )


def _moment(text: str, now_ms: int) -> int | None:
    if not text:
        return None
    from engine.model.cutoff_text import parse_cutoff

    return parse_cutoff(text, now_ms)
