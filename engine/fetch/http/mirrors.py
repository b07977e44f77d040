"""Which places have a channel's files, and which of them work. Pure: the clock is handed in.

    mirrored_channels:
      conda-forge:
        - https://conda.example.org/conda-forge
        - https://mirror.example.net/conda-forge
        - oci://ghcr.io/channel-mirrors/conda-forge

Rule of this file: places are asked in the order in which they are written; one that fails is passed over for a while,
longer each time, and is asked again before anything is given up. What a record is called never depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from engine.model.url import strip_secrets

FIRST_REST, LONGEST_REST = 60.0, 600.0
"""Seconds that a place which failed is passed over: doubled with each further failure in a row."""


class Place(msgspec.Struct, frozen=True):
    """One address of a file."""

    base: str
    """The mirror it belongs to; empty where there is but one place."""
    url: str


class MirrorState(msgspec.Struct):
    """How one mirror has done in this run."""

    answers: int = 0
    failures: int = 0
    failures_in_a_row: int = 0
    rests_until: float = 0.0
    bytes: int = 0


class Mirrors:
    """The mirrors of a run."""

    def __init__(self, channels: Mapping[str, tuple[str, ...]]) -> None:
        """``channels``: address of a channel → addresses of its mirrors, the preferred one first."""
        self._channels = {base.rstrip("/") + "/": mirrors for base, mirrors in channels.items()}
        self.states: dict[str, MirrorState] = {
            mirror.rstrip("/"): MirrorState() for mirrors in channels.values() for mirror in mirrors
        }

    def places(self, url: str, now: float) -> list[Place]:
        """Where to ask for ``url``, in order; the address itself where it is of no mirrored channel."""
        base = next((base for base in self._channels if url.startswith(base)), None)
        if base is None:
            return [Place("", url)]
        rest = url[len(base) :]
        mirrors = [mirror.rstrip("/") for mirror in self._channels[base]]
        mirrors.sort(key=lambda mirror: self._rest(mirror, now))  # stable: healthy ones stay in their order
        return [Place(mirror, f"{mirror}/{rest}") for mirror in mirrors]

    def _rest(self, mirror: str, now: float) -> float:
        until = self.states[mirror].rests_until
        return until if until > now else 0.0

    def is_resting(self, place: Place, now: float) -> bool:
        """Whether the place failed not long ago."""
        return bool(place.base) and self.states[place.base].rests_until > now

    def failed(self, base: str, now: float, wait: float | None = None) -> None:
        """The mirror did not do; ``wait`` is how long it asked to be left alone."""
        if (state := self.states.get(base)) is None:
            return
        state.failures += 1
        rest = min(LONGEST_REST, FIRST_REST * 2.0**state.failures_in_a_row)
        state.failures_in_a_row += 1
        state.rests_until = now + max(rest, wait or 0.0)

    def answered(self, base: str) -> None:
        """The mirror gave an answer."""
        if (state := self.states.get(base)) is not None:
            state.answers += 1
            state.failures_in_a_row, state.rests_until = 0, 0.0

    def received(self, base: str, amount: int) -> None:
        """Bytes of a body came from the mirror."""
        if (state := self.states.get(base)) is not None:
            state.bytes += amount

    def summary(self) -> list[str]:
        """What each mirror that was asked did, for people."""
        return [
            f"{_shown(base)}: {state.answers} answers, {state.failures} failures, {state.bytes} bytes"
            for base, state in self.states.items()
            if state.answers or state.failures
        ]


def _shown(base: str) -> str:
    return strip_secrets(base) if urlsplit(base).netloc else base
