"""Channels: from the text that people write to the addresses that are fetched. Rule: pure, all facts are handed in.

A channel may be written as a name (``conda-forge``, ``bioconda/label/dev``), as one of several under one name
(``defaults``), as a URL with or without credentials, as a path; each with the platforms it is wanted for
(``conda-forge[linux-64,noarch]``, ``conda-forge/linux-64``). CEP 26 says what a channel is; which text means
which address, and the short name that conda-meta, the history and `list` show, are as micromamba has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from engine.errors import InvalidChannel
from engine.model.platform import NOARCH, InvalidPlatform, is_known_subdir, parse_subdir
from engine.model.url import (
    PackageUrl,
    UrlParts,
    absolute_path,
    is_package,
    is_path,
    join_url,
    mask_secrets,
    package_url_parts,
    path_to_url,
    scheme_of,
    split_filename,
    split_url,
    strip_secrets,
    url_to_path,
)

__all__ = [
    "CONDA_CHANNELS",
    "DEFAULT_ALIAS",
    "NO_DEFAULTS",
    "Channel",
    "ChannelContext",
    "PackageUrl",
    "absolute_path",
    "is_package",
    "is_path",
    "join_url",
    "mask_secrets",
    "package_url_parts",
    "path_to_url",
    "resolve_channels",
    "split_filename",
    "strip_secrets",
    "url_to_path",
]

DEFAULT_ALIAS: Final = "https://conda.anaconda.org"
NO_DEFAULTS: Final = "nodefaults"
"""Stands in a list of channels to say that nobody shall add the default ones; it names no channel."""

CONDA_CHANNELS: Final[Mapping[str, str]] = {
    "pkgs/main": "https://repo.anaconda.com/pkgs/main",
    "pkgs/r": "https://repo.anaconda.com/pkgs/r",
    "pkgs/pro": "https://repo.anaconda.com/pkgs/pro",
    "pkgs/msys2": "https://repo.anaconda.com/pkgs/msys2",
}
"""Names that are known everywhere → full address (conda and mamba build them in)."""

_UNKNOWN: Final = frozenset({"", "<unknown>", "none", "none:///<unknown>", ":///<unknown>"})
_FILTER_RE: Final = re.compile(r"(?P<place>.+?)\s*\[(?P<platforms>[^][]*)\]")
_COMPONENT_LIMIT: Final = 128


class Channel(msgspec.Struct, frozen=True):
    """Where packages come from."""

    name: str
    """What people, conda-meta and the history call it: a short name where there is one, else its public address."""
    base_url: str
    """Its address with credentials, for fetching. Show `public_url` instead."""
    platforms: tuple[str, ...] = ()
    """The only subdirs it is wanted for, if it was so written."""

    @property
    def public_url(self) -> str:
        """Its address without user, password, token and query; no slash at the end."""
        return strip_secrets(self.base_url)

    def subdirs(self, platform: str) -> tuple[str, ...]:
        """The subdirs to load for ``platform``, in the order of their priority."""
        return self.platforms or ((platform,) if platform == NOARCH else (platform, NOARCH))

    def subdir_url(self, subdir: str) -> str:
        """The address of a subdir, with credentials; no slash at the end."""
        return split_url(self.base_url).build(append=subdir)

    def repodata_url(self, subdir: str, fn: str = "repodata.json") -> str:
        """The address of a file in a subdir, with credentials."""
        return split_url(self.base_url).build(append=f"{subdir}/{fn}")


class ChannelContext(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to understand a channel's text; see the configuration keys of the same names."""

    alias: str = DEFAULT_ALIAS
    default_channels: tuple[str, ...] = (CONDA_CHANNELS["pkgs/main"], CONDA_CHANNELS["pkgs/r"])
    """What ``defaults`` means."""
    custom_channels: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Name → the address *above* it, as conda has it: ``{"a": "https://h/x"}`` makes ``a/b`` mean ``https://h/x/a/b``."""
    custom_multichannels: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Name → the channels it stands for."""
    mirrored_channels: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Name → the addresses that have the channel, see `canonical_mirror`. Keys that are addresses change no name."""
    cwd: str = "/"
    home: str = "/"


def canonical_mirror(mirrors: Sequence[str]) -> str:
    """The address that a mirrored channel is known by in records and lists: the first one, as mamba has it.

    One that every conda tool can fetch from is preferred to a registry of container images.
    """
    return next((mirror for mirror in mirrors if scheme_of(mirror) != "oci"), mirrors[0])


def resolve_channels(texts: Sequence[str], context: ChannelContext) -> tuple[Channel, ...]:
    """The channels that the texts mean, in order, each once. Names of several channels are unfolded.

    Raises `InvalidChannel` for a text that can be no channel.
    """
    resolver = _Resolver(context)
    found: dict[tuple[str, tuple[str, ...]], Channel] = {}
    for text in texts:
        if text.strip() != NO_DEFAULTS:
            for channel in resolver.resolve(text.strip()):
                found.setdefault((channel.public_url, channel.platforms), channel)
    return tuple(found.values())


class _Resolver:
    """Texts → channels, with the configured names taken apart once."""

    def __init__(self, context: ChannelContext) -> None:
        self.context = context
        alias = context.alias if scheme_of(context.alias) else f"https://{context.alias}"
        self.alias = split_url(alias)
        named = {name.strip("/"): _named_url(self._address(url), name) for name, url in context.custom_channels.items()}
        named |= {name: split_url(url) for name, url in CONDA_CHANNELS.items() if name not in named}
        mirrored = {name: mirrors for name, mirrors in context.mirrored_channels.items() if mirrors}
        self.mirrored = {
            name: self._address(canonical_mirror(mirrors)) for name, mirrors in mirrored.items() if not scheme_of(name)
        }
        named |= self.mirrored
        self.named = dict(sorted(named.items(), key=lambda item: -len(item[0])))  # the longest name wins
        self.multiple = {"defaults": context.default_channels, **context.custom_multichannels}

    def resolve(self, text: str) -> Iterator[Channel]:
        """The channels that one text means."""
        place, platforms = _split_platforms(text)
        members = None if place in self.mirrored else self.multiple.get(place)
        if members is None:
            yield self._one(place, platforms)
            return
        for member in members:
            # A member is never looked up among the names of several again, or one could contain itself.
            inner, own = _split_platforms(member.strip())
            yield self._one(inner, platforms or own)

    def _one(self, place: str, platforms: tuple[str, ...]) -> Channel:
        if is_package(place):
            raise InvalidChannel(mask_secrets(place), "it is the address of a package, not of a channel")
        if scheme_of(place) or is_path(place):
            name, url = self._recognize(self._address(place))
            return Channel(name, url.build(), platforms)
        name = _checked_name(place)
        return Channel(name, self._url_of(name).build(), platforms)

    def _address(self, place: str) -> UrlParts:
        """A URL or path as a URL in pieces."""
        if not scheme_of(place):
            place = path_to_url(absolute_path(place, self.context.cwd, self.context.home))
        return split_url(place)

    def _url_of(self, name: str) -> UrlParts:
        """The address that a name means: below a custom channel, else below the alias."""
        for known, url in self.named.items():
            if name == known or name.startswith(f"{known}/"):
                return _below(url, name[len(known) :])
        return _below(self.alias, name)

    def _recognize(self, url: UrlParts) -> tuple[str, UrlParts]:
        """The short name of an address if it has one, else the address without secrets; and the address to fetch.

        Credentials that are configured for a name or the alias also serve an address that was written without any.
        """
        for known, above in (*self.named.items(), ("", self.alias)):
            rest = _rest_below(above, url)
            if rest is not None:
                name = f"{known}/{rest}".strip("/")
                return name or url.build(secrets=False), _with_login_of(above, url)
        return url.build(secrets=False), url


def _with_login_of(above: UrlParts, url: UrlParts) -> UrlParts:
    if url.userinfo or url.token or url.query:
        return url
    return msgspec.structs.replace(url, userinfo=above.userinfo, token=above.token, query=above.query)


def _below(url: UrlParts, name: str) -> UrlParts:
    """The address of ``name`` below ``url``."""
    name = name.strip("/")
    return msgspec.structs.replace(url, path=f"{url.path}/{name}") if name else url


def _named_url(url: UrlParts, name: str) -> UrlParts:
    """The address of a custom channel. Its name may be in ``url`` already, wholly or in part (as mamba allows)."""
    have, want = url.path.split("/"), name.strip("/").split("/")
    for shared in range(len(want), 0, -1):
        if have[-shared:] == want[:shared]:
            return _below(url, "/".join(want[shared:]))
    return _below(url, name)


def _rest_below(above: UrlParts, url: UrlParts) -> str | None:
    """What ``url`` has after ``above``, secrets apart; None if it is not below it."""
    if (above.scheme, above.host) != (url.scheme, url.host):
        return None
    if url.path == above.path:
        return ""
    return url.path[len(above.path) + 1 :] if url.path.startswith(f"{above.path}/") else None


def _split_platforms(text: str) -> tuple[str, tuple[str, ...]]:
    """``place[a,b]`` or ``place/a`` → place, platforms. Only the last path component is read as a platform (CEP 26)."""
    if text.lower() in _UNKNOWN:
        raise InvalidChannel(text, "it names no channel")
    if text.endswith("]"):
        found = _FILTER_RE.fullmatch(text)
        if not found:
            raise InvalidChannel(mask_secrets(text), "expected platforms in brackets at the end, as in name[linux-64]")
        return found["place"].rstrip("/"), _platforms(text, found["platforms"])
    head, query_mark, query = text.partition("?")
    above, _, last = head.rstrip("/").rpartition("/")
    if above and not above.endswith(":/") and is_known_subdir(last):
        return above.rstrip("/") + query_mark + query, (last.lower(),)
    return text.rstrip("/") or "/", ()


def _platforms(text: str, listed: str) -> tuple[str, ...]:
    """The platforms of a filter, each once. Several separators are in use: mamba takes ``| , ;`` and spaces."""
    try:
        found = tuple(dict.fromkeys(parse_subdir(word) for word in re.split(r"[|,;\s]+", listed) if word))
    except InvalidPlatform as error:
        raise InvalidChannel(mask_secrets(text), error.message) from error
    if not found:
        raise InvalidChannel(mask_secrets(text), "the brackets hold no platform")
    return found


def _checked_name(text: str) -> str:
    """A channel name, checked for what could lead elsewhere.

    CEP 26 allows lower-case letters only; channels with upper-case ones exist on other servers, so we let them pass.
    """
    name = text.strip("/")
    parts = name.split("/")
    if any(part.startswith((".", "~", "-")) or not part for part in parts):
        raise InvalidChannel(
            mask_secrets(text), "a part of a channel name is neither empty nor begins with '.', '-' or '~'"
        )
    if any(len(part) > _COMPONENT_LIMIT for part in parts):
        raise InvalidChannel(mask_secrets(text), f"a part of a channel name has at most {_COMPONENT_LIMIT} characters")
    wrong = re.search(r"[^\w./+@!-]", name)
    if wrong:
        raise InvalidChannel(mask_secrets(text), f"{wrong.group()!r} can't be part of a channel name")
    return name
