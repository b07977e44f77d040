"""Who we are for which server: netrc files, mamba's authentication.json, and user:password in URLs.

Rule of this file: secrets go from a file into one request for the host they belong to, and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import netrc
import os
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import msgspec

from engine.errors import ConfigError


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
        self._places = {_place(key): value for key, value in (places or {}).items()}

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
        labels = host.split(".")
        for start in range(1, len(labels)):
            if found := self._places.get("*." + ".".join(labels[start:])):
                return found
        return None


def _place(key: str) -> str:
    """A key of the store from what people write: scheme and final slash don't matter, the host's case neither."""
    host, slash, path = key.split("://", 1)[-1].strip("/").partition("/")
    return host.lower() + slash + path


def _without_userinfo(parts: SplitResult) -> str:
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _with_token(parts: SplitResult, token: str) -> str:
    return urlunsplit(parts._replace(path=f"/t/{token}{parts.path}"))


def read_netrc(path: str) -> dict[str, Credential]:
    """Machines and their logins of a netrc file; empty if there is none. Raises `ConfigError` if it is broken."""
    try:
        hosts = netrc.netrc(path).hosts
    except netrc.NetrcParseError as error:
        raise ConfigError(
            f"Could not read {path}, line {error.lineno}: {error.msg}", hint="Mend the file, or point $NETRC elsewhere."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        if _is_out_of_sight(path, error):
            return {}
        raise ConfigError(f"Could not read {path}: {error}", hint="Check who may read the file.") from error
    return {host: Basic(login, password or "") for host, (login, _, password) in hosts.items() if host != "default"}


def _is_out_of_sight(path: str, error: Exception) -> bool:
    """Whether there is no file, or none that we could know of: `sudo -u` may leave another user's home in $HOME."""
    return isinstance(error, OSError) and not os.path.exists(path)


class _Entry(msgspec.Struct, frozen=True):
    """An entry of authentication.json (mamba's ``Context::load_authentication_info``)."""

    type: str
    user: str = ""
    password: str = ""
    token: str = ""


_decode_entries = msgspec.json.Decoder(dict[str, _Entry]).decode


def read_auth_file(path: str) -> dict[str, Credential]:
    """Mamba's ``~/.mamba/auth/authentication.json``; empty if there is none. Raises `ConfigError` if it is broken."""
    try:
        with open(path, "rb") as file:
            entries = _decode_entries(file.read())
        return {place: found for place, entry in entries.items() if (found := _credential(entry))}
    except (OSError, msgspec.MsgspecError, binascii.Error, UnicodeDecodeError) as error:
        if _is_out_of_sight(path, error):
            return {}
        raise ConfigError(
            f"Could not read the credentials in {path}: {error}",
            hint="Mend or remove the file; it maps a host to a type and its token or base64 password.",
        ) from error


def _credential(entry: _Entry) -> Credential | None:
    if entry.type == "BasicHTTPAuthentication":
        return Basic(entry.user, base64.b64decode(entry.password, validate=True).decode())
    if entry.type == "BearerToken":
        return Bearer(entry.token)
    return PathToken(entry.token) if entry.type == "CondaToken" else None


def read_credentials(netrc_path: str | None, auth_path: str | None) -> AuthStore:
    """All credentials of both files; mamba's file wins over netrc. Reads files: call it from a worker thread."""
    places = read_netrc(netrc_path) if netrc_path else {}
    return AuthStore({**places, **(read_auth_file(auth_path) if auth_path else {})})
