"""Earlier states of an environment, by its history: which packages it had, and what had been asked for.

Rule of this file: pure. Histories may be conda's, micromamba's or ours; all note what was added and removed (CEP 32).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from engine.errors import PrefixError
from engine.link.prefix.history import Revision, requested_specs


class Past(msgspec.Struct, frozen=True):
    """The state after one revision."""

    dists: Mapping[str, str]
    """Name → ``channel/subdir::name-version-build``, or without what stands before ``::``."""
    requested: Mapping[str, str]
    """Name → the spec that had asked for it; only for packages that were there."""


def past(history: Sequence[Revision], number: int) -> Past:
    """The state after revision ``number`` (0 is the first). Raises `PrefixError` if there is no such revision."""
    if not 0 <= number < len(history):
        last = f"the last one is {len(history) - 1}" if history else "it has no history"
        raise PrefixError(
            f"There is no revision {number} of the environment: {last}.",
            hint="`whipsnake list --revisions` shows them.",
        )
    dists: dict[str, str] = {}
    for revision in history[: number + 1]:
        if revision.listed and not (revision.linked or revision.unlinked):
            dists = {_name(text): text for text in revision.listed}
        for text in revision.unlinked:
            dists.pop(_name(text), None)
        for text in revision.linked:
            dists[_name(text)] = text
    requested = requested_specs(history[: number + 1])
    return Past(dists, {name: spec for name, spec in requested.items() if name in dists})


def _name(text: str) -> str:
    return dist_of(text).rsplit("-", 2)[0]


def dist_of(text: str) -> str:
    """``name-version-build`` out of what a history notes of a package."""
    return text.rpartition("::")[2]


def channel_of(text: str) -> str:
    """The channel that a history notes for a package, name or address without the platform; "" if it notes none."""
    place = text.rpartition("::")[0]
    return place.rpartition("/")[0] or place
