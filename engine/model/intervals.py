"""Sets of version keys as sorted bounds. Rule: plain set arithmetic, without a word about versions.

A set is a flat tuple ``(low, high, low, high, …)`` of half-open intervals, strictly rising, so that whether a key is
inside is one bisection: it is if an odd number of bounds are not greater than the key.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import TypeAlias

from engine.model.version_key import HIGHEST, LOWEST, Interval, Key

Bounds: TypeAlias = "tuple[Key, ...]"

EVERYTHING: Bounds = (LOWEST, HIGHEST)


def union(sets: Iterable[Bounds]) -> Bounds:
    """What is in any of the sets."""
    spans = sorted(span for bounds in sets for span in _spans(bounds))
    out: list[Key] = []
    for low, high in spans:
        if out and low <= out[-1]:
            out[-1] = max(out[-1], high)
        else:
            out += (low, high)
    return tuple(out)


def intersection(sets: Iterable[Bounds]) -> Bounds:
    """What is in all of the sets (`EVERYTHING` if there are none)."""
    return complement(union(complement(bounds) for bounds in sets))


def complement(bounds: Bounds) -> Bounds:
    """What is not in the set."""
    if not bounds:
        return EVERYTHING
    inner = bounds[1:] if bounds[0] == LOWEST else (LOWEST, *bounds)
    return inner[:-1] if inner[-1] == HIGHEST else (*inner, HIGHEST)


def contains_function(bounds: Bounds) -> Callable[[Key], bool]:
    """The test of membership for these bounds."""
    if not bounds:
        return lambda key: False
    if bounds == EVERYTHING:
        return lambda key: True
    return lambda key: bisect_right(bounds, key) & 1 == 1


def _spans(bounds: Bounds) -> Iterable[Interval]:
    return zip(bounds[::2], bounds[1::2], strict=True)
