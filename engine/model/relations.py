"""Channels that name other channels (CEP 42): which ones a request needs besides its own, and their order. Pure.

A *base* ranks above the channel that names it, what a channel *overrides* ranks below it. Whoever loads indexes calls
`ChannelGraph.declare` for each, loads the channels that come out, and asks for the `order` at the end. The order that
the user gave stands above all that channels say.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

import heapq
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import msgspec

from engine.errors import RepodataError
from engine.model.channel import Channel
from engine.model.url import mask_secrets, split_url

DEPTH: Final = 10
"""How many steps away from the user's channels others may be (CEP 42, ``channel_relations_max_depth``)."""

MOST: Final = 64
"""Channels that others may bring along in all: depth alone would not keep a hostile server from naming a million."""

_REFERENCE: Final = re.compile(r"\.\.(?:/[^/\\?#%:\x00-\x20\x7f]+)*/?")
_OFF: Final = "Set `channel_relations_max_depth: 0` to use only the channels that you name."

Key: TypeAlias = "tuple[str, tuple[str, ...]]"


class Relations(msgspec.Struct, frozen=True):
    """What one subdir says in ``info.channel_relations``. Other keys are passed over, as CEP 42 wants it."""

    base: str | None = None
    overrides: str | None = None


class _Info(msgspec.Struct, frozen=True):
    channel_relations: Relations | None = None


_decode_info: Final = msgspec.json.Decoder(_Info).decode  # made here: two threads at once would crash msgspec


def read_relations(info: bytes, url: str) -> Relations:
    """What the member ``info`` of an index (JSON) says. Raises `RepodataError` where that is malformed.

    ``url`` is the index's, without secrets.
    """
    try:
        return _decode_info(info).channel_relations or Relations()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        message = f"Could not read {url}: its 'channel_relations' are malformed: {error}"
        raise RepodataError(message, hint=_OFF) from error


def related_channel(declaring: Channel, reference: str) -> Channel:
    """The channel that ``declaring`` means by a reference such as ``../conda-forge``: always on the same server.

    Raises `RepodataError` for anything but a relative path that begins with ``..`` and stays below the server's root.
    """
    parts = split_url(declaring.base_url)
    path = [piece for piece in parts.path.split("/") if piece]
    if not _REFERENCE.fullmatch(reference):
        raise _wrong(declaring, reference, "it must be a relative path that begins with '../'")
    for piece in reference.rstrip("/").split("/"):
        if piece == "..":
            if not path:
                raise _wrong(declaring, reference, "it leads out of the server")
            path.pop()
        elif piece != ".":
            path.append(piece)
    place = "".join(f"/{piece}" for piece in path)
    return Channel(_name(declaring, parts.path, place), msgspec.structs.replace(parts, path=place).build())


def _name(declaring: Channel, own: str, place: str) -> str:
    """The short name of ``place`` if the declaring channel, at ``own``, has one from the same root."""
    root = own.removesuffix(f"/{declaring.name}")
    if root != own and place.startswith(f"{root}/"):
        return place[len(root) + 1 :]
    return msgspec.structs.replace(split_url(declaring.public_url), path=place).build()


def _wrong(declaring: Channel, reference: str, reason: str) -> RepodataError:
    shown = mask_secrets(reference[:200])
    return RepodataError(
        f"The channel {declaring.name} names a related channel that can't be used, {shown!r}: {reason}", hint=_OFF
    )


class _Edge(msgspec.Struct, frozen=True):
    """``above`` ranks higher than ``below``, as ``by`` says (the user, or a channel's base or overrides)."""

    above: Key
    below: Key
    by: Literal["user", "base", "overrides"]


class ChannelGraph:
    """The user's channels, those that they name, and so on; nodes are told apart by their public address."""

    def __init__(self, channels: Sequence[Channel], *, depth: int = DEPTH) -> None:
        """``channels`` in the user's order, each once; ``depth`` 0 means that no relation is followed."""
        self._limit = depth
        self._channels: dict[Key, Channel] = {_key(channel): channel for channel in channels}
        self._user = {key: rank for rank, key in enumerate(self._channels)}
        self._depth = dict.fromkeys(self._channels, 0)
        self._anchor = dict(self._user)
        """The rank of the first of the user's channels that leads here."""
        self._places: dict[str, Key] = {}
        for key in self._channels:
            self._places.setdefault(key[0], key)
        keys = list(self._channels)
        self._edges = [_Edge(above, below, "user") for above, below in pairwise(keys)]

    def declare(self, channel: Channel, relations: Relations) -> list[Channel]:
        """Take what a subdir of ``channel`` says; gives the channels that nobody had named before.

        Raises `RepodataError` for references that can't be used, or that lead too far.
        """
        base, overrides = (
            related_channel(channel, reference) if reference and self._limit else None
            for reference in (relations.base, relations.overrides)
        )
        if base and overrides and base.public_url == overrides.public_url:
            raise _wrong(channel, relations.base or "", "it is named both as base and as overridden")
        own = self._known(channel)
        found: list[Channel] = []
        if base:
            self._add(_Edge(self._reach(base, channel, found), own, "base"))
        if overrides:
            self._add(_Edge(own, self._reach(overrides, channel, found), "overrides"))
        return found

    def _known(self, channel: Channel) -> Key:
        key = _key(channel)
        return key if key in self._channels else self._places[key[0]]

    def _reach(self, target: Channel, declaring: Channel, found: list[Channel]) -> Key:
        """The node of ``target``, made if it is new."""
        source = self._known(declaring)
        known = self._places.get(target.public_url)
        if known is not None:
            if known not in self._user:
                self._anchor[known] = min(self._anchor[known], self._anchor[source])
            return known
        if self._depth[source] >= self._limit:
            raise RepodataError(
                f"The channel {declaring.name} names {target.name}, which is more than {self._limit} steps away "
                "from the channels that were asked for",
                hint="Raise `channel_relations_max_depth`, or name the channels that you want.",
            )
        if len(self._channels) >= len(self._user) + MOST:
            raise RepodataError(f"The channels bring along more than {MOST} others", hint=_OFF)
        key = _key(target)
        self._channels[key], self._places[key[0]] = target, key
        self._depth[key], self._anchor[key] = self._depth[source] + 1, self._anchor[source]
        found.append(target)
        return key

    def _add(self, edge: _Edge) -> None:
        """CEP 42, "Interaction with user-specified channels": what contradicts the user's order does not count."""
        above, below = self._user.get(edge.above), self._user.get(edge.below)
        contradicts = above is not None and below is not None and below < above
        if not contradicts and edge not in self._edges:
            self._edges.append(edge)

    def order(self) -> tuple[Channel, ...]:
        """All channels, the first one first. Raises `RepodataError` if what they say of each other goes in circles.

        Where several orders are right, a channel stands as near as can be to the one that named it, and below what
        the user put higher.
        """
        waiting = dict.fromkeys(self._channels, 0)
        below: dict[Key, list[Key]] = {}
        for edge in self._edges:
            waiting[edge.below] += 1
            below.setdefault(edge.above, []).append(edge.below)
        numbers = {key: number for number, key in enumerate(self._channels)}
        keys = list(self._channels)
        ready = [self._urgency(key, numbers) for key in keys if not waiting[key]]
        heapq.heapify(ready)
        found: list[Key] = []
        while ready:
            key = keys[heapq.heappop(ready)[-1]]
            found.append(key)
            for other in below.get(key, ()):
                waiting[other] -= 1
                if not waiting[other]:
                    heapq.heappush(ready, self._urgency(other, numbers))
        if len(found) < len(keys):
            raise self._circle({key for key in keys if key not in set(found)})
        return tuple(self._channels[key] for key in found)

    def _urgency(self, key: Key, numbers: Mapping[Key, int]) -> tuple[int, bool, int]:
        return self._anchor[key], key not in self._user, numbers[key]

    def _circle(self, stuck: set[Key]) -> RepodataError:
        """Every node of ``stuck`` waits for another of them: walking up must come round."""
        above = {
            edge.below: edge.above for edge in reversed(self._edges) if edge.above in stuck and edge.below in stuck
        }
        trail = [next(key for key in self._channels if key in stuck)]
        while trail[-1] not in trail[:-1]:
            trail.append(above[trail[-1]])
        circle = trail[trail.index(trail[-1]) :][::-1]
        names = " before ".join(self._channels[key].name for key in circle)
        return RepodataError(f"What channels say of each other goes in circles: {names}", hint=_OFF)


def _key(channel: Channel) -> Key:
    return channel.public_url, channel.platforms
