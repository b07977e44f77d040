"""Files that hold credentials: mamba's, rattler's, anaconda-client's and netrc.

Rule of this file: it reads, and tells of files that others may read too; a file that is broken is an error that names
it and shows nothing of what is in it. Everything blocks.

    ~/.mamba/auth/authentication.json       mamba (``Context::load_authentication_info``)
    $RATTLER_AUTH_FILE, ~/.rattler/credentials.json     rattler and pixi (``rattler_networking``, ``Authentication``)
    <config>/binstar/*.token, ~/.continuum/anaconda-client/tokens/*.token       anaconda-client, as conda and mamba read
    $NETRC, ~/.netrc
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import unquote_plus, urlsplit

import msgspec

from engine.errors import ConfigError
from engine.fetch.http.auth import AuthStore, Basic, Bearer, Credential, PathToken
from engine.fetch.http.settings import CredentialPlaces

Kind = TypeVar("Kind")


def read_credentials(places: CredentialPlaces) -> tuple[AuthStore, list[str]]:
    """All credentials, and what people should be told. Mamba's are the strongest, those of netrc the weakest.

    Raises `ConfigError` for a file that can't be understood.
    """
    found: dict[str, Credential] = {}
    notes: list[str] = []
    if places.netrc:
        _take(found, places.netrc, read_netrc(places.netrc), notes)
    for directory in places.token_dirs:
        found.update(read_token_dir(directory))
    for path in reversed(places.rattler):
        _take(found, path, read_rattler_file(path), notes)
    if places.mamba:
        _take(found, places.mamba, read_auth_file(places.mamba), notes)
    return AuthStore(found), notes


def _take(found: dict[str, Credential], path: str, more: dict[str, Credential], notes: list[str]) -> None:
    found.update(more)
    if more and is_open_to_others(path):
        notes.append(f"The credentials in {path} can be read by other users; `chmod 600 {path}` ends that.")


def is_open_to_others(path: str) -> bool:
    """Whether other users of the machine may read the file, going by its mode."""
    return os.name == "posix" and bool(os.stat(path).st_mode & 0o077)


# -- netrc


def read_netrc(path: str) -> dict[str, Credential]:
    """Machines and their logins; empty if there is no file. The default entry would hand a password to strangers."""
    import netrc  # few have one

    try:
        hosts = netrc.netrc(path).hosts
    except netrc.NetrcParseError as error:
        raise ConfigError(
            f"Could not read {path}, line {error.lineno}: {_kind_of_fault(error.msg)}",
            hint="Mend the file, or point $NETRC elsewhere.",
        ) from None  # the parser's own words may hold what it stumbled over
    except (OSError, UnicodeDecodeError) as error:
        if _is_out_of_sight(path, error):
            return {}
        raise ConfigError(f"Could not read {path}: {_reason(error)}", hint="Check who may read the file.") from error
    return {host: Basic(login, password or "") for host, (login, _, password) in hosts.items() if host != "default"}


def _kind_of_fault(message: str) -> str:
    """The parser's message up to what it quotes of the file."""
    return message.partition("'")[0].strip() or "it is no netrc file"


def _is_out_of_sight(path: str, error: Exception) -> bool:
    """Whether there is no file, or none that we could know of: `sudo -u` may leave another user's home in $HOME."""
    return isinstance(error, OSError) and not os.path.exists(path)


def _reason(error: Exception) -> str:
    return os.strerror(error.errno or 0) if isinstance(error, OSError) else "it is not what it should be"


def _read(
    path: str,
    decoder: msgspec.json.Decoder[dict[str, Kind]],
    meaning: Callable[[Kind], Credential | None],
    hint: str,
) -> dict[str, Credential]:
    """A file in JSON that maps places to entries; empty if there is none."""
    try:
        with open(path, "rb") as file:
            entries = decoder.decode(file.read())
        return {place: found for place, entry in entries.items() if (found := meaning(entry))}
    except (OSError, msgspec.MsgspecError, binascii.Error, UnicodeDecodeError) as error:
        if _is_out_of_sight(path, error):
            return {}
        raise ConfigError(f"Could not read the credentials in {path}: {_reason(error)}", hint=hint) from error


# -- mamba


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry of mamba's file. ``password`` is in base64, which hides it from passers-by only."""

    type: str
    user: str = ""
    password: str = ""
    token: str = ""


_ENTRIES = msgspec.json.Decoder(dict[str, Entry])


def read_auth_file(path: str) -> dict[str, Credential]:
    """Mamba's file; empty if there is none."""
    hint = "Mend or remove the file; it maps a host to a type and its token or base64 password."
    return _read(path, _ENTRIES, _credential, hint)


def _credential(entry: Entry) -> Credential | None:
    if entry.type == "BasicHTTPAuthentication":
        return Basic(entry.user, base64.b64decode(entry.password, validate=True).decode())
    if entry.type == "BearerToken":
        return Bearer(entry.token)
    return PathToken(entry.token) if entry.type == "CondaToken" else None


def entry_of(credential: Credential) -> Entry:
    """The entry of mamba's file that means ``credential``."""
    if isinstance(credential, Basic):
        password = base64.b64encode(credential.password.encode()).decode()
        return Entry("BasicHTTPAuthentication", user=credential.user, password=password)
    return Entry("BearerToken" if isinstance(credential, Bearer) else "CondaToken", token=credential.token)


# -- rattler


class _BasicLogin(msgspec.Struct, frozen=True):
    username: str
    password: str


class _OAuth(msgspec.Struct, frozen=True):
    access_token: str


class RattlerEntry(msgspec.Struct, frozen=True):
    """One of these is set; S3 keys are passed over, as we speak no S3."""

    bearer: str | None = msgspec.field(default=None, name="BearerToken")
    token: str | None = msgspec.field(default=None, name="CondaToken")
    basic: _BasicLogin | None = msgspec.field(default=None, name="BasicHTTP")
    oauth: _OAuth | None = msgspec.field(default=None, name="OAuth")

    def credential(self) -> Credential | None:
        """What it means; None for kinds that are of no use to us. An OAuth token that has ended is refused later."""
        if self.basic is not None:
            return Basic(self.basic.username, self.basic.password)
        if self.bearer is not None or self.oauth is not None:
            return Bearer(self.bearer or (self.oauth.access_token if self.oauth else ""))
        return PathToken(self.token) if self.token is not None else None


_RATTLER = msgspec.json.Decoder(dict[str, RattlerEntry])


def read_rattler_file(path: str) -> dict[str, Credential]:
    """Rattler's file; empty if there is none."""
    hint = "Mend or remove the file, which rattler and pixi use too; $RATTLER_AUTH_FILE names another one."
    return _read(path, _RATTLER, RattlerEntry.credential, hint)


# -- anaconda-client


def read_token_dir(directory: str) -> dict[str, Credential]:
    """Tokens that `anaconda login` left: one file for each address, its name quoted. What can't be read is passed over.

    One for an ``api`` host is good for the ``conda`` host beside it, as conda and mamba have it.
    """
    found: dict[str, Credential] = {}
    for name in _listing(directory):
        if not name.endswith(".token"):
            continue
        try:
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                token = file.read().strip()
        except (OSError, UnicodeDecodeError):
            continue
        url = unquote_plus(name.removesuffix(".token"))
        host = urlsplit(url).hostname or ""
        if token and host:
            found[url] = found[url.replace(host, _conda_host(host), 1)] = PathToken(token)
    return found


def _conda_host(host: str) -> str:
    return ".".join("conda" if label == "api" else label for label in host.split("."))


def _listing(directory: str) -> Iterable[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return ()
