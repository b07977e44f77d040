"""Who we are for which server: credentials by place, and what becomes of them in a request.

Rule of this file: secrets go into one request for the host they belong to, and nowhere else. Where they come from is
told by `engine.fetch.http.credential_files` and `engine.fetch.http.credential_keyring`. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import msgspec


class Basic(msgspec.Struct, frozen=True):
    """User name and password (RFC 7617)."""

    user: str
    password: str

    def header(self) -> str:
        """The value of an ``Authorization`` header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class Bearer(msgspec.Struct, frozen=True):
    """A token for the ``Authorization`` header (RFC 6750)."""

    token: str

    def header(self) -> str:
        """The value of an ``Authorization`` header."""
        return f"Bearer {self.token}"


class PathToken(msgspec.Struct, frozen=True):
    """A conda token, which becomes part of the path: ``/t/TOKEN/channel``."""

    token: str


Credential = Basic | Bearer | PathToken


class Authorised(msgspec.Struct, frozen=True):
    """A URL ready to be asked for: no user:password in it, and the header that stands for them."""

    url: str
    header: str | None = None


class AuthStore:
    """Credentials by place: ``host``, ``host:port``, ``host/path``, ``*.domain``; the most particular place wins."""

    def __init__(self, places: Mapping[str, Credential] | None = None) -> None:
        self._places = {place_of(key): value for key, value in (places or {}).items()}

    def add(self, place: str, credential: Credential) -> None:
        """Take in one more."""
        self._places[place_of(place)] = credential

    def authorise(self, url: str) -> Authorised:
        """``url`` with what we know of its server; user:password in the URL itself comes first."""
        parts = urlsplit(url)
        if parts.username is not None:
            basic = Basic(unquote(parts.username), unquote(parts.password or ""))
            return Authorised(_without_userinfo(parts), basic.header())
        found = self.find(parts)
        if isinstance(found, PathToken):
            return Authorised(url if parts.path.startswith("/t/") else _with_token(parts, found.token))
        return Authorised(url, found.header() if found else None)

    def find(self, parts: SplitResult) -> Credential | None:
        """The credential of the closest place that ``parts`` lies in."""
        if not self._places:
            return None
        host = (parts.hostname or "").lower()
        folders = [part for part in parts.path.split("/") if part]
        hosts = [f"{host}:{parts.port}"] if parts.port else []
        for depth in range(len(folders), -1, -1):
            tail = "".join(f"/{folder}" for folder in folders[:depth])
            for name in (*hosts, host):
                if found := self._places.get(name + tail):
                    return found
        return next((found for name in wildcards(host) if (found := self._places.get(name))), None)


def wildcards(host: str) -> list[str]:
    """The wildcard places that ``host`` lies in, the closest first: rattler's ``*.prefix.dev`` means itself too."""
    labels = host.split(".")
    return ["*." + ".".join(labels[start:]) for start in range(len(labels) - 1)]


def place_of(text: str) -> str:
    """The place that people mean, as mamba writes it: ``https://Me.com:1/chan/`` → ``me.com:1/chan``."""
    host, slash, path = text.strip().split("://", 1)[-1].strip("/").partition("/")
    return host.rpartition("@")[2].lower() + slash + path


def _without_userinfo(parts: SplitResult) -> str:
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _with_token(parts: SplitResult, token: str) -> str:
    return urlunsplit(parts._replace(path=f"/t/{token}{parts.path}"))
