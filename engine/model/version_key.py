"""The order of versions (CEP 33) as plain tuples, so that comparing two versions is one comparison in C.

Rule of this file: it knows segments and numbers, not texts. A version is an epoch and two lists of segments (main
and local); a segment is a list of components. CEP 33 compares component by component and takes 0 for whatever is
missing, with "dev" < other strings < numbers < "post". Tuples know no such filler, so we write versions down in a
form in which the filler can't matter:

* Trailing zeros are dropped, of a segment and of a list; the end is written as 0.
* A run of ``k`` zeros before something greater than 0 is written as one small positive number, before something less
  than 0 as one small negative number. More zeros bring it nearer to 0, that is, to what an infinite run (the end)
  is. Zero components use 1/(k+1), zero segments the still smaller 2**-10/k.
* A number n > 0 stands for itself; "post" is a number greater than all; a string is a negative number (-1, or as
  above after zeros) followed by the string itself; "dev" is the empty string.

So equal versions have equal keys, no key is the beginning of another, and at the first place where two keys differ
the same kind of value stands in both. "1.2" is ``(0, 1, 0, 2, 0, 0, 0)``: epoch; 1, end; 2, end; end of main; end of
local. "1.0rc1" is ``(0, 1, 0, -0.5, "rc", 1, 0, 0, 0)``.

All versions that begin with a prefix (``1.2.*``) lie side by side in this order, so every version constraint but
globs and regular expressions is a union of intervals of keys: see `prefix_bounds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TypeAlias

Component: TypeAlias = "int | str"
Segment: TypeAlias = "Sequence[Component]"
Key: TypeAlias = "tuple[int | float | str, ...]"
Interval: TypeAlias = "tuple[Key, Key]"
"""Half-open: ``low <= key < high``."""

POST = 1 << 64
"""Greater than every number that a version may hold."""
DEV = ""
"""Less than every other string."""
LOWEST: Key = ()
"""Not greater than any key."""
HIGHEST: Key = (inf,)
"""Greater than every key."""

_SEGMENT_RUN = 2.0**-10  # less than 1/(k+1) for every run of components that fits into the longest version


def after(key: Key) -> Key:
    """The bound just above ``key``: less than all greater keys, as no key begins with another."""
    return (*key, 0)


def version_key(epoch: int, main: Sequence[Segment], local: Sequence[Segment]) -> Key:
    """The key of a version; ``local`` may be empty."""
    out: list[int | float | str] = [epoch]
    _write_segments(main, out)
    out.append(0)
    _write_segments(local, out)
    out.append(0)
    return tuple(out)


def release_key(epoch: int, numbers: Sequence[int]) -> Key:
    """The same as `version_key` for one number a segment and no local part: nine versions in ten, in half the time."""
    out: list[int | float | str] = [epoch]
    zeros = 0
    for number in numbers:
        if number:
            if zeros:
                out.append(_SEGMENT_RUN / zeros)
                zeros = 0
            out += (number, 0)
        else:
            zeros += 1
    out += (0, 0)
    return tuple(out)


def prerelease_key(epoch: int, numbers: Sequence[int], word: str, number: int) -> Key:
    """The same for one word, and a number or 0, after the last of the numbers, as in 1.2.0rc1."""
    last = numbers[-1]
    written: list[int | float | str] = [last, -1, word] if last else [-0.5, word]
    if number:
        written.append(number)
    out: list[int | float | str] = [epoch]
    zeros = 0
    for before in numbers[:-1]:
        if before:
            if zeros:
                out.append(_SEGMENT_RUN / zeros)
                zeros = 0
            out += (before, 0)
        else:
            zeros += 1
    if zeros:
        out.append(_segment_run(zeros, written))
    out += (*written, 0, 0, 0)
    return tuple(out)


def prefix_bounds(epoch: int, main: Sequence[Segment], local: Sequence[Segment]) -> Interval:
    """The interval of all versions that begin with the given one, its last segment being open too.

    ``1.0`` begins ``1.0.3``, ``1.0rc1``, ``1`` (missing parts are 0) and ``1.0+7``. With a local part the main parts
    must be equal. conda, mamba and rattler agree on this reading of CEP 29's "fuzzy equality". Nothing at all
    (an empty ``main``) begins every version of the epoch.
    """
    out: list[int | float | str] = [epoch]
    parts = main
    if not main:
        return (epoch,), (epoch, inf)
    if local:
        _write_segments(main, out)
        out.append(0)
        parts = local
    zeros = _write_segments(parts[:-1], out)
    low, high = _last_segment_bounds(parts[-1], zeros)
    return (*out, *low), (*out, *high)


def _write_segments(segments: Sequence[Segment], out: list[int | float | str]) -> int:
    """Append segments to ``out``; return how many zero segments at the end were left out."""
    zeros = 0
    for segment in segments:
        written: list[int | float | str] = []
        _write_components(segment, written)
        if not written:
            zeros += 1
            continue
        if zeros:
            out.append(_segment_run(zeros, written))
            zeros = 0
        out += written
        out.append(0)
    return zeros


def _write_components(components: Segment, out: list[int | float | str]) -> int:
    """Append components to ``out``; return how many zeros at the end were left out."""
    zeros = 0
    for component in components:
        if component == 0:
            zeros += 1
            continue
        if isinstance(component, str):
            out += (-1 / (zeros + 1) if zeros else -1, component)
        elif zeros:
            out += (1 / (zeros + 1), component)
        else:
            out.append(component)
        zeros = 0
    return zeros


def _segment_run(zeros: int, following: Sequence[int | float | str]) -> float:
    """What stands for ``zeros`` zero segments before a segment written as ``following`` (its first is a number)."""
    first = following[0]
    return -_SEGMENT_RUN / zeros if isinstance(first, str) or first < 0 else _SEGMENT_RUN / zeros


def _last_segment_bounds(segment: Segment, zero_segments: int) -> Interval:
    """What may follow a prefix's written part: its last segment, after ``zero_segments`` not yet written."""
    written: list[int | float | str] = []
    zeros = _write_components(segment, written)
    if written:
        if zero_segments:
            written.insert(0, _segment_run(zero_segments, written))
        # After z zeros the next component is nearer to 0 than after fewer; without zeros anything may follow.
        reach = 1 / (zeros + 0.5) if zeros else inf
        return (*written, -reach), (*written, reach)
    reach = 1 / (zeros + 0.5)
    if not zero_segments:
        return (-reach,), (reach,)
    run = _SEGMENT_RUN / zero_segments
    return (-run, -reach), (run, reach)
